/**
 * A CPU in ring 3 on the bench: the window of runtime text and SYSCALL are set up as a kernel does
 * it, and programs of synthetic instructions can be put into memory.
 */
import { ENTRY_BYTES, ENTRY_SYSCALL } from "../../spec/entries.ts";
import { INSTRUCTION_BYTES } from "../../spec/synthetic.ts";
import { RUNTIME_BYTES, USER_TEXT } from "../../spec/user.ts";
import { MSR_EFER, MSR_FMASK, MSR_LSTAR, MSR_STAR } from "../../spec/x86.ts";
import { RAM_BASE } from "../core.ts";
import {
  GDT,
  IDLE,
  KERNEL_CODE,
  KERNEL_DATA,
  KERNEL_STACK,
  LongModeBench,
  PML4,
  TASK,
  TEXT,
} from "./longmode.ts";
import type { ProcessorBench } from "./processor.ts";

/** SYSRET's selectors begin at 0x30: SS 0x38, CS 0x40. SYSCALL's are the kernel's, 0x08 and 0x10. */
export const STAR = 0x0030_0008_0000_0000n;
export const USER_CODE_64 = 0x43;
export const USER_DATA_64 = 0x3b;
export const SYSCALL_ENTRY = TEXT + BigInt(ENTRY_SYSCALL * ENTRY_BYTES);
/**
 * User pages of RAM, mapped to themselves: programs in the read-only third 2 MiB, data in the
 * fourth. What lies below, the bench's tables and stacks, is the supervisor's.
 */
export const PROGRAM = 0x50_0000;
export const DATA = 0x60_0000;
export const USER_STACK = 0x48_0000n;
/** The page table of the window, for tests that change it. */
export const WINDOW_ENTRY = PML4 + 0x5000 + 8 * 0x1f0;
const WINDOW_PAGE = 0x4f_0000n;

export const runtime = (number: number) => BigInt(USER_TEXT + number * RUNTIME_BYTES);

export interface Fields {
  readonly a?: number;
  readonly b?: number;
  readonly flags?: number;
  readonly x?: bigint | number;
  readonly y?: bigint | number;
  readonly z?: bigint | number;
}

/** The bytes of one synthetic instruction. */
export function instruction(opcode: number, fields: Fields = {}): Uint8Array {
  const view = new DataView(new ArrayBuffer(INSTRUCTION_BYTES));
  view.setUint16(0, opcode, true);
  view.setUint8(2, fields.a ?? 0);
  view.setUint8(3, fields.b ?? 0);
  view.setUint32(4, fields.flags ?? 0, true);
  view.setBigUint64(8, BigInt.asUintN(64, BigInt(fields.x ?? 0)), true);
  view.setBigUint64(16, BigInt.asUintN(64, BigInt(fields.y ?? 0)), true);
  view.setBigUint64(24, BigInt.asUintN(64, BigInt(fields.z ?? 0)), true);
  return new Uint8Array(view.buffer);
}

export class UserBench {
  readonly on: LongModeBench;
  readonly bench: ProcessorBench;

  private constructor(on: LongModeBench) {
    this.on = on;
    this.bench = on.bench;
  }

  static async create(): Promise<UserBench> {
    const on = await LongModeBench.create();
    const { bench } = on;
    bench.write64(GDT + 0x38, 0x00cf_f300_0000_ffffn);
    bench.write64(GDT + 0x40, 0x00af_fb00_0000_ffffn);
    bench.write64(GDT + TASK, bench.read64(GDT + TASK) & ~(2n << 40n)); // not busy
    bench.do.loadGdt(BigInt(GDT), 0x47);
    bench.do.loadTask(TASK);
    for (const [page, bits] of [0x83n, 0x83n, 0x85n].entries())
      bench.write64(PML4 + 0x2000 + 8 * page, (BigInt(page) << 21n) | bits);
    bench.do.writeControl(3, BigInt(PML4));
    bench.write64(PML4 + 8 * 255, BigInt(PML4 + 0x3000) | 7n);
    bench.write64(PML4 + 0x3000 + 8 * 511, BigInt(PML4 + 0x4000) | 7n);
    bench.write64(PML4 + 0x4000 + 8 * 511, BigInt(PML4 + 0x5000) | 7n);
    bench.write64(WINDOW_ENTRY, WINDOW_PAGE | 5n);
    bench.do.writeMsr(MSR_EFER, 0x901n);
    bench.do.writeMsr(MSR_STAR, STAR);
    bench.do.writeMsr(MSR_LSTAR, SYSCALL_ENTRY);
    bench.do.writeMsr(MSR_FMASK, 0x4_7700n);
    return new UserBench(on);
  }

  /** Puts instructions at `PROGRAM`, or elsewhere in RAM. */
  load(program: readonly Uint8Array[], at = PROGRAM): void {
    const { bytes } = this.bench.machine.core;
    program.forEach((code, n) => {
      bytes.set(code, RAM_BASE + at + n * INSTRUCTION_BYTES);
    });
  }

  /** Enters ring 3 at a runtime, by IRETQ, at the beginning of a slice. */
  enter(number: number): void {
    const { bench, on } = this;
    bench.cpu.rbx = BigInt(PROGRAM);
    on.returnTo([runtime(number), BigInt(USER_CODE_64), 0x202n, USER_STACK, BigInt(USER_DATA_64)]);
    on.entered = [];
    bench.cpu.clock = bench.machine.state.sliceEnd;
  }

  /** Takes the CPU out of ring 3, wherever it is: an NMI whose handler returns to the idle loop. */
  leave(): void {
    const { bench, on } = this;
    bench.takeException();
    if (bench.cpu.cpl !== 3) return;
    const frame = [IDLE, BigInt(KERNEL_CODE), 2n, KERNEL_STACK, BigInt(KERNEL_DATA)];
    on.handler = () => {
      frame.forEach((word, n) => void bench.write64(Number(bench.cpu.rsp) + 8 * n, word));
    };
    on.nmi();
    bench.step();
    on.handler = () => undefined;
  }
}
