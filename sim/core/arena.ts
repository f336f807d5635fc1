/** The state arena: fixed-size allocations made while the machine is created, never afterwards. */
import { STATE_BASE, STATE_END } from "./memory";
import { machine } from "./machine";

/** Reserves `bytes` of zeroed state, aligned to 64 bytes. Traps when the arena is full. */
export function allocate(bytes: usize): usize {
  const state = machine();
  const at: usize = (state.arenaTop + 63) & ~63;
  if (bytes > STATE_END - at) unreachable();
  state.arenaTop = <u32>(at + bytes);
  return at;
}

/** Reserves one zeroed structure of type `T`. */
export function allocateOne<T>(): T {
  return changetype<T>(allocate(offsetof<T>()));
}

/** Reserves `count` zeroed structures of type `T`, one behind the other. */
export function allocateMany<T>(count: u32): usize {
  return allocate(offsetof<T>() * <usize>count);
}
