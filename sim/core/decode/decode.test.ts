/** Bytes to instructions: prefixes, limits, and what is undefined. draw.test.ts covers the rows. */
import { beforeAll, describe, expect, test } from "vitest";
import * as D from "../../host/decoder.ts";
import { loadModule } from "../../host/modules.ts";
import { randomFrom } from "../../host/testing/random.ts";
import type { Instruction } from "../../host/views.generated.ts";
import * as O from "../../spec/isa/operands.ts";
import * as OP from "../../spec/isa/operations.generated.ts";

let decoder: D.Decoder;

beforeAll(async () => {
  decoder = new D.Decoder(await loadModule("sim"));
});

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const verdict = (hex: string, mode = D.CODE_64) => decoder.decode(bytes(hex), mode);
function decode(hex: string, mode = D.CODE_64): Instruction {
  expect(verdict(hex, mode)).toBe(D.DECODED);
  return decoder.instruction;
}

describe("an instruction", () => {
  test("has operation, operands and their widths", () => {
    // add rcx, [r8 + rdx*4 - 0x10]
    expect(decode("49 03 4c 90 f0")).toMatchObject({
      length: 5,
      operation: OP.OP_ADD,
      operandBytes: 8,
      addressBytes: 8,
      segment: 3,
      rex: 0x49,
      opcode: 3,
      reg: 1,
      memory: 1,
      base: 8,
      index: 2,
      scale: 2,
      displacement: -16n,
      kind0: O.KIND_G,
      kind1: O.KIND_E,
      bytes0: 8,
      bytes1: 8,
    });
  });

  test.each([
    // MOVZX, SHL by CL, OUT, PUSH imm8, ENTER, LEA, MOV CR, FLD m80, MOVD, far JMP, SGDT
    ["0f b6 00", 4],
    ["66 0f b6 00", 2],
    ["d2 e0", 1],
    ["66 ef", 2],
    ["6a 01", 8],
    ["66 6a 01", 2],
    ["c8 10 00 00", 8],
    ["48 8d 00", 8],
    ["0f 20 c0", 8],
    ["db 28", 10],
    ["66 0f 6e c0", 16],
    ["ff 28", 4],
    ["48 ff 28", 8],
    ["0f 01 00", 8],
  ])("%s works on %i bytes", (hex, operandBytes) => {
    expect(decode(hex).operandBytes).toBe(operandBytes);
  });

  test.each([
    ["05 00 00 00 80", 0xffff_ffff_8000_0000n],
    ["83 c0 80", 0xffff_ffff_ffff_ff80n],
    ["cd 80", 0x80n],
    ["c2 00 80", 0x8000n],
    ["48 b8 00 00 00 80 00 00 00 80", 0x8000_0000_8000_0000n],
    ["eb fe", 0xffff_ffff_ffff_fffen],
    ["48 c7 c0 ff ff ff ff", 0xffff_ffff_ffff_ffffn],
  ])("%s has immediate %i", (hex, immediate) => {
    expect(decode(hex).immediate).toBe(immediate);
  });

  test("has two immediates in ENTER and in far pointers", () => {
    expect(decode("c8 34 12 1f")).toMatchObject({ immediate: 0x1234n, immediate2: 0x1f });
    const far = decode("ea 78 56 34 92 10 00", D.CODE_32);
    expect(far).toMatchObject({ length: 7, immediate: 0x9234_5678n, immediate2: 0x10 });
    expect(decode("ea 34 12 10 00", D.CODE_16)).toMatchObject({ immediate: 0x1234n, length: 5 });
  });
});

