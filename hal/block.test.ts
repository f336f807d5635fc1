import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AHCI,
  BlockBench,
  BUFFERS,
  DISCARD,
  FLUSH,
  NVME,
  READ,
  WRITE,
  ZEROES,
} from "../sim/host/testing/block.ts";

const MIB = 1024 * 1024;
const STARTING = 1;
const READY = 2;
const STOPPING = 4;
const STOPPED = 5;
const FAILED = 6;
const OK = 0;
const PENDING = 255;
const ERROR = {
  timeout: 1,
  device: 2,
  vanished: 3,
  argument: 4,
  busy: 5,
  readOnly: 6,
  notReady: 8,
};
const FAULT = { timeout: 1, error: 2, interruptLost: 3, interruptSpurious: 4, vanish: 6 };

/** An image in which each block tells where it is. */
const IMAGE = new Uint8Array(MIB).map((_, at) => ((at >> 9) * 31 + at) & 0xff);
const image = () => IMAGE;

/** Compares large arrays without a report of each element. */
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

const bytesOf = (bench: BlockBench, lba: number, blocks: number) =>
  bench.machine.drives[0]?.image().slice(lba * 512, (lba + blocks) * 512);

describe.each([NVME, AHCI])("a block device behind $name", (target) => {
  const arm = (bench: BlockBench, kind: number, skip = 0, argument = 0n) =>
    bench.machine.core.sim.armFault(kind, target.address, skip, argument);

  test("comes up with its capacity and block size", async () => {
    const bench = await BlockBench.ready(target, { drives: [{ data: image() }] });
    expect(bench.controller.state).toBe(READY);
    expect(bench.controller.deviceCount).toBe(1);
    const device = bench.device();
    expect([device.state, device.blocks, device.blockBytes, device.readOnly]).toEqual([
      READY,
      2048n,
      512,
      0,
    ]);
    expect(device.maxBlocks).toBeGreaterThan(7);
  });

  test.each([true, false])("reads what is on the drive (interrupts: %s)", async (interrupts) => {
    const bench = await BlockBench.ready(target, { drives: [{ data: image() }], interrupts });
    expect(bench.do([{ operation: READ, lba: 5, blocks: 8 }])).toEqual([OK]);
    expect(bench.buffer(0, 4096)).toEqual(image().slice(5 * 512, 13 * 512));
    expect(bench.controller.lostInterrupts).toBe(0);
    expect(bench.controller.strayCompletions).toBe(0);
  });

  test("writes reach the drive, and a flush succeeds", async () => {
    const bench = await BlockBench.ready(target);
    bench.buffer(512, 1024).fill(0xa7);
    const write = { operation: WRITE, lba: 9, blocks: 2, buffer: 512 };
    expect(bench.do([write])).toEqual([OK]);
    expect(bench.do([{ operation: FLUSH }])).toEqual([OK]);
    expect(bytesOf(bench, 8, 4)).toEqual(
      Uint8Array.from([
        ...new Array(512).fill(0),
        ...new Array(1024).fill(0xa7),
        ...new Array(512).fill(0),
      ]),
    );
  });

  test("zeroes are read as zeroes, and discarding leaves the neighbours alone", async () => {
    const bench = await BlockBench.ready(target, { drives: [{ data: image() }] });
    const supported = bench.device().operations;
    for (const operation of [ZEROES, DISCARD]) {
      if (((supported >> operation) & 1) === 0) continue;
      const lba = operation * 16;
      expect(bench.do([{ operation, lba, blocks: 4 }])).toEqual([OK]);
      if (operation === ZEROES) expect(bytesOf(bench, lba, 4)).toEqual(new Uint8Array(2048));
      expect(bytesOf(bench, lba - 1, 1)).toEqual(image().slice((lba - 1) * 512, lba * 512));
      expect(bytesOf(bench, lba + 4, 1)).toEqual(image().slice((lba + 4) * 512, (lba + 5) * 512));
    }
  });

  test("the longest request, from any dword of a page, moves every byte", async () => {
    const bench = await BlockBench.ready(target, { drives: [{ data: image() }] });
    const blocks = bench.device().maxBlocks;
    for (const buffer of [0, 4, 2048, 4092]) {
      bench.buffer(0, MIB).fill(0);
      expect(bench.do([{ operation: READ, lba: 3, blocks, buffer }])).toEqual([OK]);
      const expected = image().subarray(3 * 512, (3 + blocks) * 512);
      expect(same(bench.buffer(buffer, blocks * 512), expected)).toBe(true);
      expect(bench.buffer(buffer + blocks * 512, 64)).toEqual(new Uint8Array(64));
    }
  });

  test.each([
    ["no blocks", { operation: READ, lba: 0, blocks: 0 }, ERROR.argument],
    ["more blocks than allowed", { operation: READ, blocks: 0xffff_ffff }, ERROR.argument],
    ["blocks behind the end", { operation: READ, lba: 2047, blocks: 2 }, ERROR.argument],
    ["a first block far away", { operation: READ, lba: 2n ** 63n, blocks: 1 }, ERROR.argument],
    ["a misaligned buffer", { operation: READ, blocks: 1, buffer: 1 }, ERROR.argument],
    ["an unknown operation", { operation: 77, blocks: 1 }, ERROR.argument],
  ])("a request with %s is refused and nothing happens", async (_, request, error) => {
    const bench = await BlockBench.ready(target);
    expect(bench.do([request])).toEqual([error]);
    expect(bench.do([{ operation: READ, blocks: 1 }])).toEqual([OK]);
  });

  test("a read-only drive can be read and not written", async () => {
    const drives = [{ data: image(), readOnly: true }];
    const bench = await BlockBench.ready(target, { drives });
    expect(bench.device().readOnly).toBe(target.name === "nvme" ? 1 : bench.device().readOnly);
    const [status] = bench.do([{ operation: WRITE, lba: 0, blocks: 1 }]);
    expect([ERROR.readOnly, ERROR.device]).toContain(status);
    expect(bench.do([{ operation: READ, lba: 0, blocks: 1 }])).toEqual([OK]);
    expect(bytesOf(bench, 0, 1)).toEqual(image().slice(0, 512));
  });

  test("several drives are several devices, each with its own bytes", async () => {
    const drives = [1, 2, 3].map((n) => ({ data: new Uint8Array(n * 64 * 1024).fill(n) }));
    const bench = await BlockBench.ready(target, { drives });
    expect(bench.controller.deviceCount).toBe(3);
    for (let index = 0; index < 3; index++) {
      expect(bench.device(index).blocks).toBe(BigInt((index + 1) * 128));
      expect(bench.do([{ operation: READ, blocks: 1 }], index)).toEqual([OK]);
      expect(bench.buffer(0, 512)).toEqual(new Uint8Array(512).fill(index + 1));
    }
  });

  test("random requests over all queues leave the drive as a plain array would be", async () => {
    const step = fc.record({
      operation: fc.constantFrom(READ, WRITE, WRITE),
      lba: fc.nat(200),
      blocks: fc.integer({ min: 1, max: 40 }),
      offset: fc.nat(1023).map((n) => n * 4),
      fill: fc.nat(255),
    });
    const bench = await BlockBench.ready(target, { drives: [{ data: image() }] });
    const model = image().slice();
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
        for (const { operation, lba, blocks, offset, fill } of steps) {
          const bytes = bench.buffer(offset, blocks * 512);
          if (operation === WRITE) bytes.fill(fill);
          expect(bench.do([{ operation, lba, blocks, buffer: offset }])).toEqual([OK]);
          if (operation === WRITE) model.fill(fill, lba * 512, (lba + blocks) * 512);
          else expect(same(bytes, model.subarray(lba * 512, (lba + blocks) * 512))).toBe(true);
        }
      }),
      { numRuns: 15 },
    );
    expect(same(bench.machine.drives[0]?.image() ?? new Uint8Array(), model)).toBe(true);
  });

  test("more requests at once than there are slots: some are busy, none is lost", async () => {
    const bench = await BlockBench.ready(target, { drives: [{ data: image() }] });
    const requests = Array.from({ length: 400 }, (_, n) => ({
      operation: READ,
      lba: n,
      blocks: 1,
      buffer: n * 512,
    }));
    const statuses = bench.do(requests);
    expect(new Set(statuses)).toEqual(new Set([OK, ERROR.busy]));
    statuses.forEach((status, n) => {
      if (status !== OK) return;
      const expected = image().subarray(n * 512, (n + 1) * 512);
      expect(same(bench.buffer(n * 512, 512), expected)).toBe(true);
    });
    expect(bench.do([{ operation: READ, blocks: 1 }])).toEqual([OK]);
  });

  test("an error of the device is reported for its request only", async () => {
    const bench = await BlockBench.ready(target);
    arm(bench, FAULT.error);
    expect(bench.do([{ operation: READ, blocks: 1 }])).toEqual([ERROR.device]);
    expect(bench.request().deviceStatus).not.toBe(0);
    expect(bench.do([{ operation: READ, blocks: 1 }])).toEqual([OK]);
  });

  test("a lost interrupt costs time, not the request", async () => {
    const bench = await BlockBench.ready(target);
    arm(bench, FAULT.interruptLost);
    expect(bench.do([{ operation: READ, blocks: 1 }])).toEqual([OK]);
    expect(bench.controller.lostInterrupts).toBe(1);
    expect(bench.controller.timeouts).toBe(0);
    expect(bench.do([{ operation: READ, blocks: 1 }])).toEqual([OK]);
  });

  test("a spurious interrupt is counted and harmless", async () => {
    const bench = await BlockBench.ready(target);
    arm(bench, FAULT.interruptSpurious);
    expect(bench.do([{ operation: READ, blocks: 1 }])).toEqual([OK]);
    expect(bench.controller.spuriousInterrupts).toBe(1);
    expect(bench.do([{ operation: READ, blocks: 1 }])).toEqual([OK]);
  });

  test("a request that the device loses times out, and the next one succeeds", async () => {
    const bench = await BlockBench.ready(target);
    arm(bench, FAULT.timeout);
    expect(bench.do([{ operation: READ, blocks: 1 }])).toEqual([ERROR.timeout]);
    expect(bench.controller.timeouts).toBeGreaterThan(0);
    bench.runUntil(() => bench.controller.state === READY);
    expect(bench.do([{ operation: READ, blocks: 1 }])).toEqual([OK]);
  });

  test("a device that vanishes under a request ends it so, and the controller has failed", async () => {
    const bench = await BlockBench.ready(target);
    arm(bench, FAULT.timeout); // so that the request is still there when the device goes
    bench.submit([{ operation: READ, blocks: 1 }]);
    arm(bench, FAULT.vanish);
    expect(bench.finish(1)).toEqual([ERROR.vanished]);
    expect([bench.controller.state, bench.controller.error]).toEqual([FAILED, ERROR.vanished]);
    const [next] = bench.do([{ operation: READ, blocks: 1 }]);
    expect([ERROR.vanished, ERROR.notReady]).toContain(next);
  });

  test("a controller that is not there fails to start, by name", async () => {
    const bench = await BlockBench.create(target);
    bench.box.registers = 0xfe00_0000n;
    bench.runUntil(() => bench.controller.state === FAILED);
    expect(bench.controller.error).toBe(ERROR.vanished);
  });

  test("stopping is orderly, and then nothing is accepted", async () => {
    const bench = await BlockBench.ready(target);
    bench.stop();
    expect(bench.controller.state).toBe(STOPPED);
    expect(bench.do([{ operation: READ, blocks: 1 }])).toEqual([ERROR.notReady]);
  });

  test.each([true, false])(
    "stopping lets outstanding requests finish first (interrupts: %s)",
    async (interrupts) => {
      const bench = await BlockBench.ready(target, { drives: [{ data: image() }], interrupts });
      bench.box.paused = 1;
      const requests = [3, 1, 4].map((lba, n) => ({
        operation: READ,
        lba,
        blocks: 1,
        buffer: n * 512,
      }));
      bench.submit(requests);
      bench.requestStop();
      expect(bench.controller.state).toBe(STOPPING);
      bench.submitAt(3, [{ operation: READ, blocks: 1 }]);
      expect([0, 1, 2, 3].map((n) => bench.request(n).status)).toEqual([
        PENDING,
        PENDING,
        PENDING,
        ERROR.notReady,
      ]);
      bench.box.paused = 0;
      bench.runUntil(() => bench.controller.state === STOPPED);
      expect([0, 1, 2].map((n) => bench.request(n).status)).toEqual([OK, OK, OK]);
      bench.machine.run(bench.machine.state.now + 10_000_000n);
      expect(bench.controller.state).toBe(STOPPED);
      expect(bench.buffer(512, 512)).toEqual(image().slice(512, 1024));
      expect(bench.controller.strayCompletions).toBe(0);
    },
  );

  test("a request that the device loses does not keep it from stopping", async () => {
    const bench = await BlockBench.ready(target);
    arm(bench, FAULT.timeout);
    bench.submit([{ operation: READ, blocks: 1 }]);
    bench.stop();
    expect([STOPPED, FAILED]).toContain(bench.controller.state);
    expect(bench.finish(1)).toEqual([ERROR.timeout]);
  });

  test("a controller that is still starting can be stopped", async () => {
    const bench = await BlockBench.create(target);
    bench.runUntil(() => bench.controller.state === STARTING);
    bench.stop();
    expect(bench.controller.state).toBe(STOPPED);
  });
});

test("buffers and driver memory do not overlap in these tests", () => {
  expect(BUFFERS).toBeGreaterThanOrEqual(0x30_0000 + 64 * 4096);
});
