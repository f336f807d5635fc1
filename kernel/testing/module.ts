/** Loads kernel-testing.wasm over a memory of its own. */
import { instantiate } from "@assemblyscript/loader";
import { loadModule } from "../../sim/host/modules.ts";

export interface KernelTesting {
  setUpFrames(frameCount: number): bigint;
  setUpPaging(): bigint;
  tableCount(): number;
  linear(address: bigint): number;
  framesAdd(start: bigint, end: bigint): void;
  frameAlloc(order: number, owner: number): bigint;
  frameFree(address: bigint): void;
  framesFree(): number;
  framesOwned(owner: number): number;
  framesValid(): number;
  mapPage(root: bigint, address: bigint, target: bigint, size: number, flags: bigint): number;
  unmapPage(root: bigint, address: bigint): number;
  translate(root: bigint, address: bigint): bigint;
  mapMany(root: bigint, address: bigint, target: bigint, size: number, count: number): number;
  unmapMany(root: bigint, address: bigint, size: number, count: number): number;
  translateMany(root: bigint, address: bigint, stride: bigint, count: number): bigint;
}

export interface Loaded {
  readonly exports: KernelTesting;
  readonly data: DataView;
}

const RAM_BASE = 0x0200_0000;

/**
 * A machine interface that does nothing, in WebAssembly as the real one: a call of JavaScript would
 * cost more than what is called for.
 *
 *   (func (export "invalidatePage") (param i64))
 *   (func (export "timestamp") (result i64) i64.const 0)
 */
const IDLE_MACHINE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x09, 0x02, 0x60, 0x01, 0x7e, 0x00, 0x60, 0x00, 0x01, 0x7e],
  ...[0x03, 0x03, 0x02, 0x00, 0x01],
  ...[0x07, 0x1e, 0x02],
  ...[14, ...new TextEncoder().encode("invalidatePage"), 0x00, 0x00],
  ...[9, ...new TextEncoder().encode("timestamp"), 0x00, 0x01],
  ...[0x0a, 0x09, 0x02, 0x02, 0x00, 0x0b, 0x04, 0x00, 0x42, 0x00, 0x0b],
]);

/**
 * A fresh instance over `ramBytes` of RAM, by the AssemblyScript loader: nothing here is hot, and its
 * `abort` says which assertion failed. The machine interface does nothing.
 */
export async function loadKernelTesting(ramBytes: number): Promise<Loaded> {
  const memory = new WebAssembly.Memory({ initial: (RAM_BASE + ramBytes) / 65536 });
  const machine = new WebAssembly.Instance(new WebAssembly.Module(IDLE_MACHINE)).exports;
  const module = await loadModule("kernel-testing");
  const { exports } = await instantiate(module, { env: { memory }, machine });
  return { exports: exports as unknown as KernelTesting, data: new DataView(memory.buffer) };
}
