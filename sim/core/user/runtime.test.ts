/** The window of runtime text, SYSCALL (SDM 2B), and what interrupts ring 3. */
import { beforeEach, describe, expect, test } from "vitest";
import { RSP0 } from "../../host/testing/longmode.ts";
import type { ProcessorBench } from "../../host/testing/processor.ts";
import {
  instruction,
  PROGRAM,
  runtime,
  SYSCALL_ENTRY,
  USER_CODE_64,
  USER_DATA_64,
  USER_STACK,
  UserBench,
  WINDOW_ENTRY,
} from "../../host/testing/user.ts";
import { ENTRY_SYSCALL } from "../../spec/entries.ts";
import { STOP_AGENT } from "../../spec/stops.ts";
import { OP_JUMP, OP_RUN, OP_SYSCALL } from "../../spec/synthetic.ts";
import { RUNTIME_CALL, RUNTIME_HOST, RUNTIME_SYNTHETIC } from "../../spec/user.ts";
import { MSR_EFER, MSR_STAR } from "../../spec/x86.ts";

const SLICE = 20_000n;

let user: UserBench;
let bench: ProcessorBench;

beforeEach(async () => {
  user = await UserBench.create();
  bench = user.bench;
});

const entered = () => user.on.entered.at(-1);

describe("the window", () => {
  test("that isn't mapped is a page fault of a user's fetch", () => {
    bench.write64(WINDOW_ENTRY, 0n);
    user.enter(RUNTIME_SYNTHETIC);
    bench.step();
    bench.step();
    expect(entered()).toMatchObject({ entry: 14, errorCode: 0x14 });
    expect(bench.cpu.cr2).toBe(runtime(RUNTIME_SYNTHETIC));
    expect(entered()?.frame[0]).toBe(runtime(RUNTIME_SYNTHETIC));
  });
  test.each([
    ["may not be executed", (1n << 63n) | 5n],
    ["is the supervisor's", 1n],
  ])("that %s is a page fault of its rights", (_, bits) => {
    bench.do.writeMsr(MSR_EFER, 0xd01n);
    bench.write64(WINDOW_ENTRY, 0x4f_0000n | bits);
    user.enter(RUNTIME_HOST);
    bench.step();
    bench.step();
    expect(entered()).toMatchObject({ entry: 14, errorCode: 0x15 });
  });
  test.each([
    ["between two runtimes", 1n],
    ["behind the last", 80n],
  ])("holds nothing %s", (_, offset) => {
    user.enter(RUNTIME_SYNTHETIC);
    bench.cpu.rip += offset;
    bench.step();
    bench.step();
    expect(entered()).toMatchObject({ entry: 6, errorCode: 0 });
    expect(entered()?.frame[0]).toBe(runtime(RUNTIME_SYNTHETIC) + offset);
  });
  test("is marked as accessed when it is used", () => {
    user.enter(RUNTIME_HOST);
    bench.step();
    expect(bench.read64(WINDOW_ENTRY) & 0x20n).toBe(0x20n);
  });
});

describe("SYSCALL", () => {
  const call = () => {
    user.load([instruction(OP_SYSCALL)]);
    user.enter(RUNTIME_SYNTHETIC);
  };
  test("goes to LSTAR in ring 0 with RIP in RCX, flags in R11, and FMASK's flags off", () => {
    call();
    bench.cpu.rflags = 0x4_0ed7n;
    bench.step();
    const { rip, rcx, r11, rflags, rsp, cpl, rbx } = bench.cpu;
    expect({ rip, rcx, r11, rflags, rsp, cpl, rbx }).toEqual({
      rip: SYSCALL_ENTRY,
      rcx: runtime(RUNTIME_SYNTHETIC),
      r11: 0x4_0ed7n,
      rflags: 0x8d7n & ~0x700n,
      rsp: USER_STACK,
      cpl: 0,
      rbx: BigInt(PROGRAM + 32),
    });
  });
  test("makes CS and SS flat segments of ring 0 with STAR's selectors, RPL 0", () => {
    bench.do.writeMsr(MSR_STAR, 0x0030_000b_0000_0000n);
    call();
    bench.step();
    const segments = [1, 2].map((index) => {
      const { selector, base, limit, attributes } = bench.cpu.segmentsAt(index);
      return { selector, base, limit, attributes };
    });
    const flat = { base: 0n, limit: 0xffff_ffff };
    expect(segments).toEqual([
      { ...flat, selector: 0x08, attributes: 0xa9b },
      { ...flat, selector: 0x10, attributes: 0xc93 },
    ]);
  });
  test("without EFER.SCE is #UD, and the instruction hasn't happened", () => {
    call();
    bench.do.writeMsr(MSR_EFER, 0x900n);
    const { rcx, r11 } = bench.cpu;
    bench.step();
    bench.step();
    expect(entered()).toMatchObject({ entry: 6 });
    expect(entered()?.frame[0]).toBe(runtime(RUNTIME_SYNTHETIC));
    expect([bench.cpu.rcx, bench.cpu.r11, bench.cpu.rbx]).toEqual([rcx, r11, BigInt(PROGRAM)]);
  });
  test("and SYSRET bring the program to its next instruction", () => {
    user.load([instruction(OP_SYSCALL), instruction(OP_RUN, { x: 7 }), instruction(OP_SYSCALL)]);
    user.enter(RUNTIME_SYNTHETIC);
    bench.cpu.rflags = 0x246n;
    for (let n = 0; n < 4; n++) bench.step();
    expect(user.on.entered.map(({ entry, cs }) => [entry, cs])).toEqual([
      [ENTRY_SYSCALL, 8],
      [ENTRY_SYSCALL, 8],
    ]);
    expect([bench.cpu.cpl, bench.cpu.rflags, bench.cpu.rbx]).toEqual([3, 0x246n, 0x50_0060n]);
    expect([1, 2].map((n) => bench.cpu.segmentsAt(n).selector)).toEqual([
      USER_CODE_64,
      USER_DATA_64,
    ]);
  });
});