describe("prefixes", () => {
  test("of one group: the last counts", () => {
    expect(decode("f2 f3 a4").rep).toBe(0xf3);
    expect(decode("f3 f2 a4").rep).toBe(0xf2);
    expect(decode("64 65 8b 00")).toMatchObject({ segment: 5, segmentPrefix: 0x65 });
    expect(decode("f2 f3 0f 58 c1").operation).toBe(OP.OP_ADDSS);
    expect(decode("f3 f2 0f 58 c1").operation).toBe(OP.OP_ADDSD);
  });

  test("26, 2E, 36 and 3E do nothing in 64-bit mode, not even to FS before them", () => {
    expect(decode("64 3e 8b 00").segment).toBe(4);
    expect(decode("2e 8b 45 00")).toMatchObject({ segment: 2, segmentPrefix: 0 });
    expect(decode("64 3e 8b 00", D.CODE_32).segment).toBe(3);
  });

  test("a REX prefix counts directly before the opcode only", () => {
    expect(decode("48 66 89 c0")).toMatchObject({ rex: 0, operandBytes: 2, length: 4 });
    expect(decode("48 41 89 c0")).toMatchObject({ rex: 0x41, operandBytes: 4, rm: 8 });
    expect(decode("66 48 89 c0")).toMatchObject({ rex: 0x48, operandBytes: 8 });
    // Outside of 64-bit mode it is INC or DEC.
    expect(decode("48", D.CODE_32).operation).toBe(OP.OP_DEC);
  });

  test("F2 and F3 come before 66 as part of an opcode", () => {
    expect(decode("66 f2 0f 58 c1").operation).toBe(OP.OP_ADDSD);
    expect(decode("66 0f 58 c1").operation).toBe(OP.OP_ADDPD);
    expect(decode("0f 58 c1").operation).toBe(OP.OP_ADDPS);
  });

  test("66 sizes the operands of POPCNT and CRC32, whose F3 and F2 are part of the opcode", () => {
    expect(decode("66 f3 0f b8 c1")).toMatchObject({ operation: OP.OP_POPCNT, operandBytes: 2 });
    expect(decode("66 f2 0f 38 f1 c1")).toMatchObject({ operation: OP.OP_CRC32, bytes1: 2 });
  });

  test.each([
    ["90 is NOP", "90", OP.OP_NOP],
    ["F3 90 is PAUSE", "f3 90", OP.OP_PAUSE],
    ["41 90 exchanges R8 and RAX", "41 90", OP.OP_XCHG],
    ["F3 41 90 does as well", "f3 41 90", OP.OP_XCHG],
    ["F3 0F BC is BSF without BMI1", "f3 0f bc c1", OP.OP_BSF],
    ["F3 0F 1E FA is a NOP without CET", "f3 0f 1e fa", OP.OP_NOP],
    ["F6 /1 is TEST", "f6 c9 01", OP.OP_TEST],
    ["C1 /6 is SHL", "c1 f0 01", OP.OP_SHL],
    ["0F C7 /1 is CMPXCHG8B", "0f c7 08", OP.OP_CMPXCHG8B],
    ["with REX.W it is CMPXCHG16B", "48 0f c7 08", OP.OP_CMPXCHG16B],
  ])("%s", (_, hex, operation) => {
    expect(decode(hex).operation).toBe(operation);
  });
});

describe("addresses", () => {
  test("with mod 0 and r/m 5 are relative to RIP in 64-bit mode, absolute in 32-bit mode", () => {
    expect(decode("8b 05 fc ff ff ff")).toMatchObject({ base: D.BASE_RIP, displacement: -4n });
    expect(decode("67 8b 05 fc ff ff ff")).toMatchObject({ base: D.BASE_RIP, addressBytes: 4 });
    expect(decode("8b 05 fc ff ff ff", D.CODE_32).base).toBe(D.NO_REGISTER);
    // REX.B doesn't make R13 of it.
    expect(decode("41 8b 05 fc ff ff ff").base).toBe(D.BASE_RIP);
  });

  test("by SIB: index 4 is none but with REX.X, base 5 with mod 0 is none", () => {
    expect(decode("8b 04 24")).toMatchObject({ base: 4, index: D.NO_REGISTER, segment: 2 });
    expect(decode("42 8b 04 24")).toMatchObject({ base: 4, index: 12 });
    expect(decode("49 8b 04 24")).toMatchObject({ base: 12, segment: 3 });
    expect(decode("43 8b 04 25 00 00 00 00")).toMatchObject({ base: D.NO_REGISTER, index: 12 });
  });

  test("in the instruction have the address size, 8 bytes in 64-bit mode", () => {
    const absolute = decode("a0 88 77 66 55 44 33 22 f1");
    expect(absolute.displacement).toBe(BigInt.asIntN(64, 0xf122_3344_5566_7788n));
    expect(decode("67 a0 88 77 66 f5").displacement).toBe(0xf566_7788n);
    expect(decode("a0 88 f7", D.CODE_16).displacement).toBe(0xf788n);
  });

  test("of MOV to and from control registers are registers whatever mod says", () => {
    expect(decode("0f 20 05")).toMatchObject({ length: 3, memory: 0, rm: 5 });
    expect(decode("0f 22 44")).toMatchObject({ length: 3, memory: 0, rm: 4 });
  });
});

