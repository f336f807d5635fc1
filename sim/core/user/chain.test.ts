/** Chains of system calls, a record after the other, on the bench whose kernel is this test. */
import { beforeEach, describe, expect, test } from "vitest";
import { HOST_BUFFER, RAM_BASE } from "../../host/core.ts";
import type { ProcessorBench } from "../../host/testing/processor.ts";
import { DATA, runtime, UserBench } from "../../host/testing/user.ts";
import {
  CHAIN_AFTER_STATUS,
  CHAIN_AFTER_SUCCESS,
  CHAIN_BYTES,
  CHAIN_STATUS,
} from "../../spec/chain.ts";
import { ENTRY_SYSCALL } from "../../spec/entries.ts";
import { HPET_BASE } from "../../spec/platform.ts";
import { STOP_AGENT } from "../../spec/stops.ts";
import { RUNTIME_CHAIN, RUNTIME_CHAINED, RUNTIME_HOST } from "../../spec/user.ts";

const RESULT = DATA + 0x1000;
const FOREVER = 2n ** 62n;
/** Read-only for users, and the supervisor's (sim/host/testing/user.ts). */
const READ_ONLY = 0x50_0000;
const SUPERVISOR = 0x30_0000;

let user: UserBench;
let bench: ProcessorBench;
/** RAX, RDI, RSI, RDX, R10, R8, R9 of each call, and what it is answered: RAX, RDX. */
let calls: bigint[][];
let answers: [bigint, bigint][];

beforeEach(async () => {
  user = await UserBench.create();
  bench = user.bench;
  calls = [];
  answers = [];
  user.enter(RUNTIME_HOST);
  user.on.handler = (entry) => {
    if (entry !== ENTRY_SYSCALL) return;
    const { cpu } = bench;
    calls.push([cpu.rax, cpu.rdi, cpu.rsi, cpu.rdx, cpu.r10, cpu.r8, cpu.r9]);
    [cpu.rax, cpu.rdx] = answers.shift() ?? [0n, 0n];
  };
  bench.machine.state.running = 0xffff_ffff;
  bench.machine.core.sim.run(FOREVER, 1);
});

const sim = () => bench.machine.core.sim;

interface Record {
  readonly call: readonly number[];
  readonly success?: number;
  readonly status?: number;
  readonly refused?: number;
}

/** Puts records into memory; the first one's address. */
function put(records: readonly Record[], at = DATA): number {
  const { data } = bench.machine.core;
  records.forEach(({ call, success = 0, status = 0, refused = 0 }, index) => {
    const to = RAM_BASE + at + index * CHAIN_BYTES;
    for (let n = 0; n < 7; n++) data.setBigUint64(to + 8 * n, BigInt(call[n] ?? 0), true);
    data.setUint32(to + CHAIN_STATUS, status, true);
    data.setInt8(to + CHAIN_AFTER_SUCCESS, success);
    data.setInt8(to + CHAIN_AFTER_STATUS, refused);
  });
  return at;
}

const begin = (first: number, cycles = 0, from = 0, wanted = 0) =>
  Number(sim().agentChain(0, cycles, first, 0, 0, from, wanted));
const steps = (count: number) => sim().run(FOREVER, count);

