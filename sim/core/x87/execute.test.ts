/** x87 instructions in machine code: operands in memory, exceptions of the unit, pointers. */
import { beforeEach, describe, expect, test } from "vitest";
import { CODE, CodeBench, DATA } from "../../host/testing/code.ts";
import { UNMAPPED } from "../../host/testing/longmode.ts";

let on: CodeBench;
beforeEach(async () => {
  on = await CodeBench.create();
  on.execute("db e3"); // fninit
});

/** Field of the FXSAVE image, as the unit keeps it. */
const image = (at: number, bytes: number): bigint => {
  const value = on.bytes.subarray(on.cpu.fxsave + at, on.cpu.fxsave + at + bytes);
  return BigInt(`0x${Buffer.from(value).reverse().toString("hex")}`);
};
const status = () => Number(image(2, 2));
const tags = () => Number(image(4, 1));
const CR0_NE = 0x20n;
const CR0_TS = 8n;
const CR0_MP = 2n;

/** Executes code that is to raise an exception at `offset`; its vector. */
function vectorOf(code: string, offset: number): number {
  on.execute(code, { rdi: BigInt(DATA) });
  on.on.entered = [];
  on.on.bench.step();
  expect(on.on.entered[0]?.frame[0]).toBe(BigInt(CODE + offset));
  return on.on.entered[0]?.entry ?? -1;
}

const at = (address: number) => on.on.bench.read64(address);

describe("a program", () => {
  test("computes pi + 1 in 80 bits and stores it as a double and whole", () => {
    // fldpi; fld1; faddp; fst qword [rdi]; fstp tbyte [rdi + 8]
    const code = "d9 eb  d9 e8  de c1  dd 17  db 7f 08";
    expect(on.execute(code, { rdi: BigInt(DATA) })).toBe(6);
    const bytes = new DataView(new ArrayBuffer(8));
    bytes.setFloat64(0, Math.PI + 1, true);
    expect(at(DATA)).toBe(bytes.getBigUint64(0, true));
    // pi rounded to 64 bits is C90FDAA22168C235 x 2^-62: 1 more is 1 << 62, and the sum has a bit more.
    const exact = 0xc90f_daa2_2168_c235n + (1n << 62n);
    expect(at(DATA + 8)).toBe((exact >> 1n) + (exact & 1n & (exact >> 1n)));
    expect(at(DATA + 16) & 0xffffn).toBe(0x4001n);
    expect([tags(), (status() >> 11) & 7]).toEqual([0, 0]);
  });
  test("takes integers of every size, and its operand from across a page's end", () => {
    const edge = DATA + 0x1000 - 3;
    on.put("fe ff ff ff ff ff ff ff", edge);
    // fild qword [rdi]; fild dword [rdi]; fild word [rdi]; faddp; faddp; fistp dword [rdi + 16]
    on.execute("df 2f  db 07  df 07  de c1  de c1  db 5f 10", { rdi: BigInt(edge) });
    expect(at(edge + 16) & 0xffff_ffffn).toBe(0xffff_fffan);
  });
  test("compares into RFLAGS, moves on them, and has the status in AX", () => {
    // fldz; fld1; fcomi st1; fcmovnbe st, st1; fnstsw ax
    on.execute("d9 ee  d9 e8  db f1  db d1  df e0", { rflags: 0x8d7n });
    expect(on.cpu.rflags & 0x8d5n).toBe(0n);
    expect(on.cpu.rax & 0xffffn).toBe(6n << 11n);
    expect(image(32 + 16 * 6, 10)).toBe(0n);
  });
  test("has 16-bit environments with an operand size prefix", () => {
    on.bytes.fill(0xee, 0x200_0000 + DATA, 0x200_0000 + DATA + 32);
    on.execute("66 d9 37", { rdi: BigInt(DATA) }); // fnstenv
    expect(at(DATA) & 0xffff_ffff_ffffn).toBe(0xffff_0000_037fn);
    expect(at(DATA + 8) >> 48n).toBe(0xeeeen);
  });
});

describe("an exception of an operand in memory", () => {
  test.each([
    ["a load", "d9 e8  dd 04 25 00 00 80 00", 2, 1],
    ["a store", "d9 e8  dd 1c 25 fc ff 7f 00", 2, 1],
    ["a state", "d9 e8  dd 34 25 c0 ff 7f 00", 2, 1],
  ])("of %s leaves the unit as it was", (_, code, offset) => {
    expect(vectorOf(code, offset)).toBe(14);
    expect(on.cpu.cr2).toBe(BigInt(UNMAPPED));
    expect([tags(), (status() >> 11) & 7]).toEqual([0x80, 7]);
  });
});

describe("an exception of the unit", () => {
  // fldcw [rdi]: division by zero is unmasked; fld1; fldz; fdivp
  const DIVIDE = "d9 2f  d9 e8  d9 ee  de f9";
  beforeEach(() => {
    on.cpu.cr0 |= CR0_NE;
    on.put("7b 03", DATA);
  });
  test("is raised by the next waiting instruction, with the pointers of the one that had it", () => {
    // inc rbx; fld1
    expect(vectorOf(`${DIVIDE} 48 ff c3  d9 e8`, 11)).toBe(16);
    expect(status() & 0x8084).toBe(0x8084);
    expect(image(6, 2)).toBe(0x6f9n);
    expect(image(8, 8)).toBe(BigInt(CODE + 6));
    expect(tags()).toBe(0xc0);
  });
  test("is raised by WAIT", () => {
    expect(vectorOf(`${DIVIDE} 9b`, 8)).toBe(16);
  });
  test("is not raised by FNSTSW, FNSTCW, FNSTENV and FNCLEX, which takes it away", () => {
    const code = `${DIVIDE} df e0  d9 3f  d9 77 10  db e2  9b`;
    expect(on.execute(code, { rdi: BigInt(DATA) })).toBe(10);
    expect(status() & 0x80ff).toBe(0);
    expect(on.cpu.rax & 0x8084n).toBe(0x8084n);
  });
  test("without CR0.NE is interrupt 13, which a write to port 0xF0 takes back", () => {
    on.cpu.cr0 &= ~CR0_NE;
    const { sim } = on.on.bench.machine.core;
    const initialize = () => {
      sim.portWrite(0xa0, 1, 0x11);
      for (const word of [0x28, 2, 1]) sim.portWrite(0xa1, 1, word);
    };
    /** After one more division: whether a rising edge of the line has been seen. */
    const requested = () => {
      initialize();
      on.execute(`db e2  ${DIVIDE}`, { rdi: BigInt(DATA) });
      sim.portWrite(0xa0, 1, 0x0a); // OCW3: read IRR
      return (sim.portRead(0xa0, 1) & 0x20) !== 0;
    };
    expect(requested()).toBe(true);
    expect(requested()).toBe(false);
    sim.portWrite(0xf0, 1, 0);
    expect(requested()).toBe(true);
  });
});

describe("#NM", () => {
  test("is raised while a task switch is noted, by WAIT only with CR0.MP", () => {
    on.cpu.cr0 |= CR0_TS;
    expect(vectorOf("d9 e8", 0)).toBe(7);
    expect(on.execute("9b")).toBe(2);
    on.cpu.cr0 |= CR0_MP;
    expect(vectorOf("9b", 0)).toBe(7);
  });
});
