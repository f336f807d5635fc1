/**
 * What is executed, and when, doesn't depend on blocks: random code, much of which faults, jumps into
 * the middle of instructions and writes to itself, runs in pieces of every length, one instruction at
 * a time, with blocks dropped at random, and goes through the same states.
 */
import { describe, expect, test } from "vitest";
import { RAM_BASE } from "../../host/core.ts";
import { CODE_64 } from "../../host/decoder.ts";
import { Machine } from "../../host/machine.ts";
import { CODE, CodeBench, DATA, REGISTERS } from "../../host/testing/code.ts";
import { drawInstruction, formsOf } from "../../host/testing/isa-draw.ts";
import { PML4 } from "../../host/testing/longmode.ts";
import type { ProcessorBench } from "../../host/testing/processor.ts";
import { randomFrom } from "../../host/testing/random.ts";
import { CONTROL_FLOW } from "../../spec/isa/control-flow.ts";
import { FORMS } from "../../spec/isa/forms.ts";
import { INTEGER } from "../../spec/isa/integer.ts";
import { parseRows } from "../../spec/isa/notation.ts";
import { STRINGS } from "../../spec/isa/strings.ts";

const CODE_BYTES = 0x3000;
/** L: add [rdi], rcx; mov [rdi + rcx * 8], al; call M; dec rcx; jnz L; jmp $; M: ret */
const LOOP = "48 01 0f 88 04 cf e8 07 00 00 00 48 ff c9 75 f0 eb fe c3";
const NO_CPU = 0xffff_ffff;
const SEEDS = [1, 2, 4, 6];
const CYCLES = 40_000;

/** The rows of the engine itself: integer, string and control-flow instructions, but for far transfers. */
const OWN = new Set([INTEGER, STRINGS, CONTROL_FLOW].flatMap(parseRows).map(({ text }) => text));
const PLAIN = formsOf(CODE_64).filter((index) => {
  const { operation, text } = FORMS[index] as (typeof FORMS)[number];
  return OWN.has(text) && !/FAR|^INT|RETF|IRET|CPUID/.test(operation);
});

/** Three pages of drawn instructions, with some bytes of anything between them. */
function drawCode(seed: number): Uint8Array {
  const random = randomFrom(seed);
  const code = new Uint8Array(CODE_BYTES);
  for (let at = 0; at < CODE_BYTES; ) {
    const noise = random(16) === 0;
    const bytes = noise
      ? Uint8Array.of(random(256))
      : drawInstruction(random, { forms: PLAIN, prefixes: 5, memory: random(4) === 0 }).bytes;
    code.set(bytes.subarray(0, CODE_BYTES - at), at);
    at += bytes.length;
  }
  return code;
}

/** Linear addresses of the code, and of data for registers and stacks. */
interface Place {
  readonly code: number;
  readonly data: (n: number) => number;
}
const FLAT: Place = { code: CODE, data: (n) => DATA + (n & 0x1fff) };

/**
 * Pages of 4 KiB, all of which the TLB has to keep in three of its sets: those of the code and those of
 * sixteen times as much data push each other out all the time.
 */
const CROWDED: Place = {
  code: 0x4000_0000,
  data: (n) => 0x4000_0000 + (1 + (n % 15)) * 0x8_0000 + (n & 0x2fff),
};
const TABLES = 0x50_0000;
const ACCESS_USER = 4;

function mapCrowded(bench: ProcessorBench): void {
  bench.write64(PML4 + 0x1008, BigInt(TABLES) | 7n);
  for (let n = 0; n < 16; n++) {
    const table = TABLES + 0x1000 * (1 + (n >> 2));
    bench.write64(TABLES + 8 * (n >> 2), BigInt(table) | 7n);
    for (let page = 0; page < 3; page++) {
      const frame = (n === 0 ? CODE : DATA + n * 0x3000) + page * 0x1000;
      bench.write64(table + ((n & 3) * 128 + page) * 8, BigInt(frame) | 7n);
    }
  }
}

/** A bench in ring 3 at the code; a fault goes on at an address that depends on where it was. */
async function start(seed: number, { code, data }: Place = FLAT): Promise<CodeBench> {
  const on = await CodeBench.create();
  const { cpu } = on;
  const { bench } = on.on;
  on.put(drawCode(seed));
  mapCrowded(bench);
  on.on.goToUser(BigInt(code));
  const random = randomFrom(seed + 1000);
  for (const name of REGISTERS) {
    const near = random(4) === 0 ? code + random(CODE_BYTES) : data(random(0x1_0000));
    cpu[name] = random(5) === 0 ? BigInt(random(64)) : BigInt(near);
  }
  on.on.handler = () => {
    const frame = Number(cpu.rsp);
    const rip = bench.read64(frame);
    const next = code + Number(((rip * 0x9e37_79b1n + cpu.retired) >> 7n) % BigInt(CODE_BYTES));
    bench.write64(frame, BigInt(next));
    // What the fault handlers of a system do to the TLB: they use many pages of their own.
    for (let n = 0; n < 3; n++)
      bench.do.translateFor(0, BigInt(data(next * (n + 3)) & ~0xfff), ACCESS_USER);
    // The stack of most random code is nowhere: it gets one again.
    bench.write64(frame + 24, BigInt(data(0x1000 + (next & 0xff0))));
    REGISTERS.forEach((name, n) => {
      if (n >= 3 && name !== "rsp")
        cpu[name] = BigInt(n & 1 ? data(next * n) : code + ((next * n) & 0x1fff));
    });
    cpu.rcx = BigInt(next & 0x3f);
  };
  return on;
}

