/**
 * V8 gives functions with more than 8,192 virtual registers to a register allocator that never uses a
 * slot of the stack twice (kTopTierVirtualRegistersLimit in its pipeline.cc). The engine's interpreter, once
 * it is hot and compiled by TurboFan, would have frames of some 50 KB then, and twenty calls of a script
 * would fill the host's stack. The other allocator takes longer to compile, and makes frames of less than a KB.
 */
const FLAG = "--no-turbo-use-mid-tier-regalloc-for-huge-functions";

interface V8 {
  setFlagsFromString(flags: string): void;
}
interface Host {
  readonly process?: { getBuiltinModule?(name: string): V8 | undefined };
}

/** For what is compiled from now on. Without effect where there is no such flag. */
export function keepFramesSmall(): void {
  (globalThis as unknown as Host).process?.getBuiltinModule?.("node:v8")?.setFlagsFromString(FLAG);
}
