/**
 * 32-bit code with flat segments needs no check of them at its accesses (MODE_FLAT). Whether it is taken
 * for such code must show in nothing: it does the same beside an ES that ends a byte earlier, which
 * has every access of it checked.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { RAM_BASE } from "../../host/core.ts";
import { CODE_32 } from "../../host/decoder.ts";
import { CODE, CodeBench, DATA, REGISTERS } from "../../host/testing/code.ts";
import { drawInstruction, formsOf } from "../../host/testing/isa-draw.ts";
import { randomFrom } from "../../host/testing/random.ts";
import { CONTROL_FLOW } from "../../spec/isa/control-flow.ts";
import { FORMS } from "../../spec/isa/forms.ts";
import { INTEGER } from "../../spec/isa/integer.ts";
import { parseRows } from "../../spec/isa/notation.ts";
import { SSE } from "../../spec/isa/sse.ts";

const IDT = 0x1000;
const GDT = 0x2000;
const HANDLERS = 0x3000;
const STACK = DATA + 0x1800;
const TOP = 0xffff_ffff;
const FLAT = 0xcf_9200_0000_ffffn;
const [ES, SS, DS] = [0, 2, 3];
const [SS_FAULT, GP_FAULT] = [12, 13];
const HALTED = 2;

/** In 32-bit protected mode without paging; a handler for each vector, which halts. */
async function create(): Promise<CodeBench> {
  const on = await CodeBench.create();
  const { cpu } = on;
  const { bench } = on.on;
  for (let n = 0; n < 32; n++) {
    bench.write64(IDT + n * 8, BigInt(HANDLERS + n) | (8n << 16n) | (0x8e00n << 32n));
    on.put("f4", HANDLERS + n);
  }
  bench.write64(GDT + 8, 0xcf_9a00_0000_ffffn);
  bench.write64(GDT + 16, FLAT);
  // The same, but it ends in front of DATA.
  bench.write64(GDT + 24, 0xc0_9200_0000_05ffn);
  Object.assign(cpu, { cr0: 0x11n, cr4: 0x200n, efer: 0n, rflags: 2n, cpl: 0, activity: 1 });
  Object.assign(cpu, { idtBase: BigInt(IDT), idtLimit: 0xff, gdtBase: BigInt(GDT), gdtLimit: 31 });
  for (let n = 0; n < 6; n++)
    Object.assign(cpu.segmentsAt(n), { selector: 16, base: 0n, limit: TOP, attributes: 0xc93 });
  Object.assign(cpu.segmentsAt(1), { selector: 8, attributes: 0xc9b });
  return on;
}

/** Puts the code and runs it to a HLT, or for so many cycles. */
function execute(
  on: CodeBench,
  code: Uint8Array | string,
  registers: object,
  cycles = 20_000,
): void {
  const { cpu } = on;
  on.put(code);
  for (const name of REGISTERS) cpu[name] = 0n;
  // A fault whose frame finds no stack ends in a shutdown.
  on.on.bench.machine.state.stopped = 0;
  Object.assign(cpu, {
    rip: BigInt(CODE),
    rsp: BigInt(STACK),
    rflags: 2n,
    activity: 1,
    ...registers,
  });
  on.run(cycles);
}

/** The vector whose handler halted, or null. */
function raised({ cpu }: CodeBench): number | null {
  const at = Number(cpu.rip) - HANDLERS - 1;
  return cpu.activity === HALTED && at >= 0 && at < 32 ? at : null;
}

describe("what doesn't stay flat", () => {
  let on: CodeBench;
  beforeAll(async () => {
    on = await create();
  });

  test("the same code faults once its segment has a limit, and goes on when it hasn't any more", () => {
    // L: mov eax, [ebx]; inc esi; mov ds, cx; jmp L
    const code = "8b 03 46 8e d9 eb f9";
    execute(on, code, { rbx: BigInt(DATA), rcx: 24n });
    expect([raised(on), on.cpu.rsi]).toEqual([GP_FAULT, 1n]);
    execute(on, code, { rbx: BigInt(DATA), rcx: 16n });
    expect([raised(on), on.cpu.rsi]).toEqual([GP_FAULT, 0n]);
    Object.assign(on.cpu.segmentsAt(DS), { limit: TOP });
    execute(on, code, { rbx: BigInt(DATA), rcx: 16n }, 1000);
    expect([raised(on), on.cpu.rsi > 10n]).toEqual([null, true]);
  });

  const CHANGES: readonly [string, object, object][] = [
    ["a limit", { limit: DATA }, { limit: TOP }],
    ["no right to write", { attributes: 0xc91 }, { attributes: 0xc93 }],
    ["the type that expands down", { attributes: 0xc97 }, { attributes: 0xc93 }],
    ["no descriptor", { attributes: 0 }, { attributes: 0xc93 }],
  ];
  test.each(CHANGES)("a store faults while DS has %s", (_, change, back) => {
    // mov [ebx], eax; hlt
    const registers = { rbx: BigInt(DATA), rax: 0x1234n };
    for (const expected of [null, GP_FAULT, null]) {
      Object.assign(on.cpu.segmentsAt(DS), expected === null ? back : change);
      execute(on, "89 03 f4", registers);
      expect(raised(on)).toBe(expected);
    }
  });

  test("a base moves what the same code reads", () => {
    on.on.bench.write64(DATA, 0x1111n);
    on.on.bench.write64(DATA + 0x100, 0x2222n);
    const seen = [0n, 0x100n, 0n].map((base) => {
      Object.assign(on.cpu.segmentsAt(DS), { base });
      execute(on, "8b 03 f4", { rbx: BigInt(DATA) });
      return on.cpu.rax;
    });
    expect(seen).toEqual([0x1111n, 0x2222n, 0x1111n]);
  });
});

