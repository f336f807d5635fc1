/** One instance of the machine in WebAssembly: its memory, its exports and its host functions. */
import { CACHE_FIXED_BYTES, CACHE_FRAME_BYTES, CACHE_SLACK } from "../spec/caches.ts";
import { AgentPort } from "./agent-port.ts";
import { MachineError } from "./errors.ts";
import type { Modules } from "./modules.ts";
import type { Configuration } from "./options.ts";
import { abortFunction } from "./traps.ts";

/** Exports of sim.wasm that the host uses. */
export interface SimExports {
  readonly table: WebAssembly.Table;
  create(cpus: number, ramBytes: number, epochSeconds: number): void;
  addDrive(attachment: number, bytes: number, blockBytes: number, readOnly: boolean): number;
  addNic(address: bigint): void;
  addDebugExit(port: number): void;
  powerOn(start: boolean): void;
  /** Starts a guest's code on CPU 0: 64-bit with page tables at `cr3`, or 32-bit when it is 0. */
  startGuest(cr3: number, rip: bigint, rax: number, rbx: number, rsi: number): void;
  advanceIdle(time: bigint): void;
  hashBegin(): void;
  hashUpdate(from: number, bytes: number): void;
  hashEnd(): void;
  hashMachine(): void;
  nextUsedPage(page: number, end: number): number;
  /** What is known of frames of RAM (sim/core/frames.ts). */
  beginFetching(): void;
  endFetching(): void;
  fetchFrames(at: number, bytes: number): void;
  forgetFrames(): void;
  framesShared(): void;
  nextChangedFrame(page: number): number;
  run(limit: bigint, maxSteps: number): number;
  /** The same with the limit of the last run. */
  goOn(maxSteps: number): number;
  /** Goes on with a turn that is paused; whether it has ended, and nothing stops the run. */
  endPausedTurn(): number;
  /** Breakpoints and watchpoints (sim/core/debug.ts); all together take effect with `debugApply`. */
  debugClear(): void;
  debugAddBreakpoint(rip: bigint): number;
  debugAddWatchpoint(address: bigint, bytes: number, kinds: number): number;
  debugApply(): void;
  debugAddress(): number;
  driveLine(gsi: number, level: boolean): void;
  deliverMessage(address: bigint, data: number): void;
  pendingInterrupt(cpu: number): number;
  takeInterrupt(cpu: number, pending: number): number;
  physicalRead(address: bigint, bytes: number): bigint;
  physicalWrite(address: bigint, bytes: number, value: bigint): void;
  portRead(port: number, bytes: number): number;
  portWrite(port: number, bytes: number, value: number): void;
  /** Physical address as unsigned 64 bits, or all ones; looks without a trace (cpu/inspect.ts). */
  peekTranslate(cpu: number, va: bigint): bigint;
  /** As an access of the CPU: 2 write, 4 user, 16 fetch. All ones when it faults. */
  translateFor(cpu: number, va: bigint, access: number): bigint;
  /** Tells that the host has changed bytes of linear memory, which may be code (engine/blocks.ts). */
  memoryChanged(from: number, bytes: number): void;
  pressPowerButton(): void;
  nicReceive(from: number, bytes: number): number;
  uartReceive(entry: number): number;
  uartRoom(): number;
  armFault(kind: number, source: number, skip: number, argument: bigint): number;
  /** Operations of the agent on a CPU that waits for one (sim/core/user/host.ts). */
  agentCall(cpu: number, cycles: number, integers: number): number;
  agentStore(cpu: number, low: number, high: number, bytes: number): number;
  agentLoad(cpu: number, low: number, high: number, bytes: number): number;
  agentFault(cpu: number): number;
  agentChain(
    cpu: number,
    cycles: number,
    chain: number,
    to: number,
    bytes: number,
    from: number,
    wanted: number,
  ): number;
  /** Decodes at an address of the memory; what it finds is left where decoder.ts looks. */
  decodeFor(at: number, available: number, mode: number): number;
  /** Addresses of what the host reads so often that a bigint for it would count. */
  stepsAddress(): number;
  nowAddress(): number;
  registersAddress(cpu: number): number;
  loadedAddress(cpu: number): number;
}

/** What leaves the machine, and the bytes of its drives (sim/core/host.ts). */
export interface HostFunctions {
  driveRead(drive: number, offset: number, bytes: number, to: number): number;
  driveWrite(drive: number, offset: number, bytes: number, from: number): number;
  driveZero(drive: number, offset: number, bytes: number): number;
  driveFlush(drive: number): number;
  consoleWrite(port: number, byte: number): void;
  frameSend(nic: number, from: number, bytes: number): void;
  /** Copies a frame of RAM that other machines have too to its place (shared-frames.ts). */
  frameFetch(at: number): void;
}

export interface Core {
  readonly memory: WebAssembly.Memory;
  readonly bytes: Uint8Array;
  readonly data: DataView;
  readonly sim: SimExports;
  readonly kernel: WebAssembly.Exports;
  /** Where bytes for the machine are put, HOST_BUFFER_BYTES long. */
  readonly hostBuffer: number;
  readonly agents: AgentPort;
}

/** Linear memory map; the same figures as sim/core/memory.ts. */
export const HOST_BASE = 0x0010_0000;
export const HASH_RESULT = HOST_BASE + 0x40;
export const HOST_BUFFER_BYTES = 0xf_e000;
export const HOST_BUFFER = HOST_BASE + 0x1000;
export const STATE_BASE = 0x0020_0000;
export const RAM_BASE = 0x0200_0000;
const WASM_PAGE = 65536;
const FRAME_BYTES = 4096;

/** Instantiates both modules over one memory and joins them; a guest's machine has no kernel.wasm. */
export function instantiate(
  modules: Modules,
  { memory: ramBytes, guest }: Configuration,
  host: HostFunctions,
): Core {
  const memory = reserve(memoryBytes(ramBytes));
  const data = new DataView(memory.buffer);
  const env = { memory, abort: abortFunction(data) };
  const simInstance = new WebAssembly.Instance(modules.sim, { env, host: { ...host } });
  const sim = simInstance.exports as unknown as SimExports;
  const imports = { env, machine: simInstance.exports };
  const kernel = guest ? {} : new WebAssembly.Instance(modules.kernel, imports).exports;
  if (!guest) data.setUint32(HOST_BASE + 12, sim.table.grow(1, kernel.enter), true);
  return {
    memory,
    bytes: new Uint8Array(memory.buffer),
    data,
    sim,
    kernel,
    hostBuffer: HOST_BUFFER,
    agents: new AgentPort(sim, memory),
  };
}

/** Bytes of linear memory with so much RAM: what is before it, and the caches behind (sim/spec/caches.ts). */
export function memoryBytes(ramBytes: number): number {
  const caches = CACHE_FIXED_BYTES + (ramBytes / FRAME_BYTES) * CACHE_FRAME_BYTES + CACHE_SLACK;
  return Math.ceil((RAM_BASE + ramBytes + caches) / WASM_PAGE) * WASM_PAGE;
}

function reserve(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / WASM_PAGE);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages });
  } catch (cause) {
    throw new MachineError(
      "memory-unavailable",
      `memory: the host can't reserve ${bytes} bytes for the machine`,
      { cause },
    );
  }
}
