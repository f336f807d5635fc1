/**
 * Segment loads and far transfers in 64-bit mode: every check of the manual's pages as a row, with the
 * exception and its error code (Intel SDM 2B, MOV; 2A, JMP and CALL; 3A, 5.8).
 */
import { beforeEach, describe, expect, test } from "vitest";
import { CODE, CodeBench, DATA } from "../../host/testing/code.ts";
import { GDT, KERNEL_CODE, RSP0, USER_CODE, USER_DATA } from "../../host/testing/longmode.ts";

const GP = 13;
const NP = 11;
const SS = 12;
const STACK_SEGMENT = 2;
/** Where transfers lead, and every handler returns to: HLT. */
const END = CODE + 0x800;
const CANONICAL_END = 0x8000_0000_0000n;

/** A descriptor of 4 GiB from 0, with the bits of its second doubleword. */
const flat = (upper: number) => (BigInt(upper) << 32n) | 0xffffn;
/** A 64-bit call gate to END in the kernel's code; its second half is the next entry. */
const gate = (rights: number) =>
  BigInt(END & 0xffff) |
  (BigInt(KERNEL_CODE) << 16n) |
  (BigInt(rights) << 40n) |
  (BigInt(END >>> 16) << 48n);

const DESCRIPTORS: Readonly<Record<number, bigint>> = {
  64: flat(0xcf_9300), // data, DPL 0
  72: flat(0xcf_f300), // data, DPL 3
  80: flat(0xcf_9100), // read-only data
  88: flat(0xcf_9900), // code that can't be read
  96: flat(0xcf_9b00), // code
  104: flat(0xcf_9f00), // conforming code
  112: flat(0xcf_1300), // data that isn't present
  120: 0x0000_8900_0000_0067n, // TSS
  128: gate(0x8c),
  136: 0n,
  144: gate(0xec), // for DPL 3
  152: 0n,
  160: flat(0xaf_1b00), // 64-bit code that isn't present
  168: flat(0xef_9b00), // L and D
  176: flat(0xaf_9f00), // conforming 64-bit code
  184: flat(0xaf_fb00), // 64-bit code, DPL 3
  192: (0x0040_9b00n << 32n) | 0xfffn, // 32-bit code of 4 KiB
  200: gate(0x0c), // a gate that isn't present
  208: 0n,
  216: gate(0x8c) & ~0xffff_0000n, // a gate to the null selector
  224: 0n,
  232: gate(0x8c),
  240: 1n << 40n, // a gate whose upper half has a type
};

const HALTED = 2;

let on: CodeBench;
beforeEach(async () => {
  on = await CodeBench.create();
  const { bench } = on.on;
  for (const [at, value] of Object.entries(DESCRIPTORS)) bench.write64(GDT + Number(at), value);
  on.cpu.gdtLimit = 0xf7;
  on.put("f4", END);
  on.on.handler = () => {
    bench.write64(Number(on.cpu.rsp), BigInt(END));
    bench.write64(Number(on.cpu.rsp) + 16, 2n);
  };
});

/** Runs the code to its end, handlers included, each of which is a turn. */
function execute(code: string, registers = {}): void {
  on.execute(code, registers);
  for (let turns = 0; turns < 8 && on.cpu.activity !== HALTED; turns++) on.run();
}

/** Vector and error code of the exception of `code`, or null when there was none. */
function exceptionOf(code: string, registers = {}): readonly number[] | null {
  execute(code, { rdi: BigInt(DATA), ...registers });
  const [first] = on.on.entered;
  return first ? [first.entry, first.errorCode] : null;
}

const MOV_DS = "8e d8";
const MOV_SS = "8e d0";
const JMP_FAR = "48 ff 2f";
const CALL_FAR = "48 ff 1f";

describe("MOV to DS", () => {
  test.each([
    ["null", 0x00, null],
    ["null with a privilege level", 0x03, null],
    ["data", 0x40, null],
    ["data of level 0 asked for by level 3", 0x43, [GP, 0x40]],
    ["data of level 3", 0x4b, null],
    ["read-only data", 0x50, null],
    ["code that can't be read", 0x58, [GP, 0x58]],
    ["code that can be read", 0x60, null],
    ["the same asked for by level 3", 0x63, [GP, 0x60]],
    ["conforming code asked for by level 3", 0x6b, null],
    ["what isn't present", 0x70, [NP, 0x70]],
    ["a TSS", 0x78, [GP, 0x78]],
    ["a place beyond the table", 0xf8, [GP, 0xf8]],
    ["a place in an LDT that isn't there", 0x44, [GP, 0x44]],
  ] as const)("%s", (_, selector, expected) => {
    expect(exceptionOf(MOV_DS, { rax: BigInt(selector) })).toEqual(expected);
    if (expected === null) expect(on.cpu.segmentsAt(3).selector).toBe(selector);
  });
});

