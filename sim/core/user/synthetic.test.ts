/** The synthetic instructions, against a second implementation and by themselves. */
import fc from "fast-check";
import { beforeAll, beforeEach, describe, expect, test } from "vitest";
import { RAM_BASE } from "../../host/core.ts";
import { UNMAPPED } from "../../host/testing/longmode.ts";
import type { ProcessorBench } from "../../host/testing/processor.ts";
import { SyntheticModel } from "../../host/testing/synthetic-model.ts";
import { DATA, type Fields, instruction, PROGRAM, UserBench } from "../../host/testing/user.ts";
import * as Op from "../../spec/synthetic.ts";
import { RUNTIME_SYNTHETIC } from "../../spec/user.ts";

const SLICE = 20_000;
const REGISTERS = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");

let user: UserBench;
let bench: ProcessorBench;
const create = async () => {
  user = await UserBench.create();
  bench = user.bench;
};

/** Loads a program whose end is a system call, and enters it. */
function begin(...program: Uint8Array[]): void {
  user.load([...program, instruction(Op.OP_SYSCALL)]);
  user.enter(RUNTIME_SYNTHETIC);
}
const registers = () => REGISTERS.map((_, n) => BigInt.asUintN(64, bench.do.readRegister(n)));
const steps = (count: number) => {
  for (let n = 0; n < count; n++) bench.step();
};

describe("one instruction", () => {
  beforeEach(create);
  const run = (opcode: number, fields: Fields) => {
    begin(instruction(opcode, fields));
    bench.cpu.rax = 5n;
    bench.cpu.rcx = 0xffff_ffff_ffff_fff0n;
    const { clock } = bench.cpu;
    bench.step();
    return [bench.cpu.rax, bench.cpu.clock - clock];
  };
  test.each([
    ["sets", Op.OP_SET, { x: -1 }, 2n ** 64n - 1n],
    ["moves", Op.OP_MOVE, { b: 1 }, 0xffff_ffff_ffff_fff0n],
    ["adds and wraps", Op.OP_ADD, { b: 1, x: 0x20 }, 0x10n],
    ["subtracts and wraps", Op.OP_SUB, { b: 0, x: 6 }, 2n ** 64n - 1n],
    ["adds registers", Op.OP_ADD_REG, { b: 1 }, 2n ** 64n - 11n],
  ])("%s in one cycle, and the system call takes one", (_, opcode, fields, rax) => {
    // SYSCALL changes RCX, so results are looked for in RAX.
    expect(run(opcode, { a: 0, ...fields })).toEqual([rax, 2n]);
  });
  // The first outputs for seed 1.
  test("draws the numbers of xorshift64*", () => {
    begin(
      ...Array.from({ length: 3 }, (_, n) => instruction(Op.OP_RANDOM, { a: 8 + n, b: 0, y: -1 })),
    );
    bench.cpu.rax = 1n;
    bench.step();
    expect([bench.cpu.r8, bench.cpu.r9, bench.cpu.r10]).toEqual([
      5180492295206395165n,
      12380297144915551517n,
      13389498078930870103n,
    ]);
  });
  test("draws from a range evenly: x to x + y", () => {
    const counts = Array.from({ length: 10 }, () => 0);
    for (let n = 0; n < 50; n++) {
      const state = bench.cpu.rax;
      begin(
        ...Array.from({ length: 20 }, (_, k) =>
          instruction(Op.OP_STORE, { a: 1, b: 2, x: 8 * k }),
        ).flatMap((store) => [instruction(Op.OP_RANDOM, { a: 1, b: 0, x: 3, y: 9 }), store]),
      );
      bench.cpu.rax = state;
      bench.cpu.rdx = BigInt(DATA);
      bench.step();
      for (let k = 0; k < 20; k++) {
        const cell = Number(bench.read64(DATA + 8 * k)) - 3;
        counts[cell] = (counts[cell] ?? 0) + 1;
      }
    }
    // 1,000 draws in 10 cells: chi-squared of 9 degrees is below 27.9 with probability 0.999.
    expect(counts.reduce((sum, count) => sum + (count - 100) ** 2 / 100, 0)).toBeLessThan(27.9);
  });
  test("reads the time-stamp counter, unless CR4.TSD forbids it", () => {
    begin(instruction(Op.OP_RUN, { x: 100 }), instruction(Op.OP_TIME, { a: 0 }));
    const { clock } = bench.cpu;
    bench.step();
    expect(bench.cpu.rax).toBe(clock + 100n + bench.cpu.tscOffset);
    bench.do.writeControl(4, 0x24n);
    begin(instruction(Op.OP_TIME, { a: 0 }));
    bench.step();
    expect([bench.takeException(), bench.cpu.rbx]).toEqual([13, BigInt(PROGRAM)]);
  });
  test("marks a point in the trace, and ends the turn", () => {
    begin(instruction(Op.OP_MARK, { a: 0, x: 77 }));
    bench.cpu.rax = 88n;
    const seen: unknown[] = [];
    const watch = bench.machine.on("mark", (event) => void seen.push(event));
    const { clock } = bench.cpu;
    bench.step();
    bench.machine.run({ steps: 0 });
    watch.remove();
    expect(seen).toEqual([{ kind: "mark", cpu: 0, point: 77n, value: 88n, time: clock }]);
    expect(bench.cpu.rbx).toBe(BigInt(PROGRAM + 32));
  });
  test.each([
    ["another opcode", instruction(18)],
    ["opcode 0", instruction(0)],
    ["a register above 15", instruction(Op.OP_SET, { a: 16 })],
    ["a register b above 15", instruction(Op.OP_SET, { b: 255 })],
  ])("%s is #UD", (_, code) => {
    begin(code);
    const before = registers();
    steps(1);
    expect(bench.takeException()).toBe(6);
    expect(registers()).toEqual(before);
  });
  test("RBX that is no multiple of 32 is #UD", () => {
    begin();
    bench.cpu.rbx += 8n;
    steps(1);
    expect([bench.takeException(), bench.cpu.rbx]).toEqual([6, BigInt(PROGRAM + 8)]);
  });
  test("RBX where nothing is mapped is a page fault of a user's read", () => {
    begin();
    bench.cpu.rbx = BigInt(UNMAPPED);
    steps(1);
    expect([bench.cpu.pendingErrorCode, bench.cpu.cr2]).toEqual([4, BigInt(UNMAPPED)]);
    expect(bench.takeException()).toBe(14);
  });
  test("RBX that isn't canonical is #GP", () => {
    begin();
    bench.cpu.rbx = 1n << 47n;
    steps(1);
    expect(bench.takeException()).toBe(13);
  });
});

