/** System instructions one by one, as far as other tests don't execute them (Intel SDM 2A to 2D). */
import { beforeEach, describe, expect, test } from "vitest";
import { RAM_BASE } from "../../host/core.ts";
import { CODE, CodeBench, DATA } from "../../host/testing/code.ts";
import { TSS } from "../../host/testing/longmode.ts";

const GP = 13;
const UD = 6;
const NM = 7;
const END = CODE + 0x800;
const HALTED = 2;
const OSXSAVE = 1n << 18n;
const UMIP = 1n << 11n;
const TSD = 4n;

let on: CodeBench;
beforeEach(async () => {
  on = await CodeBench.create();
  on.put("f4", END);
  // There is no I/O permission bitmap within the limit of the TSS.
  on.on.bench.write64(TSS + 96, 0x68n << 48n);
});

/** Runs code to HLT; the vector and error code of the exception that it raised, or null. */
function exceptionOf(code: string, registers = {}): readonly number[] | null {
  const { bench } = on.on;
  on.on.entered = [];
  on.on.handler = () => {
    bench.write64(Number(on.cpu.rsp), BigInt(END));
    bench.write64(Number(on.cpu.rsp) + 8, 8n);
  };
  on.execute(code, { rdi: BigInt(DATA), ...registers });
  for (let turns = 0; turns < 8 && on.cpu.activity !== HALTED; turns++) on.run();
  const [first] = on.on.entered;
  return first ? [first.entry, first.errorCode] : null;
}

/** The same at level 3; the frame of the exception is looked at, not returned from. */
function exceptionInUser(code: string): readonly number[] | null {
  on.put(`${code} eb fe`);
  on.on.handler = () => undefined;
  on.on.goToUser(BigInt(CODE));
  on.cpu.rdi = BigInt(DATA);
  on.cpu.rcx = 0n;
  on.cpu.activity = 1;
  on.run(200);
  if (on.on.entered.length === 0) on.run(200);
  const [first] = on.on.entered;
  return first ? [first.entry, first.errorCode] : null;
}

describe("level 3 may not", () => {
  test.each([
    ["hlt", "f4"],
    ["cli", "fa"],
    ["sti", "fb"],
    ["in al, 0x60", "e4 60"],
    ["outsb", "6e"],
    ["mov rax, cr0", "0f 20 c0"],
    ["mov cr3, rax", "0f 22 d8"],
    ["mov rax, dr7", "0f 21 f8"],
    ["rdmsr", "0f 32"],
    ["wrmsr", "0f 30"],
    ["lgdt [rdi]", "0f 01 17"],
    ["lidt [rdi]", "0f 01 1f"],
    ["lldt ax", "0f 00 d0"],
    ["ltr ax", "0f 00 d8"],
    ["lmsw ax", "0f 01 f0"],
    ["clts", "0f 06"],
    ["invlpg [rdi]", "0f 01 3f"],
    ["invpcid rax, [rdi]", "66 0f 38 82 07"],
    ["wbinvd", "0f 09"],
    ["swapgs", "0f 01 f8"],
    ["sysretq", "48 0f 07"],
  ])("%s", (_, code) => {
    on.cpu.efer |= 1n;
    expect(exceptionInUser(code)).toEqual([GP, 0]);
  });
  test.each([
    ["sgdt [rdi]", "0f 01 07"],
    ["sidt [rdi]", "0f 01 0f"],
    ["sldt eax", "0f 00 c0"],
    ["str eax", "0f 00 c8"],
    ["smsw eax", "0f 01 e0"],
  ])("%s, with CR4.UMIP", (_, code) => {
    on.cpu.cr4 |= UMIP;
    expect(exceptionInUser(code)).toEqual([GP, 0]);
  });
  test.each([
    ["clac", "0f 01 ca"],
    ["stac", "0f 01 cb"],
    ["monitor", "0f 01 c8"],
  ])("%s, which is #UD", (_, code) => {
    expect(exceptionInUser(code)).toEqual([UD, 0]);
  });
  test("rdtsc with CR4.TSD", () => {
    on.cpu.cr4 |= TSD;
    expect(exceptionInUser("0f 31")).toEqual([GP, 0]);
  });
});