describe("a chain", () => {
  test("makes the call of its record with all seven registers, and waits again in the same step", () => {
    const { clock } = bench.cpu;
    expect(begin(put([{ call: [11, 12, 13, 14, 15, 16, 17] }]), 500)).toBe(1);
    answers = [[0n, 99n]];
    expect(steps(1)).not.toBe(STOP_AGENT);
    expect(calls).toEqual([[11n, 12n, 13n, 14n, 15n, 16n, 17n]]);
    const { rip, rax, rdx, rbx, r12, r13, waitsForHost } = bench.cpu;
    expect([rip, rax, rdx, rbx]).toEqual([runtime(RUNTIME_HOST), 0n, 99n, BigInt(DATA)]);
    expect([r12, r13, waitsForHost]).toEqual([0n, 1n, 1]);
    // The record is read at 16 bytes a cycle and 4, SYSCALL takes one, a kernel entry 100.
    expect(bench.cpu.clock - clock).toBe(500n + 8n + 1n + 100n);
    expect(steps(1)).toBe(STOP_AGENT);
  });
  test("goes on as its records say: after success, after the status, and not after another", () => {
    const first = put([
      { call: [1], success: 2 },
      { call: [2], success: 1, status: 7, refused: 2 },
      { call: [3], status: 5, refused: -1 },
      { call: [4] },
    ]);
    begin(first);
    answers = [
      [0n, 0n], // 1 -> 3
      [5n, 0n], // 3 -> 2
      [7n, 0n], // 2 -> 4
      [9n, 8n], // 4: the end
    ];
    steps(20);
    expect(calls.map(([number]) => number)).toEqual([1n, 3n, 2n, 4n]);
    expect([bench.cpu.rax, bench.cpu.rdx, bench.cpu.waitsForHost]).toEqual([9n, 8n, 1]);
    expect(bench.cpu.rbx).toBe(BigInt(first + 3 * CHAIN_BYTES));
    begin(first);
    answers = [
      [0n, 0n],
      [2n ** 32n + 5n, 0n],
    ];
    steps(20);
    // A status has 32 bits; what is more is another.
    expect(calls.slice(4).map(([number]) => number)).toEqual([1n, 3n]);
  });
  test("that goes round for ever is interrupted like any other program", () => {
    begin(
      put([
        { call: [1], success: 1 },
        { call: [2], success: -1 },
      ]),
    );
    steps(50);
    expect(calls.length).toBeGreaterThan(40);
    user.on.nmi();
    const before = calls.length;
    steps(1);
    expect([user.on.entered.at(-1)?.entry, calls.length]).toEqual([2, before]);
    steps(2);
    expect(calls.length).toBeGreaterThan(before);
  });
  test("takes the same virtual time whether or not a slice ends within it", () => {
    const times: bigint[] = [];
    for (const cycles of [1_000, 19_950, 19_995, 20_000, 45_000]) {
      const first = put([{ call: [1], success: 1 }, { call: [2] }]);
      const { clock } = bench.cpu;
      begin(first, cycles);
      while (steps(1) !== STOP_AGENT);
      times.push(bench.cpu.clock - clock - BigInt(cycles));
    }
    expect(times).toEqual([218n, 218n, 218n, 218n, 218n]);
    expect(calls).toHaveLength(10);
  });
  test("stores what it brings before its first call", () => {
    bench.machine.core.bytes.set([1, 2, 3, 4, 5], HOST_BUFFER);
    user.on.handler = () => calls.push([bench.read64(RESULT)]);
    const first = put([{ call: [1] }]);
    expect(Number(sim().agentChain(0, 0, first, RESULT, 5, 0, 0))).toBe(1);
    steps(1);
    expect(calls).toEqual([[0x05_0403_0201n]]);
  });
});