describe("MOV to SS at level 0", () => {
  test.each([
    ["null", 0x00, null],
    ["null of level 3", 0x03, [GP, 0]],
    ["data", 0x40, null],
    ["data asked for by level 3", 0x43, [GP, 0x40]],
    ["data of level 3", 0x48, [GP, 0x48]],
    ["read-only data", 0x50, [GP, 0x50]],
    ["code", 0x60, [GP, 0x60]],
    ["what isn't present", 0x70, [SS, 0x70]],
  ] as const)("%s", (_, selector, expected) => {
    expect(exceptionOf(MOV_SS, { rax: BigInt(selector) })).toEqual(expected);
  });
});

describe("JMP to another segment", () => {
  const to = (selector: number, offset = BigInt(END)) => {
    on.on.bench.write64(DATA, offset);
    on.on.bench.write64(DATA + 8, BigInt(selector));
  };
  test.each([
    ["64-bit code", 0x08, null],
    ["null", 0x03, [GP, 0]],
    ["code that isn't present", 0xa0, [NP, 0xa0]],
    ["code with L and D", 0xa8, [GP, 0xa8]],
    ["conforming code", 0xb0, null],
    ["code of level 3", 0xb8, [GP, 0xb8]],
    ["code of level 0 asked for by level 3", 0x0b, [GP, 0x08]],
    ["data", 0x40, [GP, 0x40]],
    ["a TSS", 0x78, [GP, 0x78]],
    ["a call gate", 0x80, null],
    ["a call gate of level 0 asked for by level 3", 0x83, [GP, 0x80]],
    ["a call gate that isn't present", 0xc8, [NP, 0xc8]],
    ["a call gate to nowhere", 0xd8, [GP, 0]],
    ["a call gate whose upper half isn't one", 0xe8, [GP, 0xe8]],
    ["the table's last entry, where a gate has no room", 0xf0, [GP, 0xf0]],
    ["a place beyond the table", 0xf8, [GP, 0xf8]],
    ["code whose limit is lower than the offset", 0xc0, [GP, 0]],
  ] as const)("%s", (_, selector, expected) => {
    to(selector);
    expect(exceptionOf(JMP_FAR)).toEqual(expected);
    const code = expected === null && selector === 0xb0 ? selector : KERNEL_CODE;
    expect(on.cpu.segmentsAt(1).selector).toBe(code);
  });

  test("an offset that isn't canonical is #GP(0)", () => {
    to(KERNEL_CODE, CANONICAL_END);
    expect(exceptionOf(JMP_FAR)).toEqual([GP, 0]);
  });
});

describe("CALL by a gate from level 3", () => {
  const call = (selector: number) => {
    on.on.bench.write64(DATA + 8, BigInt(selector));
    on.put(CALL_FAR);
    const { handler } = on.on;
    on.on.handler = () => undefined;
    on.on.goToUser(BigInt(CODE));
    on.on.handler = handler;
    on.cpu.rdi = BigInt(DATA);
    on.cpu.rsp = BigInt(DATA + 0x1000);
    for (let turns = 0; turns < 8 && on.cpu.activity !== HALTED; turns++) on.run();
  };
  test("enters level 0 on its stack, with the caller's place on it", () => {
    call(0x93);
    expect(on.on.entered).toEqual([]);
    expect([on.cpu.cpl, on.cpu.segmentsAt(1).selector]).toEqual([0, KERNEL_CODE]);
    expect(on.cpu.segmentsAt(STACK_SEGMENT).selector).toBe(0);
    expect(on.cpu.rsp).toBe(RSP0 - 32n);
    const frame = [0, 8, 16, 24].map((at) => on.on.bench.read64(Number(RSP0) - 32 + at));
    expect(frame).toEqual([
      BigInt(CODE + 3),
      BigInt(USER_CODE),
      BigInt(DATA + 0x1000),
      BigInt(USER_DATA),
    ]);
  });
  test("is #GP of the gate when that is for level 0", () => {
    call(0x83);
    expect(on.on.entered[0]).toMatchObject({ entry: GP, errorCode: 0x80 });
    expect(on.on.entered[0]?.frame[0]).toBe(BigInt(CODE));
  });
});