describe("a fault is restartable", () => {
  beforeEach(create);
  const PAGE = 0x20_0000; // the bench maps pages of 2 MiB
  test("in the middle of OP_TOUCH: it goes on with the byte that faulted", () => {
    const first = UNMAPPED - 3 * 4096;
    begin(instruction(Op.OP_TOUCH, { a: 0, x: first, y: 4096, z: 8 }));
    bench.cpu.rax = 0x5an;
    const { clock } = bench.cpu;
    bench.step();
    // Three bytes, and the cycle of the attempt.
    expect([bench.cpu.r13, bench.cpu.clock - clock]).toEqual([3n, 4n]);
    expect([bench.cpu.cr2, bench.cpu.pendingErrorCode]).toEqual([BigInt(UNMAPPED), 6]);
    expect(bench.takeException()).toBe(14);
    bench.write64(0x30_0000 + 0x2000 + 8 * (UNMAPPED / PAGE), BigInt(UNMAPPED) | 0x87n);
    bench.step();
    expect([bench.cpu.r13, bench.cpu.rbx]).toEqual([0n, BigInt(PROGRAM + 64)]);
    for (let n = 0; n < 8; n++) expect(bench.read64(first + 4096 * n) & 0xffn).toBe(0x5an);
  });
  test("in the middle of a store over two pages: nothing is written", () => {
    begin(instruction(Op.OP_STORE, { a: 0, b: 1, x: -4 }));
    bench.cpu.rax = 2n ** 64n - 1n;
    bench.cpu.rcx = BigInt(UNMAPPED);
    bench.step();
    expect(bench.takeException()).toBe(14);
    expect([bench.cpu.cr2, bench.cpu.rbx]).toEqual([BigInt(UNMAPPED), BigInt(PROGRAM)]);
    expect(bench.read64(UNMAPPED - 8)).toBe(0n);
  });
});

