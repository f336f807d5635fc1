/** A test's hands on the interrupt controllers, in the place of a CPU. */

import * as Apic from "../../spec/apic.ts";
import * as Io from "../../spec/ioapic.ts";
import { IOAPIC_BASE, LAPIC_BASE } from "../../spec/platform.ts";
import type { Machine } from "../machine.ts";
import { Cpu, Lapic } from "../views.generated.ts";

/** The machine interface's functions for model-specific and control registers. */
interface Processor {
  readMsr(index: number): bigint;
  writeMsr(index: number, value: bigint): void;
  readControl(number: number): bigint;
  writeControl(number: number, value: bigint): void;
}

const NO_CPU = 0xffff_ffff;
export const PENDING_EXTINT = 256;

export class ApicBench {
  readonly machine: Machine;

  constructor(machine: Machine) {
    this.machine = machine;
  }

  cpu(index: number): Cpu {
    return new Cpu(this.machine.core.data, this.machine.state.cpus + index * Cpu.size);
  }

  lapic(index: number): Lapic {
    return new Lapic(this.machine.core.data, this.machine.state.lapics + index * Lapic.size);
  }

  /** Does something as if CPU `index` were executing, at the machine's time. */
  as<T>(index: number, act: (processor: Processor) => T): T {
    const { state, core } = this.machine;
    this.cpu(index).clock = state.now;
    state.running = index;
    try {
      return act(core.sim as unknown as Processor);
    } finally {
      state.running = NO_CPU;
    }
  }

  /** Reads a register of CPU `index`'s xAPIC page. */
  read(index: number, offset: number, bytes = 4): number {
    return this.as(index, () =>
      Number(this.machine.core.sim.physicalRead(BigInt(LAPIC_BASE + offset), bytes)),
    );
  }

  write(index: number, offset: number, value: number, bytes = 4): void {
    const at = BigInt(LAPIC_BASE + offset);
    this.as(index, () => this.machine.core.sim.physicalWrite(at, bytes, BigInt(value >>> 0)));
  }

  /** RDMSR; null stands for #GP. */
  readMsr(index: number, msr: number): bigint | null {
    const value = this.as(index, (processor) => BigInt.asUintN(64, processor.readMsr(msr)));
    return this.faulted(index) ? null : value;
  }

  /** WRMSR; false stands for #GP. */
  writeMsr(index: number, msr: number, value: bigint): boolean {
    this.as(index, (processor) => processor.writeMsr(msr, value));
    return !this.faulted(index);
  }

  private faulted(index: number): boolean {
    const cpu = this.cpu(index);
    const vector = cpu.pendingException;
    cpu.pendingException = 0;
    return vector !== 0;
  }

  /** MSR number of the register at `offset`. */
  static msr(offset: number): number {
    return Apic.X2APIC_MSR_FIRST + offset / 16;
  }

  enable(index: number, tpr = 0): void {
    this.write(index, Apic.APIC_SVR, 0x1ff);
    this.write(index, Apic.APIC_TPR, tpr);
  }

  enableX2apic(index: number): void {
    const base = this.readMsr(index, Apic.MSR_APIC_BASE) ?? 0n;
    this.writeMsr(index, Apic.MSR_APIC_BASE, base | 0xc00n);
    this.writeMsr(index, ApicBench.msr(Apic.APIC_SVR), 0x1ffn);
  }

  /** Whether a vector is set in a 256-bit register (APIC_ISR, APIC_TMR, APIC_IRR). */
  vectors(index: number, register: number): number[] {
    const set: number[] = [];
    for (let piece = 0; piece < 8; piece++) {
      const at = register + piece * 16;
      const x2apic = (this.lapic(index).base & 0x400n) !== 0n;
      const word = x2apic ? Number(this.readMsr(index, ApicBench.msr(at))) : this.read(index, at);
      for (let bit = 0; bit < 32; bit++) if ((word >>> bit) & 1) set.push(piece * 32 + bit);
    }
    return set;
  }

  pending(index: number): number {
    return this.machine.core.sim.pendingInterrupt(index);
  }

  take(index: number): number {
    return this.machine.core.sim.takeInterrupt(index, this.pending(index));
  }

  ioapicRead(register: number): number {
    const { sim } = this.machine.core;
    sim.physicalWrite(BigInt(IOAPIC_BASE), 4, BigInt(register));
    return Number(sim.physicalRead(BigInt(IOAPIC_BASE + Io.IOAPIC_WINDOW), 4));
  }

  ioapicWrite(register: number, value: number): void {
    const { sim } = this.machine.core;
    sim.physicalWrite(BigInt(IOAPIC_BASE), 4, BigInt(register));
    sim.physicalWrite(BigInt(IOAPIC_BASE + Io.IOAPIC_WINDOW), 4, BigInt(value >>> 0));
  }

  /** Programs redirection entry `pin`. */
  route(pin: number, low: number, destination = 0): void {
    this.ioapicWrite(Io.IOAPIC_REG_REDIRECTION + 2 * pin + 1, (destination << 24) >>> 0);
    this.ioapicWrite(Io.IOAPIC_REG_REDIRECTION + 2 * pin, low);
  }

  entry(pin: number): number {
    return this.ioapicRead(Io.IOAPIC_REG_REDIRECTION + 2 * pin);
  }

  line(gsi: number, level: boolean): void {
    this.machine.core.sim.driveLine(gsi, level);
  }
}