describe("registers that REX can't reach", () => {
  test("x87, MMX and segment registers are eight", () => {
    expect(decode("41 d8 c1").rm).toBe(1);
    expect(decode("45 0f fc c1")).toMatchObject({ reg: 0, rm: 1 });
    expect(decode("4c 8e d8").reg).toBe(3);
    expect(decode("66 45 0f fc c1")).toMatchObject({ reg: 8, rm: 9 });
  });
});

describe("undefined is", () => {
  test.each([
    ["LOCK with a register", "f0 01 c0"],
    ["LOCK with a source in memory", "f0 03 00"],
    ["LOCK with CMP", "f0 39 00"],
    ["LOCK with MOV", "f0 89 00"],
    ["MOV to CS", "8e c8"],
    ["segment register 6", "8c f0"],
    ["CR1", "0f 20 c8"],
    ["CR9", "44 0f 20 c8"],
    ["DR8", "44 0f 21 c0"],
    ["LEA of a register", "8d c0"],
    ["far CALL by register", "ff d8"],
    ["FF /7", "ff 38"],
    ["C6 /1", "c6 c8 00"],
    ["POP with /1", "8f 08"],
    ["NP with F3", "f3 0f fc c1"],
    ["NP with 66", "66 0f 77"],
    ["VEX in 64-bit mode", "c5 f8 77"],
    ["EVEX in 64-bit mode", "62 f1 7c 48 58 c1"],
    ["PUSH ES in 64-bit mode", "06"],
    ["opcode 82 in 64-bit mode", "82 c0 00"],
    ["SALC in 64-bit mode", "d6"],
    ["UD2", "0f 0b"],
    ["UD1", "0f b9 c0"],
    ["UD0", "0f ff c0"],
  ])("%s", (_, hex) => {
    expect(verdict(hex)).toBe(D.UNDEFINED);
  });

  test.each([
    ["SYSCALL", "0f 05", D.CODE_32],
    ["MOVSXD, which is ARPL there", "63 c0 ", D.CODE_64],
  ])("in another mode %s", (_, hex, mode) => {
    const there = mode === D.CODE_64 ? D.DECODED : D.UNDEFINED;
    expect(verdict(hex, mode)).toBe(there);
  });

  test("UD2 by intent: it is named, and has a length", () => {
    verdict("0f 0b");
    expect(decoder.instruction).toMatchObject({ operation: OP.OP_UD2, length: 2 });
  });
});

describe("the limit of 15 bytes", () => {
  const prefixes = (count: number) => "66".repeat(count);

  test("is no limit to 14 prefixes and NOP", () => {
    expect(decode(`${prefixes(14)} 90 90`).length).toBe(15);
  });

  test.each([
    ["15 prefixes", prefixes(15)],
    ["16 prefixes", prefixes(16)],
    ["14 prefixes and an opcode of two bytes", `${prefixes(14)} 0f 0b`],
    ["12 prefixes, MOV and an immediate of two bytes", `${prefixes(12)} c7 c0 01 00`],
    ["an immediate that ends behind it", `${"2e".repeat(6)} 48 b8 00 00 00 00 00 00 00 00`],
  ])("is broken by %s", (_, hex) => {
    expect(verdict(hex)).toBe(D.TOO_LONG);
  });

  test("is told only when all fifteen bytes are there: the next page may not be", () => {
    expect(verdict(prefixes(14))).toBe(D.NEED_MORE);
    expect(verdict("")).toBe(D.NEED_MORE);
  });
});

describe("random bytes", () => {
  test.each([
    ["16-bit", D.CODE_16],
    ["32-bit", D.CODE_32],
    ["64-bit", D.CODE_64],
  ])("in %s code: what is decided with few bytes is not changed by more", (_, mode) => {
    const random = randomFrom(77 + mode);
    const escapes = [[], [0x0f], [0x0f, 0x38], [0x0f, 0x3a]];
    for (let round = 0; round < 3000; round++) {
      const front = escapes[random(4)] ?? [];
      const code = Uint8Array.from([...front, ...Array.from({ length: 16 }, () => random(256))]);
      const whole = decoder.decode(code, mode);
      const { length, operation } = decoder.instruction;
      for (let available = 0; available < 16; available++) {
        const some = decoder.decode(code.subarray(0, available), mode);
        if (some === D.NEED_MORE) expect(available).toBeLessThan(15);
        else expect([some, decoder.instruction.operation]).toEqual([whole, operation]);
        if (some === D.DECODED) expect(length).toBeLessThanOrEqual(available);
        if (whole === D.DECODED && available >= length) expect(some).toBe(D.DECODED);
      }
    }
  });
});
