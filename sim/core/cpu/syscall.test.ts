/** The end of a system call, SYSRET (SDM 2B), and what a kernel entry may ask for instead. */
import { beforeEach, describe, expect, test } from "vitest";
import { RAM_BASE } from "../../host/core.ts";
import { IDLE, KERNEL_STACK, LongModeBench, TEXT } from "../../host/testing/longmode.ts";
import type { ProcessorBench } from "../../host/testing/processor.ts";
import { ENTRY_BYTES, ENTRY_SYSCALL } from "../../spec/entries.ts";
import { MSR_EFER, MSR_STAR, REGISTER_RSP } from "../../spec/x86.ts";

const SYSCALL = TEXT + BigInt(ENTRY_SYSCALL * ENTRY_BYTES);
/** Selectors of SYSRET from 0x10, of SYSCALL from 0x08. */
const STAR = 0x0010_0008_0000_0000n;

let on: LongModeBench;
let bench: ProcessorBench;

beforeEach(async () => {
  on = await LongModeBench.create();
  bench = on.bench;
  bench.do.writeMsr(MSR_EFER, 0x901n);
  bench.do.writeMsr(MSR_STAR, STAR);
  bench.cpu.rip = SYSCALL;
  bench.cpu.rcx = 0x40_0000n;
  bench.cpu.r11 = 0x202n;
});

const segment = (index: number) => {
  const { selector, base, limit, attributes } = bench.cpu.segmentsAt(index);
  return { selector, base, limit, attributes };
};

describe("SYSRET", () => {
  test("goes to RCX with R11's flags, in flat 64-bit segments of ring 3", () => {
    bench.cpu.rsp = 0x1234n;
    bench.step();
    expect(on.entered[0]).toMatchObject({ entry: ENTRY_SYSCALL, errorCode: 0, cpl: 0 });
    const { rip, rsp, rflags, cpl } = bench.cpu;
    expect({ rip, rsp, rflags, cpl }).toEqual({
      rip: 0x40_0000n,
      rsp: 0x1234n,
      rflags: 0x202n,
      cpl: 3,
    });
    // Attributes: G 1, D/B or L, P 1, DPL 3, S 1, type 11 or 3.
    const flat = { base: 0n, limit: 0xffff_ffff };
    expect(segment(1)).toEqual({ ...flat, selector: 0x23, attributes: 0xafb });
    expect(segment(2)).toEqual({ ...flat, selector: 0x1b, attributes: 0xcf3 });
  });
  test("loads neither RF, VM nor reserved flags", () => {
    bench.cpu.r11 = 0xffff_ffff_ffff_ffffn;
    bench.step();
    expect(bench.cpu.rflags).toBe(0x3c_7fd7n);
    bench.cpu.pendingException = 0;
  });
  test.each([
    ["no canonical RCX", () => (bench.cpu.rcx = 1n << 47n), 13],
    ["no EFER.SCE", () => bench.do.writeMsr(MSR_EFER, 0x900n), 6],
  ])("with %s is an exception in ring 0, and nothing has changed", (_, spoil, vector) => {
    spoil();
    bench.step();
    const { rip, cpl, pendingErrorCode } = bench.cpu;
    expect({ rip, cpl, pendingErrorCode }).toEqual({ rip: SYSCALL, cpl: 0, pendingErrorCode: 0 });
    expect(bench.takeException()).toBe(vector);
  });
  test("doesn't happen before an exception that the entry has raised", () => {
    on.handler = (entry) => {
      if (entry === ENTRY_SYSCALL) bench.do.readMsr(0x1234_5678);
    };
    bench.step();
    bench.step();
    expect(on.entered[1]).toMatchObject({ entry: 13, cpl: 0 });
    expect(on.entered[1]?.frame[0]).toBe(SYSCALL);
  });
});

describe("returnByInterrupt", () => {
  const user = [0x40_0000n, 0x1bn, 0x246n, 0x30_0000n, 0x23n];
  const leave = (frame: readonly bigint[]) => {
    const stack = Number(KERNEL_STACK) - 40;
    frame.forEach((word, n) => void bench.write64(stack + 8 * n, word));
    on.handler = () => {
      bench.do.writeRegister(REGISTER_RSP, BigInt(stack));
      bench.do.returnByInterrupt();
    };
  };
  test.each([
    ["a system call", SYSCALL],
    ["the idle loop", IDLE],
  ])("ends %s with IRETQ", (_, rip) => {
    bench.cpu.rip = rip;
    leave(user);
    bench.step();
    const { cpl, rflags, rsp } = bench.cpu;
    expect([bench.cpu.rip, cpl, rflags, rsp]).toEqual([0x40_0000n, 3, 0x246n, 0x30_0000n]);
  });
  test("holds for one entry only", () => {
    leave([SYSCALL, 8n, 2n, KERNEL_STACK, 0x10n]);
    bench.step();
    expect([bench.cpu.rip, bench.cpu.cpl]).toEqual([SYSCALL, 0]);
    on.handler = () => undefined;
    bench.cpu.rcx = 0x50_0000n;
    bench.step();
    expect([bench.cpu.rip, bench.cpu.cpl]).toEqual([0x50_0000n, 3]);
  });
  test("from a frame that is refused leaves the CPU at the entry", () => {
    leave(user.with(1, 0n));
    bench.step();
    expect([bench.cpu.rip, bench.cpu.cpl]).toEqual([SYSCALL, 0]);
    expect(bench.takeException()).toBe(13);
  });
});

describe("saveRegisters and loadRegisters", () => {
  const AT = 0x30_8000;
  const names = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");
  const registers = () => names.map((_, n) => bench.do.readRegister(n) & 0xffff_ffff_ffff_ffffn);
  beforeEach(() => {
    names.forEach((_, n) => void bench.do.writeRegister(n, BigInt(n + 1) * 0x0101_0101_0101_0101n));
  });
  test("move all sixteen in encoding order", () => {
    const before = registers();
    bench.do.saveRegisters(RAM_BASE + AT);
    expect(names.map((_, n) => bench.read64(AT + 8 * n))).toEqual(before);
    names.forEach((_, n) => void bench.write64(AT + 8 * n, BigInt(n) << 60n));
    bench.do.loadRegisters(RAM_BASE + AT);
    expect(registers()).toEqual(names.map((_, n) => (BigInt(n) << 60n) & 0xffff_ffff_ffff_ffffn));
    expect(bench.cpu.rip).toBe(SYSCALL);
  });
  const end = RAM_BASE + 16 * 1024 * 1024;
  test("reach the last 128 bytes of RAM", () => {
    bench.do.saveRegisters(end - 128);
    expect(bench.machine.core.data.getBigUint64(end - 8, true)).toBe(16n * 0x0101_0101_0101_0101n);
  });
  test.each([0, RAM_BASE - 1, end - 127, end, 0xffff_ffff, 0xffff_ffc0])(
    "touch nothing at %i, which is not all RAM",
    (at) => {
      const { core } = bench.machine;
      const before = core.bytes.slice(0x10_0000);
      const { clock } = bench.cpu;
      bench.do.saveRegisters(at);
      bench.do.loadRegisters(at);
      bench.cpu.clock = clock;
      expect(Buffer.compare(core.bytes.subarray(0x10_0000), before)).toBe(0);
    },
  );
});