describe("the end of 4 GiB", () => {
  let on: CodeBench;
  beforeAll(async () => {
    on = await create();
  });

  test.each([
    ["mov eax, [ebx]", "8b 03 f4", { rbx: BigInt(TOP - 2) }, GP_FAULT],
    ["mov [ebx], eax", "89 03 f4", { rbx: BigInt(TOP - 2) }, GP_FAULT],
    ["add [ebx], eax", "01 03 f4", { rbx: BigInt(TOP) }, GP_FAULT],
    ["mov eax, [ebp]", "8b 45 00 f4", { rbp: BigInt(TOP - 2) }, SS_FAULT],
    ["movups xmm0, [ebx]", "0f 10 03 f4", { rbx: BigInt(TOP - 14) }, GP_FAULT],
    ["movaps xmm0, [ebp]", "0f 28 45 00 f4", { rbp: BigInt(TOP - 6) }, SS_FAULT],
    ["movaps xmm0, [ebp]", "0f 28 45 00 f4", { rbp: BigInt(DATA + 8) }, GP_FAULT],
    ["mov eax, [ebx]", "8b 03 f4", { rbx: BigInt(TOP - 3) }, null],
  ] as const)("%s", (_, code, registers, vector) => {
    execute(on, code, registers);
    expect(raised(on)).toBe(vector);
  });

  test("sums of base, index and displacement are those modulo 2^32", () => {
    on.on.bench.write64(DATA, 0x7654_3210n);
    const cases: [string, object][] = [
      // mov eax, [ebx + ecx*4]; [ebx + disp32]; [ebx]; [disp32]
      ["8b 04 8b f4", { rbx: BigInt(DATA + 16), rcx: 0xffff_fffcn }],
      ["8b 83 00 00 00 f0 f4", { rbx: BigInt(DATA) + 0x1000_0000n }],
      ["8b 43 f0 f4", { rbx: BigInt(DATA + 16) }],
      // What a register has above its 32 bits is from 64-bit mode.
      ["8b 03 f4", { rbx: BigInt(DATA) | 0xffff_8000_0000_0000n }],
      ["8b 05 00 00 60 00 f4", {}],
      ["8b 44 24 f0 f4", { rsp: BigInt(DATA + 16) }],
    ];
    for (const [code, registers] of cases) {
      execute(on, code, registers);
      expect(on.cpu.rax).toBe(0x7654_3210n);
    }
  });
});

/** Of integer, control-flow and SSE instructions those that don't reach ES by themselves. */
const OWN = new Set([INTEGER, CONTROL_FLOW, SSE].flatMap(parseRows).map(({ text }) => text));
const PLAIN = formsOf(CODE_32).filter((index) => {
  const { operation, text } = FORMS[index] as (typeof FORMS)[number];
  return OWN.has(text) && !/CPUID|HLT|SEGMENT|^L[DEFGS]S$|^(IN|OUT)S?$/.test(operation);
});
const CASES = 4000;
const SEED = 20;

test(`${CASES} random instructions do the same with flat segments and with checked ones (seed ${SEED})`, async () => {
  const flat = await create();
  const checked = await create();
  const random = randomFrom(SEED);
  const value = () =>
    [
      () => BigInt(DATA + random(0x2000)),
      () => BigInt(DATA + random(0x2000)),
      () => BigInt(random(64)),
      () => 0xffff_ffffn - BigInt(random(64)),
      () => (BigInt(random(0x1_0000)) << 32n) | BigInt(DATA + random(0x2000)),
    ][random(5)]?.() ?? 0n;
  const state = ({ bytes, cpu }: CodeBench) =>
    [
      Buffer.from(bytes.buffer, cpu.address, 128).toString("hex"),
      `${cpu.rip} ${cpu.rflags} ${cpu.retired} ${cpu.activity} ${cpu.cr2}`,
      Buffer.from(bytes.subarray(RAM_BASE + DATA, RAM_BASE + DATA + 0x3000)).toString("base64"),
    ].join(" ");
  let halted = 0;
  for (let n = 0; n < CASES; n++) {
    const { bytes } = drawInstruction(random, { mode: CODE_32, forms: PLAIN, prefixes: 5 });
    const registers = Object.fromEntries(REGISTERS.slice(0, 8).map((name) => [name, value()]));
    if (random(4) !== 0) registers.rsp = BigInt(STACK);
    for (const on of [flat, checked]) {
      Object.assign(on.cpu, { rip: 0n, cpl: 0, cr0: 0x11n });
      for (const at of [ES, SS, DS]) Object.assign(on.cpu.segmentsAt(at), { limit: TOP });
      Object.assign(on.cpu.segmentsAt(1), { selector: 8, base: 0n, limit: TOP, attributes: 0xc9b });
      if (on === checked) Object.assign(on.cpu.segmentsAt(ES), { limit: TOP - 1 });
      execute(on, Uint8Array.of(...bytes, 0xf4), registers, 400);
      if (on.cpu.activity === HALTED) halted++;
    }
    expect(state(checked), `case ${n}: ${Buffer.from(bytes).toString("hex")}`).toBe(state(flat));
  }
  expect(halted).toBeGreaterThan(CASES);
});
