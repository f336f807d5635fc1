/**
 * The driver's own block of memory, from the engine's allocator, and values on their way between the two. Whoever
 * gets a value from a function of the engine frees it.
 */
import * as op from "../guest/operations";
import * as js from "./engine";

/** State, and places for results. */
@unmanaged
export class Block {
  /** The prelude's functions. */
  turn: usize;
  report: usize;
  rejected: usize;
  begin: usize;
  /** The generator's state, and the agent whose it is: a clone begins one of its own. */
  seed: u64;
  owner: u64;
  /** Results of the engine's calls. */
  word0: u32;
  word1: u32;
  word2: u32;
  word3: u32;
  /** Results of system calls: the largest are messages and events. */
  told0: u64;
  told1: u64;
  told2: u64;
  told3: u64;
  name: u64;
  args0: usize;
  args1: usize;
  args2: usize;
}

/** Bytes of a string or a typed array. `owned` is a C string to be freed, or 0. */
@unmanaged
export class View {
  at: usize;
  bytes: usize;
  owned: usize;
}

export let block: Block = changetype<Block>(0);
/** Room for a message, a list of queues, or what is read. */
export let room: usize = 0;
export const ROOM_BYTES: usize = op.MESSAGE_BYTES_MAX;

export function reserve(): void {
  const bytes = offsetof<Block>() + 2 * offsetof<View>();
  block = changetype<Block>(js.malloc(bytes));
  memory.fill(changetype<usize>(block), 0, bytes);
  room = js.malloc(ROOM_BYTES);
}

/** Places for the bytes of two values at once. */
@inline export function firstView(): View {
  return changetype<View>(changetype<usize>(block) + offsetof<Block>());
}
@inline export function secondView(): View {
  return changetype<View>(changetype<usize>(block) + offsetof<Block>() + offsetof<View>());
}

@inline export function words(): usize {
  return changetype<usize>(block) + offsetof<Block>("word0");
}
@inline export function told(): usize {
  return changetype<usize>(block) + offsetof<Block>("told0");
}

/** The bytes of `value`: false, and nothing to free, if it is neither text nor bytes. */
export function take(value: usize, view: View): bool {
  const out = words();
  view.owned = 0;
  view.at = 0;
  view.bytes = 0;
  if (js.qjs_is_string(value)) {
    view.at = js.qjs_get_string_len(value, out);
    view.owned = view.at;
    view.bytes = block.word0;
    return view.at != 0;
  }
  const buffer = js.qjs_get_typed_array_buffer(value, out, out + 4, out + 8);
  if (js.qjs_is_exception(buffer)) {
    js.qjs_free_value(buffer);
    js.qjs_free_value(js.qjs_get_exception());
    return false;
  }
  const offset = block.word0;
  const bytes = block.word1;
  const at = js.qjs_get_array_buffer(buffer, out + 12);
  // The array that was given keeps its buffer.
  js.qjs_free_value(buffer);
  if (at == 0 || offset + bytes > block.word3) {
    if (at == 0) js.qjs_free_value(js.qjs_get_exception());
    return bytes == 0;
  }
  view.at = at + offset;
  view.bytes = bytes;
  return true;
}

export function give(view: View): void {
  if (view.owned != 0) js.qjs_free_cstring(view.owned);
}

@inline export function argument(list: usize, index: i32): usize {
  return load<usize>(list + (<usize>index << 2));
}

@inline export function numberAt(list: usize, index: i32): f64 {
  return js.qjs_get_float64(argument(list, index));
}

/** A capability's number; beyond what a number can hold is none. */
@inline export function handleAt(list: usize, index: i32): i64 {
  return <i64>numberAt(list, index);
}

/** 64 bits of a bigint. */
export function longAt(list: usize, index: i32): u64 {
  block.word0 = u32.MAX_VALUE;
  block.word1 = u32.MAX_VALUE;
  js.qjs_get_big_int64(argument(list, index), words(), words() + 4);
  return (<u64>block.word1 << 32) | <u64>block.word0;
}

@inline export function nothing(): usize {
  return js.qjs_get_undefined();
}
@inline export function number(value: f64): usize {
  return js.qjs_new_number(value);
}
@inline export function long(value: u64): usize {
  return js.qjs_new_big_int64(<i32>value, <i32>(value >> 32));
}

/** Adds an element to an array that is to be answered. */
export function put(array: usize, index: u32, value: usize): void {
  js.qjs_set_prop_uint32(array, index, value);
  js.qjs_free_value(value);
}
