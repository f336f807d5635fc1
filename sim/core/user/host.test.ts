/** Operations that the host gives to a CPU: what each does to it, and when it takes none. */
import { beforeEach, describe, expect, test } from "vitest";
import { HOST_BUFFER } from "../../host/core.ts";
import type { ProcessorBench } from "../../host/testing/processor.ts";
import { DATA, runtime, UserBench } from "../../host/testing/user.ts";
import { HPET_BASE } from "../../spec/platform.ts";
import { RUNTIME_CALL, RUNTIME_HOST } from "../../spec/user.ts";

let user: UserBench;
let bench: ProcessorBench;

beforeEach(async () => {
  user = await UserBench.create();
  bench = user.bench;
  user.enter(RUNTIME_HOST);
  bench.machine.state.running = 0xffff_ffff;
});

const sim = () => bench.machine.core.sim;
/** One turn, which makes the CPU wait. */
const wait = () => void sim().run(2n ** 63n, 1);
const buffer = (length: number) =>
  bench.machine.core.bytes.subarray(HOST_BUFFER, HOST_BUFFER + length);

test("a CPU that doesn't wait takes nothing", () => {
  const before = bench.machine.stateHash();
  const taken = [
    sim().agentCall(0, 1, 0),
    sim().agentStore(0, DATA, 0, 8),
    sim().agentLoad(0, DATA, 0, 8),
    sim().agentFault(0),
    sim().agentCall(1, 1, 0),
    sim().agentCall(0xffff_ffff, 1, 0),
  ];
  expect(taken.map(Number)).toEqual([0, 0, 0, 0, 0, 0]);
  expect(bench.machine.stateHash()).toBe(before);
});

test("a call sets RAX and the six arguments, and nothing happens before its cycles are burnt", () => {
  wait();
  const doubles = new Float64Array(bench.machine.core.memory.buffer, HOST_BUFFER, 7);
  doubles.set([1, 2, -3, 4, 5, 6, 2 ** 53 - 1]);
  new BigUint64Array(bench.machine.core.memory.buffer, HOST_BUFFER, 7)[3] = 2n ** 64n - 9n;
  expect(Number(sim().agentCall(0, 2 ** 52, 1 << 3))).toBe(1);
  const { rax, rdi, rsi, rdx, r10, r8, r9, r12, r13, rip, waitsForHost } = bench.cpu;
  expect([rax, rdi, rsi, rdx, r10, r8, r9]).toEqual([
    1n,
    2n,
    2n ** 64n - 3n,
    2n ** 64n - 9n,
    5n,
    6n,
    2n ** 53n - 1n,
  ]);
  expect([r12, r13, rip, waitsForHost]).toEqual([2n ** 52n, 1n, runtime(RUNTIME_CALL), 0]);
});

describe("an access to memory", () => {
  test("that would cross a page is refused", () => {
    wait();
    expect(sim().agentStore(0, DATA + 4_090, 0, 7)).toBe(0);
    expect(sim().agentStore(0, DATA + 4_090, 0, 6)).toBe(1);
  });
  test("to a page that may only be read is a page fault; the CPU waits no more", () => {
    wait();
    expect(sim().agentStore(0, 0x50_0000, 0, 8)).toBe(2);
    expect([bench.cpu.cr2, bench.cpu.pendingErrorCode]).toEqual([0x50_0000n, 7]);
    expect([bench.takeException(), bench.cpu.waitsForHost, bench.cpu.r13]).toEqual([14, 0, 1n]);
    expect(bench.cpu.rip).toBe(runtime(RUNTIME_HOST));
  });
  test("to a device's register reaches the device, as that CPU", () => {
    // The fourth page of 2 MiB leads to the HPET, whose ID register names its vendor: Intel.
    const page = BigInt(HPET_BASE) & ~0x1f_ffffn;
    bench.write64(0x30_0000 + 0x2000 + 24, page | 0x87n);
    bench.machine.state.running = 0;
    bench.do.invalidatePage(BigInt(DATA));
    bench.machine.state.running = 0xffff_ffff;
    wait();
    const at = DATA + Number(BigInt(HPET_BASE) & 0x1f_ffffn);
    expect(sim().agentLoad(0, at, 0, 4)).toBe(1);
    expect([...buffer(4)].slice(2)).toEqual([0x86, 0x80]);
    expect(bench.machine.state.running).toBe(0xffff_ffff);
  });
  test("costs a cycle for 16 bytes, and 4", () => {
    wait();
    const { clock } = bench.cpu;
    sim().agentLoad(0, DATA, 0, 4_096);
    expect(bench.cpu.clock - clock).toBe(260n);
  });
});