/** All fields of the CPU, and the bytes that code and data have now. */
function stateOf({ cpu, bytes }: CodeBench): string {
  const registers = Buffer.from(bytes.buffer, cpu.address, 320).toString("hex");
  const memory = [CODE, DATA].map((at) =>
    Buffer.from(bytes.subarray(RAM_BASE + at, RAM_BASE + at + CODE_BYTES)).toString("base64"),
  );
  return `${cpu.clock} ${cpu.retired} ${cpu.rip.toString(16)} ${registers} ${memory.join(" ")}`;
}

/** Brings both to one time; each turn ends where it may. */
function meet(a: CodeBench, b: CodeBench, piece: (on: CodeBench) => number): void {
  while (a.cpu.clock !== b.cpu.clock) {
    const behind = a.cpu.clock < b.cpu.clock ? a : b;
    behind.run(piece(behind));
  }
}

function hashOf(on: CodeBench): string {
  const { state } = on.on.bench.machine;
  state.sliceEnd = 0n;
  return on.on.bench.machine.stateHash();
}

describe.each(SEEDS)("random code, seed %i", (seed) => {
  test("is the same while the TLB has no room for what it uses", async () => {
    const random = randomFrom(seed + 4000);
    const [a, b, c] = [
      await start(seed, CROWDED),
      await start(seed, CROWDED),
      await start(seed, CROWDED),
    ] as const;
    const end = a.cpu.clock + BigInt(CYCLES);
    while (a.cpu.clock < end) {
      a.run(1 + random(3000));
      meet(a, b, () => 1);
      meet(a, c, (on) => {
        on.flushBlocks();
        return Math.max(1, Number(a.cpu.clock - on.cpu.clock));
      });
      expect(stateOf(b)).toBe(stateOf(a));
      expect(stateOf(c)).toBe(stateOf(a));
    }
    expect([hashOf(b), hashOf(c)]).toEqual([hashOf(a), hashOf(a)]);
    const { victim } = a.cpu.tlbAt(0);
    expect(victim).toBeGreaterThan(20);
  });

  test("is the same in long pieces and one instruction at a time", async () => {
    const random = randomFrom(seed + 2000);
    const a = await start(seed);
    const b = await start(seed);
    const end = a.cpu.clock + BigInt(CYCLES);
    while (a.cpu.clock < end) {
      a.run(1 + random(2000));
      meet(a, b, () => 1);
      expect(stateOf(b)).toBe(stateOf(a));
    }
    expect(hashOf(b)).toBe(hashOf(a));
    expect(a.cpu.retired).toBeGreaterThan(500n);
  });

  test("is the same when blocks are dropped at any time", async () => {
    const random = randomFrom(seed + 3000);
    const a = await start(seed);
    const b = await start(seed);
    const end = a.cpu.clock + BigInt(CYCLES);
    while (a.cpu.clock < end) {
      a.run(1 + random(4000));
      meet(a, b, (on) => {
        on.flushBlocks();
        const distance = Number(a.cpu.clock - b.cpu.clock);
        return distance > 0 ? 1 + random(distance) : 1;
      });
      expect(stateOf(b)).toBe(stateOf(a));
    }
    expect(hashOf(b)).toBe(hashOf(a));
  });

  test("goes on in a restored machine as if nothing had been", async () => {
    const a = await start(seed);
    a.run(3_000);
    // The kernel is a function of the test, which no snapshot has: no fault may come from here on.
    a.put(LOOP);
    Object.assign(a.cpu, { rip: BigInt(CODE), rcx: 1_000n, rdi: BigInt(DATA), cpl: a.cpu.cpl });
    a.run(500);
    const { machine } = a.on.bench;
    const copy = await Machine.restore(machine.snapshot(), { modules: a.modules });
    const b = copy.core.sim as typeof a.exports;
    for (let n = 1; n < 50; n += 7) {
      a.run(n);
      copy.state.running = NO_CPU;
      b.testTurn(0, BigInt(n));
      copy.state.running = 0;
      expect(copy.stateHash()).toBe(machine.stateHash());
    }
  });
});
