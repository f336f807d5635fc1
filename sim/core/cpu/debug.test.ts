/** Breakpoints, single steps and what guards the debug registers (Intel SDM 3B, 17.2 and 17.3). */
import { beforeEach, describe, expect, test } from "vitest";
import { CODE, CodeBench, DATA } from "../../host/testing/code.ts";

const DB = 1;
const END = CODE + 0x800;
const BS = 1n << 14n;
const BD = 1n << 13n;
/** Enables breakpoint 0. */
const G0 = 2n;
/** Kind and length of breakpoint 0 in DR7. */
const kind = (bits: number) => BigInt(bits) << 16n;
const EXECUTE = kind(0);
const WRITE_4 = kind(0b1101);
const ACCESS_8 = kind(0b1011);
const PORT_1 = kind(0b0010);

const HALTED = 2;

let on: CodeBench;
beforeEach(async () => {
  on = await CodeBench.create();
  const { bench } = on.on;
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

/** Where #DB came, and the low bits of DR6 then; null when it didn't. */
function debugExceptionOf(code: string, address: number, dr7: bigint, registers = {}) {
  on.cpu.dr0 = BigInt(address);
  on.cpu.dr7 = 0x400n | dr7;
  on.cpu.dr6 = 0xffff_0ff0n;
  execute(code, { rdi: BigInt(DATA), ...registers });
  const [first] = on.on.entered;
  if (first === undefined) return null;
  expect(first.entry).toBe(DB);
  return [Number(first.frame[0]) - CODE, on.cpu.dr6 & 0xe00fn];
}

describe("breakpoints", () => {
  const INCREMENTS = "48 ff c0 48 ff c0 48 ff c0";
  const STORE = "90 89 07 90"; // nop; mov [rdi], eax; nop
  const LOAD = "90 8b 07 90";

  test("on an instruction come before it", () => {
    expect(debugExceptionOf(INCREMENTS, CODE + 3, G0 | EXECUTE, { rax: 0n })).toEqual([3, 1n]);
    expect(on.cpu.rax).toBe(1n);
  });
  test("that aren't enabled don't come", () => {
    expect(debugExceptionOf(INCREMENTS, CODE + 3, EXECUTE, { rax: 0n })).toBeNull();
    expect(on.cpu.rax).toBe(3n);
  });
  test("on an instruction don't come while RF is set, for one instruction", () => {
    expect(debugExceptionOf(INCREMENTS, CODE, G0 | EXECUTE, { rflags: 0x1_0002n })).toBeNull();
    expect(on.cpu.rflags & 0x1_0000n).toBe(0n);
  });
  test.each([
    ["a store at its first byte", STORE, DATA, WRITE_4, [3, 1n]],
    ["a store at its last byte", STORE, DATA + 3, WRITE_4, [3, 1n]],
    ["a store behind it", STORE, DATA + 4, WRITE_4, null],
    ["a load", LOAD, DATA, WRITE_4, null],
    ["a load, for reads and writes", LOAD, DATA, ACCESS_8, [3, 1n]],
    ["a load in the aligned quadword", LOAD, DATA + 7, ACCESS_8, [3, 1n]],
    ["a push", "50 90", 0x32_0000 - 8, WRITE_4, [1, 1n]],
  ] as const)("on data come behind the instruction: %s", (_, code, address, bits, expected) => {
    expect(debugExceptionOf(code, address, G0 | bits)).toEqual(expected);
  });
  test("on data come behind each iteration of a string instruction", () => {
    const registers = { rcx: 4n, rax: 0x55n };
    expect(debugExceptionOf("f3 aa 90", DATA + 1, G0 | kind(1), registers)).toEqual([0, 1n]);
    expect(on.cpu.rcx).toBe(2n);
  });
  test("on a port need CR4.DE", () => {
    const out = "e6 80 90";
    expect(debugExceptionOf(out, 0x80, G0 | PORT_1)).toBeNull();
    on.cpu.cr4 |= 8n;
    expect(debugExceptionOf(out, 0x80, G0 | PORT_1)).toEqual([2, 1n]);
  });
});

test("TF makes a trap behind the instruction, but behind a load of SS only behind the next", () => {
  expect(debugExceptionOf("90 90 90", 0, 0n, { rflags: 0x102n })).toEqual([1, BS]);
  on.on.entered = [];
  const registers = { rflags: 0x102n, rax: 0x10n };
  expect(debugExceptionOf("8e d0 90 90", 0, 0n, registers)).toEqual([3, BS]);
});

describe("the debug registers", () => {
  test("are guarded by GD, which the handler finds cleared", () => {
    expect(debugExceptionOf("90 0f 21 f8", 0, 1n << 13n)).toEqual([1, BD]);
    expect(on.cpu.dr7).toBe(0x400n);
  });
  test("4 and 5 are 6 and 7, or with CR4.DE #UD", () => {
    on.cpu.dr7 = 0x400n;
    execute("0f 21 e8"); // mov rax, dr5
    expect(on.cpu.rax).toBe(0x400n);
    on.cpu.cr4 |= 8n;
    execute("0f 21 e8");
    expect(on.on.entered[0]?.entry).toBe(6);
  });
  test("6 and 7 keep their fixed bits, and have no upper half", () => {
    execute("0f 23 f0", { rax: 0xffff_ffffn }); // mov dr6, rax
    expect(on.cpu.dr6).toBe(0xffff_efffn);
    execute("0f 23 f0", { rax: 1n << 32n });
    expect(on.on.entered[0]).toMatchObject({ entry: 13, errorCode: 0 });
  });
});
