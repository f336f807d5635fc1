/**
 * A processor on a bench: a machine whose CPUs stand still, the instructions of the machine
 * interface as functions, and a kernel that is a TypeScript function.
 */
import { STOP_STEPS } from "../../spec/stops.ts";
import { HOST_BASE, RAM_BASE } from "../core.ts";
import { Machine, type MachineOptions } from "../machine.ts";
import type { Cpu } from "../views.generated.ts";

/** What sim.wasm exports for the kernel, as far as the tests of the processor use it. */
export interface Instructions {
  readMsr(index: number): bigint;
  writeMsr(index: number, value: bigint): void;
  readControl(number: number): bigint;
  writeControl(number: number, value: bigint): void;
  writeExtendedControl(index: number, value: bigint): void;
  loadIdt(base: bigint, limit: number): void;
  loadGdt(base: bigint, limit: number): void;
  loadTask(selector: number): void;
  loadSegment(number: number, selector: number): void;
  writeRegister(index: number, value: bigint): void;
  readRegister(index: number): bigint;
  invalidatePage(va: bigint): void;
  invalidateContext(type: number, pcid: number, va: bigint): void;
  cpuid(leaf: number, subleaf: number): void;
  readSeed(): bigint;
  loadVirtual(va: bigint, bytes: number): bigint;
  storeVirtual(va: bigint, bytes: number, value: bigint): void;
  saveRegisters(at: number): void;
  loadRegisters(at: number): void;
  returnByInterrupt(): void;
  enableInterrupts(): void;
  halt(): void;
  translateFor(cpu: number, va: bigint, access: number): bigint;
  peekTranslate(cpu: number, va: bigint): bigint;
}

/** Runs one kernel entry; what it returns is ignored. */
export type Kernel = (cpu: number, entry: number, errorCode: number) => void;

/** (module (import "t" "enter" (func (param i32 i32 i32))) (export "enter" (func 0))) */
const PASS_THROUGH = Uint8Array.from([
  0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 7, 1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0, 2, 11, 1, 1, 0x74, 5,
  0x65, 0x6e, 0x74, 0x65, 0x72, 0, 0, 7, 9, 1, 5, 0x65, 0x6e, 0x74, 0x65, 0x72, 0, 0,
]);

export class ProcessorBench {
  readonly machine: Machine;
  readonly cpu: Cpu;
  readonly do: Instructions;

  private constructor(machine: Machine) {
    this.machine = machine;
    this.cpu = machine.state.cpusAt(0);
    this.do = machine.core.sim as unknown as Instructions;
    machine.state.running = 0;
  }

  /** A machine with `options`, whose CPU 0 is the one that the instructions act for. */
  static async create(options: MachineOptions = {}): Promise<ProcessorBench> {
    const memory = 16 * 1024 * 1024;
    return new ProcessorBench(await Machine.create({ memory, ...options, start: false }));
  }

  /** Vector of the exception that the last instructions raised, which is taken back; or -1. */
  takeException(): number {
    const vector = this.cpu.pendingException - 1;
    this.cpu.pendingException = 0;
    return vector;
  }

  read64(physical: number): bigint {
    return this.machine.core.data.getBigUint64(RAM_BASE + physical, true);
  }

  write64(physical: number, value: bigint): void {
    this.machine.core.data.setBigUint64(RAM_BASE + physical, value, true);
  }

  /** Replaces the kernel by a function. */
  setKernel(kernel: Kernel): void {
    const { core } = this.machine;
    const module = new WebAssembly.Module(PASS_THROUGH);
    const instance = new WebAssembly.Instance(module, { t: { enter: kernel } });
    core.sim.table.set(core.data.getUint32(HOST_BASE + 12, true), instance.exports.enter);
  }

  /** Lets CPU 0 have one turn from where it stands; other events before it happen too. */
  step(): number {
    const { state, core } = this.machine;
    const before = this.cpu.clock;
    let reason: number;
    state.running = 0xffff_ffff;
    state.attention |= 1n;
    do {
      reason = core.sim.run(0xffff_ffff_ffff_ffffn, 1);
    } while (reason === STOP_STEPS && this.cpu.clock === before);
    state.running = 0;
    return reason;
  }
}