test("level 3 may read the time without CR4.TSD", () => {
  expect(exceptionInUser("0f 31")).toBeNull();
});

describe("XSAVE and XRSTOR", () => {
  const SAVE = "0f ae 27";
  const RESTORE = "0f ae 2f";
  const ALL = { rax: 3n, rdx: 0n };
  const area = () => on.bytes.subarray(RAM_BASE + DATA, RAM_BASE + DATA + 576);
  const header = (at: number) => on.on.bench.read64(DATA + 512 + at);
  const xmm0 = () => on.cpu.fxsave + 160;

  beforeEach(() => {
    on.cpu.cr4 |= OSXSAVE;
    on.cpu.xcr0 = 3n;
    area().fill(0);
  });
  test("need CR4.OSXSAVE, CR0.TS clear, and an area at a multiple of 64", () => {
    expect(exceptionOf(SAVE, { ...ALL, rdi: BigInt(DATA + 16) })).toEqual([GP, 0]);
    on.cpu.cr0 |= 8n;
    expect(exceptionOf(SAVE, ALL)).toEqual([NM, 0]);
    on.cpu.cr4 &= ~OSXSAVE;
    expect(exceptionOf(SAVE, ALL)).toEqual([UD, 0]);
  });
  test("move what EDX:EAX asks for, and note it in the header", () => {
    on.bytes.fill(0x5a, xmm0(), xmm0() + 16);
    expect(exceptionOf(SAVE, { rax: 2n, rdx: 0n })).toBeNull();
    expect(header(0)).toBe(2n);
    expect(Buffer.from(area().subarray(160, 176)).toString("hex")).toBe("5a".repeat(16));
    expect(Buffer.from(area().subarray(0, 24)).toString("hex")).toBe("00".repeat(24));
    on.bytes.fill(0, xmm0(), xmm0() + 16);
    expect(exceptionOf(RESTORE, ALL)).toBeNull();
    expect(on.bytes[xmm0()]).toBe(0x5a);
    // The x87 part isn't in the image: it is as after FNINIT.
    expect(on.bytes[on.cpu.fxsave]).toBe(0x7f);
  });
  test.each([
    ["a component that isn't enabled", 0, 4n],
    ["the compacted format", 8, 1n << 63n],
    ["reserved bytes", 16, 1n],
  ])("refuse %s", (_, at, value) => {
    on.on.bench.write64(DATA + 512 + at, value);
    expect(exceptionOf(RESTORE, ALL)).toEqual([GP, 0]);
  });
  test("refuse bits of MXCSR that don't exist", () => {
    on.on.bench.write64(DATA + 24, 0x1_0000n);
    expect(exceptionOf(RESTORE, ALL)).toEqual([GP, 0]);
  });
});

test("LAR, LSL, VERR and VERW answer by ZF", () => {
  const zero = () => on.cpu.rflags & 0x40n;
  exceptionOf("0f 02 c1", { rcx: 0x08n }); // lar eax, ecx
  expect([on.cpu.rax, zero()]).toEqual([0x00af_9b00n, 0x40n]);
  exceptionOf("0f 03 c1", { rcx: 0x10n }); // lsl eax, ecx
  expect([on.cpu.rax, zero()]).toEqual([0xffff_ffffn, 0x40n]);
  exceptionOf("0f 00 e1", { rcx: 0x08n }); // verr cx
  expect(zero()).toBe(0x40n);
  exceptionOf("0f 00 e9", { rcx: 0x08n }); // verw cx: code is never writable
  expect(zero()).toBe(0n);
  exceptionOf("0f 02 c1", { rcx: 0x100n, rax: 7n });
  expect([on.cpu.rax, zero()]).toEqual([7n, 0n]);
});

test("SWAPGS exchanges the base of GS and its MSR", () => {
  on.cpu.segmentsAt(5).base = 0x1111n;
  on.cpu.kernelGsBase = 0x2222n;
  exceptionOf("0f 01 f8");
  expect([on.cpu.segmentsAt(5).base, on.cpu.kernelGsBase]).toEqual([0x2222n, 0x1111n]);
});
