/**
 * A CPU in 64-bit mode on the bench, with the tables of a kernel in RAM: page tables, GDT, TSS and
 * an IDT whose gates lead to the kernel's entries. What the kernel is entered with is recorded.
 */
import { ENTRY_BYTES, ENTRY_IDLE } from "../../spec/entries.ts";
import type { MachineOptions } from "../machine.ts";
import { ProcessorBench } from "./processor.ts";

export const TEXT = 0xffff_ffff_8000_0000n;
/** Above the megabyte of the kernel, whose constants are in every machine. */
export const PML4 = 0x30_0000;
export const GDT = 0x31_0000;
export const TSS = 0x31_1000;
export const IDT = 0x31_2000;
export const KERNEL_STACK = 0x32_0000n;
/** Deliberately not a multiple of 16. */
export const RSP0 = 0x33_0008n;
export const IST1 = 0x34_0000n;
export const KERNEL_CODE = 0x08;
export const KERNEL_DATA = 0x10;
export const USER_CODE = 0x1b;
export const USER_DATA = 0x23;
export const TASK = 0x28;
/** RAM below is mapped to itself for everyone; from here on nothing is mapped. */
export const UNMAPPED = 0x80_0000;
export const INTERRUPT_GATE = 0x8e;
export const TRAP_GATE = 0x8f;
export const IDLE = TEXT + BigInt(ENTRY_IDLE * ENTRY_BYTES);

/** The CPU as a kernel entry finds it. */
export interface Entered {
  readonly entry: number;
  readonly errorCode: number;
  readonly rsp: bigint;
  readonly rflags: bigint;
  readonly cs: number;
  readonly ss: number;
  readonly cpl: number;
  /** RIP, CS, RFLAGS, RSP, SS. */
  readonly frame: bigint[];
}

export class LongModeBench {
  readonly bench: ProcessorBench;
  entered: Entered[] = [];
  /** What the kernel does in an entry. */
  handler: (entry: number) => void = () => undefined;

  private constructor(bench: ProcessorBench) {
    this.bench = bench;
  }

  static async create(options: MachineOptions = {}): Promise<LongModeBench> {
    const made = new LongModeBench(await ProcessorBench.create(options));
    made.buildTables();
    made.enterLongMode();
    made.bench.setKernel((_, entry, errorCode) => made.record(entry, errorCode));
    return made;
  }

  gate(vector: number, type: number, ist = 0, selector = KERNEL_CODE): void {
    const target = TEXT + BigInt(vector * ENTRY_BYTES);
    const low =
      (target & 0xffffn) |
      (BigInt(selector) << 16n) |
      (BigInt(ist) << 32n) |
      (BigInt(type) << 40n) |
      (((target >> 16n) & 0xffffn) << 48n);
    this.bench.write64(IDT + vector * 16, low);
    this.bench.write64(IDT + vector * 16 + 8, target >> 32n);
  }

  exception(vector: number, errorCode = 0): void {
    this.bench.cpu.pendingException = vector + 1;
    this.bench.cpu.pendingErrorCode = errorCode;
  }

  nmi(): void {
    this.bench.cpu.pendingNmi = 1;
  }

  /** Runs a handler on a frame (RIP, CS, RFLAGS, RSP, SS) that is made up. */
  returnTo(frame: readonly bigint[]): void {
    const stack = Number(KERNEL_STACK) - 40;
    frame.forEach((word, n) => void this.bench.write64(stack + 8 * n, word));
    this.bench.cpu.rsp = BigInt(stack);
    this.bench.cpu.rip = TEXT + BigInt(0x80 * ENTRY_BYTES);
    this.bench.step();
  }

  /** Puts the CPU at CPL 3. */
  goToUser(rip: bigint): void {
    this.returnTo([rip, BigInt(USER_CODE), 0x202n, 0x30_0000n, BigInt(USER_DATA)]);
    this.entered = [];
  }

  private record(entry: number, errorCode: number): void {
    const { cpu } = this.bench;
    const { rsp, rflags, cpl } = cpu;
    const frame = [0, 8, 16, 24, 32].map((at) =>
      rsp < BigInt(UNMAPPED) ? this.bench.read64(Number(rsp) + at) : 0n,
    );
    const cs = cpu.segmentsAt(1).selector;
    const ss = cpu.segmentsAt(2).selector;
    this.entered.push({ entry, errorCode, rsp, rflags, cs, ss, cpl, frame });
    this.handler(entry);
  }

  private buildTables(): void {
    const { bench } = this;
    bench.write64(PML4, BigInt(PML4 + 0x1000) | 7n);
    bench.write64(PML4 + 0x1000, BigInt(PML4 + 0x2000) | 7n);
    for (let n = 0; n * 0x20_0000 < UNMAPPED; n++)
      bench.write64(PML4 + 0x2000 + 8 * n, BigInt(n * 0x20_0000) | 0x87n);
    const descriptors = [
      0n,
      0x00af_9b00_0000_ffffn,
      0x00cf_9300_0000_ffffn,
      0x00af_fb00_0000_ffffn,
      0x00cf_f300_0000_ffffn,
      0x0000_8900_0000_0067n | (BigInt(TSS & 0xff_ffff) << 16n),
      0n,
    ];
    descriptors.forEach((descriptor, n) => void bench.write64(GDT + 8 * n, descriptor));
    bench.write64(TSS + 4, RSP0);
    bench.write64(TSS + 36, IST1);
    for (let vector = 0; vector < 256; vector++) this.gate(vector, INTERRUPT_GATE);
  }

  /** As a kernel does it: tables, long mode, segments, stack. */
  private enterLongMode(): void {
    const { do: instructions, cpu } = this.bench;
    instructions.writeControl(0, 0x1_0011n);
    instructions.writeControl(4, 0x20n);
    instructions.writeControl(3, BigInt(PML4));
    instructions.writeMsr(0xc000_0080, 0x900n);
    instructions.writeControl(0, 0x8001_0011n);
    instructions.loadGdt(BigInt(GDT), 0x37);
    instructions.loadSegment(1, KERNEL_CODE);
    instructions.loadSegment(2, KERNEL_DATA);
    instructions.loadTask(TASK);
    instructions.loadIdt(BigInt(IDT), 0xfff);
    instructions.writeRegister(4, KERNEL_STACK);
    cpu.rip = IDLE;
    cpu.activity = 1;
    if (this.bench.takeException() !== -1) throw new Error("long mode was refused");
  }
}
