/** A test's hands on interrupt remapping: a unit between devices and four processors that stand still. */
import { expect } from "vitest";
import * as Apic from "../../spec/apic.ts";
import * as Vtd from "../../spec/vtd.ts";
import { ApicBench } from "./apic.ts";
import { createPciMachine, type PciExports } from "./pciDevice.ts";
import { VtdBench } from "./vtd.ts";

const CPUS = 4;
const RAM_BYTES = 16 << 20;
/** Where the interrupt remapping table and the invalidation queue are. */
export const TABLE = 0x60_0000;
const QUEUE = 0x61_0000;
/** Size field of a table of 2^8 entries: it is one less. */
export const SIZE = 7n;
/** Who asks for interrupts, and what comes of it, unless told otherwise. */
export const SOURCE = 0x0312;
export const VECTOR = 0x51;

const IRE = 1n << 25n;
export const SIRTP = 1n << 24n;
const CFI = 1n << 23n;
const EIME = 0x800n;

export interface Entry {
  readonly present?: boolean;
  readonly faultDisable?: boolean;
  readonly logical?: boolean;
  readonly hint?: boolean;
  readonly level?: boolean;
  readonly mode?: number;
  readonly vector?: number;
  /** The 32-bit field: an 8-bit ID is in its bits 15-8. */
  readonly destination?: number;
  readonly source?: number;
  readonly qualifier?: number;
  readonly validation?: number;
}

const bit = (set: boolean | undefined, at: bigint) => (set ? 1n << at : 0n);

/** Address of a remappable request: handle 14-0 in bits 19-5, 15 in bit 2. */
export const handle = (index: number, subhandle = false) =>
  0xfee0_0010n | BigInt(((index & 0x7fff) << 5) | ((index >> 15) << 2) | (subhandle ? 8 : 0));

export class RemapBench extends VtdBench {
  readonly apic: ApicBench;
  readonly pci: PciExports;

  static async create(): Promise<RemapBench> {
    const { m, pci } = await createPciMachine({ memory: RAM_BYTES, cpus: CPUS });
    return new RemapBench(m, pci);
  }

  private constructor(machine: VtdBench["machine"], pci: PciExports) {
    super(machine);
    this.pci = pci;
    this.apic = new ApicBench(machine);
    for (let cpu = 0; cpu < CPUS; cpu++) this.apic.enable(cpu);
    this.apic.line(2, false); // the timer's output is high after reset
  }

  enableX2apic(): void {
    for (let cpu = 0; cpu < CPUS; cpu++) this.apic.enableX2apic(cpu);
  }

  /** Writes entry `index` of the table, field by field as table 9.10 has them. */
  setEntry(index: number, it: Entry = {}): void {
    const low =
      bit(it.present ?? true, 0n) |
      bit(it.faultDisable, 1n) |
      bit(it.logical, 2n) |
      bit(it.hint, 3n) |
      bit(it.level, 4n) |
      (BigInt(it.mode ?? 0) << 5n) |
      (BigInt(it.vector ?? VECTOR) << 16n) |
      (BigInt(it.destination ?? 0x100) << 32n);
    const high =
      BigInt(it.source ?? 0) |
      (BigInt(it.qualifier ?? 0) << 16n) |
      (BigInt(it.validation ?? 0) << 18n);
    this.pokeEntry(index, low, high);
  }

  pokeEntry(index: number, low: bigint, high: bigint): void {
    this.poke(TABLE + index * 16, low);
    this.poke(TABLE + index * 16 + 8, high);
  }

  /** Sets the table and switches remapping on, one command at a time. */
  enable({ table = BigInt(TABLE) | SIZE, extended = false, compatible = false } = {}): void {
    this.write(Vtd.VTD_IRTA, table | (extended ? EIME : 0n), 8);
    this.write(Vtd.VTD_GCMD, SIRTP);
    expect(this.read(Vtd.VTD_GSTS)).toBe(SIRTP);
    const commands = IRE | (compatible ? CFI : 0n);
    this.write(Vtd.VTD_GCMD, commands);
    expect(this.read(Vtd.VTD_GSTS)).toBe(commands | SIRTP);
  }

  /** Asks for the interrupt of entry `index`. */
  request(index: number, source = SOURCE): void {
    this.pci.requestInterrupt(source, handle(index), 0);
  }

  /** The processors that have got interrupts, each with its vectors; they are taken away. */
  taken(): Record<number, number[]> {
    const { apic } = this;
    const got: Record<number, number[]> = {};
    for (let cpu = 0; cpu < CPUS; cpu++) {
      const vectors = apic.vectors(cpu, Apic.APIC_IRR);
      if (vectors.length > 0) got[cpu] = vectors;
      const isWide = (apic.lapic(cpu).base & 0x400n) !== 0n;
      for (const _ of vectors) {
        apic.take(cpu);
        if (isWide) apic.writeMsr(cpu, ApicBench.msr(Apic.APIC_EOI), 0n);
        else apic.write(cpu, Apic.APIC_EOI, 0);
      }
    }
    return got;
  }

  /** Has the unit execute invalidation descriptors, remapping on; what was wrong before is cleared. */
  invalidate(...descriptors: (readonly [bigint, bigint])[]): void {
    // The queue is off while its error is cleared, or it would try the bad descriptor again.
    this.write(Vtd.VTD_GCMD, IRE);
    this.write(Vtd.VTD_FSTS, BigInt(Vtd.VTD_FSTS_IQE));
    this.submit(QUEUE, descriptors, IRE);
  }
}