describe("time", () => {
  beforeEach(create);
  test("OP_RUN burns x cycles to the cycle, over slices", () => {
    begin(instruction(Op.OP_RUN, { x: 3 * SLICE + 17 }));
    const { clock } = bench.cpu;
    steps(4);
    expect([bench.cpu.clock - clock, bench.cpu.r13]).toEqual([BigInt(3 * SLICE + 18), 0n]);
  });
  test("OP_RUN adds a register when it is told to", () => {
    begin(instruction(Op.OP_RUN, { x: 100, b: 0, flags: Op.RUN_ADD }));
    bench.cpu.rax = 23n;
    const { clock } = bench.cpu;
    steps(1);
    expect(bench.cpu.clock - clock).toBe(124n);
  });
  test("nothing is free: a program of empty runs comes to its slice's end", () => {
    begin(instruction(Op.OP_RUN), instruction(Op.OP_TOUCH), instruction(Op.OP_JUMP, { x: -2 }));
    const { clock } = bench.cpu;
    steps(1);
    expect(bench.cpu.clock - clock).toBe(BigInt(SLICE));
  });
});

/** Instructions that stay in a program of `length`, with operands that make sense now and then. */
const arbitraryInstruction = (length: number) => {
  const register = fc.nat({ max: 15 });
  const word = fc.oneof(
    fc.bigInt({ min: 0n, max: 100n }),
    fc.bigInt({ min: 0n, max: BigInt(3 * SLICE) }),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    fc.integer({ min: DATA - 16, max: DATA + 4200 }).map(BigInt),
  );
  const opcode = fc.oneof(
    { weight: 30, arbitrary: fc.integer({ min: 1, max: 17 }) },
    { weight: 1, arbitrary: fc.nat({ max: 20 }) },
  );
  return fc
    .record({
      opcode,
      a: register,
      b: register,
      flags: fc.nat({ max: 1 }),
      x: word,
      y: word,
      z: word,
    })
    .map(({ opcode, ...fields }) => {
      const jump = opcode >= Op.OP_JUMP && opcode <= Op.OP_JUMP_BELOW;
      const x = jump ? (fields.x % BigInt(2 * length)) - BigInt(length) : fields.x;
      return instruction(opcode, { ...fields, x });
    });
};

describe("programs", () => {
  beforeAll(create);
  test("do what the model does, turn by turn", () => {
    const start = fc.array(
      fc.oneof(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.constant(BigInt(DATA + 64))),
      { minLength: 16, maxLength: 16 },
    );
    const length = 12;
    const program = fc.array(arbitraryInstruction(length), {
      minLength: length,
      maxLength: length,
    });
    fc.assert(
      fc.property(program, start, (code, values) => {
        const ends = Array<Uint8Array>(length).fill(instruction(Op.OP_SYSCALL));
        const { bytes } = bench.machine.core;
        user.load([...ends, ...code, ...ends], PROGRAM - 32 * length);
        bytes.fill(0, RAM_BASE + DATA, RAM_BASE + UNMAPPED);
        user.leave();
        user.enter(RUNTIME_SYNTHETIC);
        const model = new SyntheticModel(memory);
        model.clock = bench.cpu.clock;
        values.forEach((value, n) => {
          const initial = n === 13 ? 0n : n === 3 ? BigInt(PROGRAM) : value;
          bench.do.writeRegister(n, initial);
          model.registers[n] = initial;
        });
        follow(model);
        for (const [at, byte] of model.written) expect(bytes[RAM_BASE + Number(at)]).toBe(byte);
      }),
      { numRuns: 200 },
    );
  });
});

/** User pages of the bench. Before it begins a program has written nothing: data is all zeroes. */
const memory = {
  allowed: (at: bigint, write: boolean) => at >= (write ? DATA : 0x40_0000) && at < UNMAPPED,
  byte: (at: bigint) => (at < DATA ? (bench.machine.core.bytes[RAM_BASE + Number(at)] ?? 0) : 0),
};

/** Compares machine and model after each of the machine's turns, three at most. */
function follow(model: SyntheticModel): void {
  for (let turn = 0; turn < 3; turn++) {
    bench.step();
    model.runUntil(bench.cpu.clock);
    expect(model.clock).toBe(bench.cpu.clock);
    if (typeof model.ended === "number") {
      expect(bench.takeException()).toBe(model.ended);
      expect(registers()).toEqual(model.registers);
      return;
    }
    if (model.ended === "syscall") {
      expect(bench.cpu.cpl).toBe(0);
      const lost = (n: number) => n === 1 || n === 11;
      expect(registers().filter((_, n) => !lost(n))).toEqual(
        model.registers.filter((_, n) => !lost(n)),
      );
      return;
    }
    expect(registers()).toEqual(model.registers);
  }
}
