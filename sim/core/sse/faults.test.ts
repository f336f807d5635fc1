/** MMX and SSE instructions that fault: which exception, and that nothing else has happened. */
import { beforeEach, describe, expect, test } from "vitest";
import { RAM_BASE } from "../../host/core.ts";
import { CODE, CodeBench, DATA } from "../../host/testing/code.ts";
import { UNMAPPED } from "../../host/testing/longmode.ts";

const [UD, NM, SS, GP, PF, XM] = [6, 7, 12, 13, 14, 19];
const CR4_OSFXSR = 0x200n;
const CR4_OSXMMEXCPT = 0x400n;
const CR0_EM = 0x4n;
const CR0_TS = 0x8n;
const ADDPD = "66 0f 58 c1";
const PADDB_MMX = "0f fc c1";
const DIVSD = "f2 0f 5e c1";
const LAST_PAGE = UNMAPPED - 4096;
const MXCSR_AT = 24;
const XMM_AT = 160;

let on: CodeBench;
beforeEach(async () => {
  on = await CodeBench.create();
  on.cpu.cr4 |= CR4_OSFXSR | CR4_OSXMMEXCPT;
});

/** Executes one instruction; the vector that it raises, or -1. */
function attempt(code: string): number {
  on.put(code);
  on.cpu.rip = BigInt(CODE);
  on.run(1);
  const vector = on.cpu.pendingException - 1;
  on.cpu.pendingException = 0;
  return vector;
}

const image = () => Buffer.from(on.bytes.buffer, on.bytes.byteOffset + Number(on.cpu.fxsave), 512);

describe("whether an instruction may be executed", () => {
  test("#UD without CR4.OSFXSR, but not of MMX instructions", () => {
    on.cpu.cr4 &= ~CR4_OSFXSR;
    expect([attempt(ADDPD), attempt(PADDB_MMX)]).toEqual([UD, -1]);
  });
  test("#UD with CR0.EM, of MMX instructions too", () => {
    on.cpu.cr0 |= CR0_EM;
    expect([attempt(ADDPD), attempt(PADDB_MMX)]).toEqual([UD, UD]);
  });
  test("#NM with CR0.TS", () => {
    on.cpu.cr0 |= CR0_TS;
    expect([attempt(ADDPD), attempt(PADDB_MMX)]).toEqual([NM, NM]);
  });
});

describe("an unmasked floating-point exception", () => {
  const divide = () => {
    image().writeUInt32LE(0x1f80 & ~0x200, MXCSR_AT);
    image().writeDoubleLE(1, XMM_AT);
    image().writeDoubleLE(0, XMM_AT + 16);
    return attempt(DIVSD);
  };
  test("is #XM, sets its flag and leaves the destination", () => {
    expect(divide()).toBe(XM);
    expect(image().readUInt32LE(MXCSR_AT)).toBe(0x1d84);
    expect(image().readDoubleLE(XMM_AT)).toBe(1);
    expect(on.cpu.rip).toBe(BigInt(CODE));
  });
  test("is #UD without CR4.OSXMMEXCPT", () => {
    on.cpu.cr4 &= ~CR4_OSXMMEXCPT;
    expect(divide()).toBe(UD);
  });
});

describe("an operand in memory", () => {
  test("of 16 bytes must be aligned: #GP, on the stack too", () => {
    on.cpu.rsi = BigInt(DATA + 8);
    expect(attempt("0f 28 06")).toBe(GP);
    expect(attempt("0f 29 06")).toBe(GP);
    expect(attempt("66 0f fc 06")).toBe(GP);
    expect(attempt("66 0f 6f 44 24 08")).toBe(GP);
    expect(attempt("0f 10 06")).toBe(-1);
  });
  test("beyond canonical addresses is #GP, or #SS on the stack", () => {
    on.cpu.rsi = on.cpu.rsp = 0x8000_0000_0000n;
    expect([attempt("0f 10 06"), attempt("0f 10 04 24")]).toEqual([GP, SS]);
  });
  test("that is on two pages faults when the second is missing, and no byte is stored", () => {
    on.cpu.rsi = BigInt(UNMAPPED - 8);
    on.bytes.fill(0x55, RAM_BASE + LAST_PAGE, RAM_BASE + UNMAPPED);
    expect(attempt("0f 11 06")).toBe(PF);
    expect(on.cpu.cr2).toBe(BigInt(UNMAPPED));
    expect(on.bytes.subarray(RAM_BASE + LAST_PAGE, RAM_BASE + UNMAPPED)).toEqual(
      new Uint8Array(4096).fill(0x55),
    );
  });
  test("that faults leaves the x87 unit as it was: no MMX instruction has begun", () => {
    image().writeUInt16LE(5 << 11, 2);
    image().writeUInt8(0x18, 4);
    on.cpu.rsi = BigInt(UNMAPPED);
    expect(attempt("0f fc 06")).toBe(PF);
    expect(attempt("0f 7f 06")).toBe(PF);
    expect([image().readUInt16LE(2), image().readUInt8(4)]).toEqual([5 << 11, 0x18]);
  });
  test("across two mapped pages is loaded and stored whole", () => {
    const at = DATA + 4096 - 5;
    const data = Uint8Array.from({ length: 16 }, (_, n) => n + 1);
    on.put(data, at);
    on.cpu.rsi = BigInt(at);
    expect(attempt("f3 0f 6f 16")).toBe(-1);
    expect(Uint8Array.from(image().subarray(XMM_AT + 32, XMM_AT + 48))).toEqual(data);
    on.cpu.rsi = BigInt(at + 4096);
    expect(attempt("f3 0f 7f 16")).toBe(-1);
    const stored = RAM_BASE + at + 4096;
    expect(on.bytes.slice(stored, stored + 16)).toEqual(data);
  });
});

describe("MASKMOVDQU", () => {
  const mask = (bytes: number[]) => image().set(bytes, XMM_AT + 16);
  test("touches, and faults at, no other bytes than those under the mask", () => {
    on.cpu.rdi = BigInt(UNMAPPED - 8);
    mask([...new Array(8).fill(0x80), ...new Array(8).fill(0)]);
    expect(attempt("66 0f f7 c1")).toBe(-1);
    mask([0x80, ...new Array(15).fill(0xff)]);
    expect(attempt("66 0f f7 c1")).toBe(PF);
    expect(on.cpu.cr2).toBe(BigInt(UNMAPPED + 7));
  });
});

test("LDMXCSR of a bit that doesn't exist is #GP, and MXCSR stays", () => {
  image().writeUInt32LE(0x1f80, MXCSR_AT);
  on.put(Uint8Array.of(0, 0, 1, 0), DATA);
  on.cpu.rsi = BigInt(DATA);
  expect(attempt("0f ae 16")).toBe(GP);
  expect(image().readUInt32LE(MXCSR_AT)).toBe(0x1f80);
});