describe("what a chain loads", () => {
  const loadedAt = () => bench.machine.core.data.getUint32(sim().loadedAddress(0), true);
  test("is where the host can see it when the last call has succeeded", () => {
    begin(put([{ call: [1] }]), 0, RESULT + 8, 64);
    steps(1);
    expect(loadedAt()).toBe(RAM_BASE + RESULT + 8);
  });
  test("is nothing after a refusal, and after the next operation", () => {
    answers = [[3n, 0n]];
    begin(put([{ call: [1] }]), 0, RESULT, 64);
    steps(1);
    expect([loadedAt(), bench.cpu.waitsForHost]).toEqual([0, 1]);
    begin(DATA, 0, RESULT, 64);
    steps(1);
    expect(loadedAt()).not.toBe(0);
    begin(DATA);
    expect(loadedAt()).toBe(0);
  });
  test("that may not be read is a page fault behind the call; then it is tried again", () => {
    begin(put([{ call: [1] }]), 0, SUPERVISOR, 8);
    steps(1);
    expect([bench.cpu.cr2, bench.cpu.pendingErrorCode]).toEqual([BigInt(SUPERVISOR), 5]);
    expect(bench.cpu.rip).toBe(runtime(RUNTIME_CHAINED));
    steps(1); // the handler
    expect(user.on.entered.at(-1)?.entry).toBe(14);
    steps(1);
    expect(bench.cpu.cr2).toBe(BigInt(SUPERVISOR));
    expect(calls).toHaveLength(1);
  });
  test("of a device's registers is left to an operation that reads them", () => {
    const page = BigInt(HPET_BASE) & ~0x1f_ffffn;
    bench.write64(0x30_0000 + 0x2000 + 24, page | 0x87n);
    put([{ call: [1] }], READ_ONLY);
    bench.machine.state.running = 0;
    bench.do.invalidatePage(BigInt(DATA));
    bench.machine.state.running = 0xffff_ffff;
    begin(READ_ONLY, 0, DATA + Number(BigInt(HPET_BASE) & 0x1f_ffffn), 8);
    steps(1);
    expect([loadedAt(), bench.cpu.waitsForHost]).toEqual([0, 1]);
  });
});

describe("a chain that can't begin", () => {
  test.each([
    ["crosses a page with what it stores", [DATA + 4_090, 7, 0, 0]],
    ["crosses a page with what it loads", [0, 0, DATA + 4_090, 7]],
    ["loads from beyond 48 bits", [0, 0, 2 ** 48, 8]],
    ["stores beyond 48 bits", [2 ** 48, 8, 0, 0]],
    ["stores more than a page", [DATA, 4_097, 0, 0]],
  ])(
    "because it %s is refused, and the CPU waits as before",
    (_, [to = 0, bytes = 0, from = 0, wanted = 0]) => {
      const before = bench.machine.stateHash();
      expect(Number(sim().agentChain(0, 0, DATA, to, bytes, from, wanted))).toBe(0);
      expect(bench.machine.stateHash()).toBe(before);
    },
  );
  test("because its store faults has called nothing", () => {
    expect(Number(sim().agentChain(0, 0, put([{ call: [1] }]), READ_ONLY, 8, 0, 0))).toBe(2);
    expect([bench.cpu.cr2, bench.cpu.pendingErrorCode]).toEqual([BigInt(READ_ONLY), 7]);
    expect([bench.cpu.rip, bench.cpu.waitsForHost]).toEqual([runtime(RUNTIME_HOST), 0]);
    steps(3);
    expect(calls).toEqual([]);
  });
  test.each([
    ["not aligned", DATA + 8, 6],
    ["the supervisor's", SUPERVISOR, 14],
    ["nowhere", 0x7000_0000, 14],
  ])("because its record is %s faults, before and after another's call", (_, at, vector) => {
    begin(at);
    steps(2);
    expect(user.on.entered.at(-1)?.entry).toBe(vector);
    expect(user.on.entered.at(-1)?.frame[0]).toBe(runtime(RUNTIME_CHAIN));
    expect(calls).toEqual([]);
  });
  test("to its second record, because that is behind the end of memory, faults there", () => {
    // The bench maps 8 MiB; the last record that there is leads out of it.
    const last = DATA + 0x20_0000 - CHAIN_BYTES;
    begin(put([{ call: [1], success: 1 }], last));
    steps(3);
    expect(calls).toHaveLength(1);
    expect(user.on.entered.at(-1)).toMatchObject({ entry: 14 });
    expect(user.on.entered.at(-1)?.frame[0]).toBe(runtime(RUNTIME_CHAINED));
    expect([bench.cpu.cr2, bench.cpu.rbx]).toEqual([BigInt(last + CHAIN_BYTES), BigInt(last)]);
  });
});