describe("RUNTIME_CALL", () => {
  test("burns R12 cycles over as many slices as it takes, then calls", () => {
    user.enter(RUNTIME_CALL);
    const start = bench.cpu.clock;
    bench.cpu.r12 = 2n * SLICE + 5n;
    bench.step();
    expect([bench.cpu.clock - start, bench.cpu.r12]).toEqual([SLICE, SLICE + 5n]);
    bench.step();
    bench.step();
    expect([bench.cpu.clock - start, bench.cpu.r12]).toEqual([2n * SLICE + 6n, 0n]);
    expect([bench.cpu.rip, bench.cpu.rcx]).toEqual([SYSCALL_ENTRY, runtime(RUNTIME_HOST)]);
  });
  test("that has burnt its slice up to the end calls in the next one", () => {
    user.enter(RUNTIME_CALL);
    bench.cpu.r12 = SLICE;
    bench.step();
    expect([bench.cpu.r12, bench.cpu.rip]).toEqual([0n, runtime(RUNTIME_CALL)]);
    bench.step();
    expect(bench.cpu.rip).toBe(SYSCALL_ENTRY);
  });
});

describe("an interrupt", () => {
  const spin = [instruction(OP_RUN, { x: 1_000_000 }), instruction(OP_JUMP, { x: -1 })];
  test("of ring 3 goes to the stack in the TSS, and IRETQ goes on where the program was", () => {
    user.load(spin);
    user.enter(RUNTIME_SYNTHETIC);
    bench.step();
    const before = bench.cpu.r13;
    expect(before).toBe(1_000_000n - SLICE);
    user.on.nmi();
    bench.step();
    expect(entered()).toMatchObject({
      entry: 2,
      cpl: 0,
      rsp: (RSP0 & ~15n) - 40n,
      frame: [
        runtime(RUNTIME_SYNTHETIC),
        BigInt(USER_CODE_64),
        0x202n,
        USER_STACK,
        BigInt(USER_DATA_64),
      ],
    });
    expect([bench.cpu.cpl, bench.cpu.r13, bench.cpu.rbx]).toEqual([3, before, BigInt(PROGRAM)]);
    bench.step();
    expect(bench.cpu.r13).toBeLessThan(before);
  });
  test("that is due at a time ends a burn exactly then", () => {
    user.load(spin);
    user.enter(RUNTIME_SYNTHETIC);
    bench.do.writeMsr(0x1b, 0xfee0_0d00n);
    bench.do.writeMsr(0x80f, 0x1ffn);
    const start = bench.cpu.clock;
    bench.machine.state.now = start;
    bench.do.writeMsr(0x832, 0x4_0051n); // LVT timer: TSC-deadline, vector 0x51
    bench.cpu.clock = start;
    bench.do.writeMsr(0x6e0, start + 31_234n + bench.cpu.tscOffset);
    bench.cpu.clock = start;
    while (user.on.entered.length === 0) bench.step();
    expect(entered()).toMatchObject({ entry: 0x51 });
    // 60 cycles of delivery and 100 of the entry follow the instant.
    expect(1_000_000n - bench.cpu.r13).toBe(31_234n);
    expect(bench.cpu.clock - start).toBe(31_234n + 160n);
  });
});

describe("RUNTIME_HOST", () => {
  test("stops the machine until the host gives an operation, and no time passes", () => {
    const { core, state } = bench.machine;
    user.enter(RUNTIME_HOST);
    bench.step();
    const before = [state.steps, bench.cpu.clock, bench.machine.stateHash()];
    state.running = 0xffff_ffff;
    for (let n = 0; n < 3; n++) expect(core.sim.run(1n << 40n, 10)).toBe(STOP_AGENT);
    state.running = 0;
    expect([state.steps, bench.cpu.clock, bench.machine.stateHash()]).toEqual(before);
  });
  test("lets an interrupt that is pending go first", () => {
    user.enter(RUNTIME_HOST);
    user.on.nmi();
    bench.step();
    expect([entered()?.entry, bench.cpu.waitsForHost]).toEqual([2, 0]);
    bench.machine.state.running = 0xffff_ffff;
    expect(bench.machine.core.sim.run(1n << 40n, 10)).toBe(STOP_AGENT);
  });
});
