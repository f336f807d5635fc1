import { expect, test } from "vitest";
import { RAM_BASE } from "../../sim/host/core.ts";
import { BlockBench, NVME, READ } from "../../sim/host/testing/block.ts";
import { NvmeController } from "../../sim/host/views.generated.ts";

const READY = 2;
const FAILED = 6;
const ERROR_TIMEOUT = 1;
const FAULT_TIMEOUT = 1;
const READ_ONE = { operation: READ, blocks: 1 };

/** The next `count` commands, of whatever kind, are never completed. */
function loseCommands(bench: BlockBench, count: number): void {
  for (let n = 0; n < count; n++) bench.machine.core.sim.armFault(FAULT_TIMEOUT, 0x100, 0, 0n);
}

test("a command that is lost is aborted, and no reset is needed", async () => {
  const bench = await BlockBench.ready(NVME);
  loseCommands(bench, 1);
  expect(bench.do([READ_ONE])).toEqual([ERROR_TIMEOUT]);
  const { timeouts, aborts, resets } = bench.controller;
  expect([timeouts, aborts, resets]).toEqual([1, 1, 0]);
});

test("when the Abort is lost too, a reset ends it, and other requests are made again", async () => {
  const bench = await BlockBench.ready(NVME);
  loseCommands(bench, 3);
  bench.submit([READ_ONE]);
  bench.runUntil(() => bench.controller.aborts === 1);
  const late = bench.machine.state.now + 800_000n;
  bench.runUntil(() => bench.machine.state.now >= late);
  const first = bench.request(0);
  // The second request is put behind the first in RAM, which the driver still has.
  const second = bench.request(1);
  bench.buffer(4096, 512).fill(1);
  bench.submitAt(1, [{ ...READ_ONE, buffer: 4096 }]);
  bench.finish(2);
  expect([first.status, second.status]).toEqual([ERROR_TIMEOUT, 0]);
  expect(bench.controller.resets).toBe(1);
  expect(bench.buffer(4096, 512)).toEqual(new Uint8Array(512));
  expect(bench.controller.state).toBe(READY);
});

test("when the reset does not help, the controller has failed and says why", async () => {
  const bench = await BlockBench.ready(NVME);
  loseCommands(bench, 3);
  expect(bench.do([READ_ONE])).toEqual([ERROR_TIMEOUT]);
  bench.runUntil(() => bench.controller.state === FAILED);
  expect(bench.controller.error).toBe(ERROR_TIMEOUT);
});

test("a completion for no outstanding command is counted, and the driver recovers", async () => {
  const bench = await BlockBench.ready(NVME);
  // Queue pair 1 lies behind 5 pages of structures and the 11 of the admin queue.
  const completions = RAM_BASE + 0x30_0000 + (5 + 11 + 1) * 4096;
  bench.machine.core.data.setUint32(completions + 16 + 12, 0x1_1234, true);
  expect(bench.do([READ_ONE])).toEqual([0]);
  expect(bench.controller.strayCompletions).toBe(1);
  // Driver and device now disagree on where the queue goes on: only a reset can mend that.
  expect(bench.do([READ_ONE])).toEqual([ERROR_TIMEOUT]);
  bench.runUntil(() => bench.controller.state === READY);
  expect(bench.controller.resets).toBe(1);
  expect(bench.do([READ_ONE, READ_ONE, READ_ONE, READ_ONE])).toEqual([0, 0, 0, 0]);
});

test("there are as many queue pairs as are wanted and granted, with a vector each", async () => {
  const bench = await BlockBench.ready(NVME, { queues: 3 });
  expect(bench.controller.queues).toBe(3);
  const { data } = bench.machine.core;
  const device = new NvmeController(data, bench.machine.state.nvme);
  const queues = [1, 2, 3, 4].map((n) => device.completionQueuesAt(n));
  expect(queues.map((queue) => queue.entries > 0)).toEqual([true, true, true, false]);
  expect(queues.slice(0, 3).map((queue) => queue.vector)).toEqual([0, 1, 2]);
});
