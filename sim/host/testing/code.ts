/**
 * Machine code on the bench: bytes in RAM that CPU 0 executes in 64-bit mode, with the tables of
 * longmode.ts. Vectors lead to a kernel that records what it is entered with.
 */
import { RAM_BASE } from "../core.ts";
import type { MachineOptions } from "../machine.ts";
import { loadModule, type Modules } from "../modules.ts";
import { KERNEL_STACK, LongModeBench } from "./longmode.ts";
import type { PciExports } from "./pciDevice.ts";

/** What sim-testing.wasm exports for this (sim/core/testing.ts). */
export interface TurnExports extends PciExports {
  testTurn(cpu: number, cycles: bigint): void;
  testFlushBlocks(): void;
  testBlocksOf(address: bigint): number;
}

/** Where code is put unless a test says otherwise; RAM from 4 MiB to 8 MiB is its own. */
export const CODE = 0x40_0000;
export const DATA = 0x60_0000;
const NO_CPU = 0xffff_ffff;

export const REGISTERS = [
  "rax",
  "rcx",
  "rdx",
  "rbx",
  "rsp",
  "rbp",
  "rsi",
  "rdi",
  "r8",
  "r9",
  "r10",
  "r11",
  "r12",
  "r13",
  "r14",
  "r15",
] as const;
export type Register = (typeof REGISTERS)[number];

const SHARED = [
  "rip",
  "rflags",
  "cr0",
  "cr3",
  "cr4",
  "efer",
  "gdtBase",
  "gdtLimit",
  "idtBase",
  "idtLimit",
  "activity",
] as const;

/** Bytes written as hexadecimal numbers, with whatever between them. */
export const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from(hex.match(/[0-9a-f]{2}/gi) ?? [], (byte) => Number.parseInt(byte, 16));

export class CodeBench {
  readonly on: LongModeBench;
  readonly modules: Modules;

  private constructor(on: LongModeBench, modules: Modules) {
    this.on = on;
    this.modules = modules;
  }

  static async create(options: MachineOptions = {}): Promise<CodeBench> {
    const modules = { sim: await loadModule("sim-testing"), kernel: await loadModule("kernel") };
    const made = new CodeBench(await LongModeBench.create({ ...options, modules }), modules);
    made.cpu.rip = BigInt(CODE);
    return made;
  }

  get cpu() {
    return this.on.bench.cpu;
  }

  get bytes(): Uint8Array {
    return this.on.bench.machine.core.bytes;
  }

  /** Puts code or data at a physical address; as the host does it, blocks of it are dropped. */
  put(bytes: string | Uint8Array, at = CODE): void {
    const data = typeof bytes === "string" ? bytesOf(bytes) : bytes;
    this.exports.memoryChanged(RAM_BASE + at, data.length);
    this.bytes.set(data, RAM_BASE + at);
  }

  get exports(): TurnExports {
    return this.on.bench.machine.core.sim as TurnExports;
  }

  /** Lets a CPU run for so many cycles from where it stands; 20,000 are a slice. */
  run(cycles = 20_000, cpu = 0): void {
    const { state } = this.on.bench.machine;
    state.running = NO_CPU;
    this.exports.testTurn(cpu, BigInt(cycles));
    state.running = 0;
  }

  /** Puts CPU `index` where CPU 0 is: the same tables, segments and registers. */
  copyTo(index: number): void {
    const { cpu } = this;
    const other = this.on.bench.machine.state.cpusAt(index);
    for (const name of [...REGISTERS, ...SHARED] as const) (other[name] as unknown) = cpu[name];
    for (let n = 0; n < 8; n++) {
      const { base, limit, selector, attributes } = cpu.segmentsAt(n);
      Object.assign(other.segmentsAt(n), { base, limit, selector, attributes });
    }
  }

  flushBlocks(): void {
    this.exports.testFlushBlocks();
  }

  /** Code that ends with HLT, from `at` on with these registers; how many instructions it had. */
  execute(code: string, registers: Partial<Record<Register | "rflags", bigint>> = {}): number {
    const { cpu } = this;
    this.put(`${code} f4`);
    cpu.activity = 1;
    cpu.rip = BigInt(CODE);
    cpu.rsp = KERNEL_STACK;
    cpu.rflags = 2n;
    Object.assign(cpu, registers);
    const before = cpu.retired;
    this.run();
    return Number(cpu.retired - before);
  }
}
