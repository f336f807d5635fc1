import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NIC_FUNCTION, NicBench } from "../sim/host/testing/nic.ts";
import {
  FAULT_ERROR,
  FAULT_INTERRUPT_LOST,
  FAULT_INTERRUPT_SPURIOUS,
  FAULT_TIMEOUT,
  FAULT_VANISH,
} from "../sim/spec/faults.ts";

const MAC = [0x52, 0x54, 0, 1, 2, 3];
const OTHER = [0x52, 0x54, 0, 1, 2, 4];
const READY = 2;
const FAILED = 3;
const ERROR = { unsupported: 2, vanished: 3, notReady: 5, argument: 7 };

/** An Ethernet frame from `from` to `to`. */
function frame(to: readonly number[], from: readonly number[], bytes: number, seed = 0) {
  const body = Array.from({ length: bytes - 14 }, (_, n) => (n * 5 + seed) & 0xff);
  return Uint8Array.from([...to, ...from, 0x88, 0xb5, ...body]);
}

describe.each([true, false])("a network controller (interrupts: %s)", (interrupts) => {
  test("comes up with its address and its link", async () => {
    const bench = await NicBench.ready(MAC, interrupts);
    const { state, mac, linkUp } = bench.controller;
    expect([state, mac, linkUp]).toEqual([READY, 0x0302_0100_5452n, 1]);
  });

  test("two machines on a wire see each other's frames in order", async () => {
    const [left, right] = [
      await NicBench.ready(MAC, interrupts),
      await NicBench.ready(OTHER, interrupts),
    ];
    const sizes = [14, 60, 577, 1514, 1518];
    const pass = (from: NicBench, to: NicBench) => {
      from.run(1_000_000n);
      for (const sent of from.machine.framesSent.splice(0)) expect(to.deliver(sent)).toBe(true);
      to.run(1_000_000n);
    };
    for (const [n, bytes] of sizes.entries()) {
      expect(left.send(frame(OTHER, MAC, bytes, n))).toBe(0);
      pass(left, right);
      // The other side answers each frame.
      expect(right.send(frame(MAC, OTHER, bytes, n + 100))).toBe(0);
      pass(right, left);
    }
    expect(right.received()).toEqual(sizes.map((bytes, n) => frame(OTHER, MAC, bytes, n)));
    expect(left.received()).toEqual(sizes.map((bytes, n) => frame(MAC, OTHER, bytes, n + 100)));
  });

  test("rings go round many times without losing or mixing up a frame", async () => {
    const bench = await NicBench.ready(MAC, interrupts);
    const frames = Array.from({ length: 100 }, (_, n) => frame(OTHER, MAC, 60 + n, n));
    for (const each of frames) {
      expect(bench.send(each)).toBe(0);
      expect(bench.deliver(each)).toBe(true);
      bench.run(20_000n);
    }
    bench.run(1_000_000n);
    expect(bench.machine.framesSent).toEqual(frames);
    expect(bench.received()).toEqual(frames);
    bench.send(frame(OTHER, MAC, 60));
    const { framesReceived, bytesReceived, framesBad, resets } = bench.controller;
    expect([framesReceived, framesBad, resets]).toEqual([100n, 0n, 0]);
    expect(bytesReceived).toBe(BigInt(frames.reduce((sum, each) => sum + each.length, 0)));
  });
});

test("a burst beyond the receive buffers is dropped, and what follows arrives", async () => {
  const bench = await NicBench.ready(MAC);
  const burst = Array.from({ length: 40 }, (_, n) => bench.deliver(frame(MAC, OTHER, 60, n)));
  expect(burst.filter(Boolean).length).toBe(32);
  bench.run(1_000_000n);
  expect(bench.deliver(frame(MAC, OTHER, 60, 99))).toBe(true);
  bench.run(1_000_000n);
  expect(bench.received().at(-1)).toEqual(frame(MAC, OTHER, 60, 99));
});

test("frames of any length from header to VLAN-tagged maximum pass; others are refused", async () => {
  const bench = await NicBench.ready(MAC);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1600 }), (bytes) => {
      bench.machine.framesSent.length = 0;
      const fits = bytes >= 14 && bytes <= 1518;
      expect(bench.send(new Uint8Array(bytes).fill(7))).toBe(fits ? 0 : ERROR.argument);
      bench.run(100_000n);
      expect(bench.machine.framesSent.length).toBe(fits ? 1 : 0);
    }),
    { numRuns: 40, examples: [[13], [14], [1518], [1519]] },
  );
});

describe("faults", () => {
  const arm = (bench: NicBench, kind: number) =>
    bench.machine.core.sim.armFault(kind, NIC_FUNCTION, 0, 0n);
  const works = (bench: NicBench) => {
    bench.machine.framesSent.length = 0;
    expect(bench.send(frame(OTHER, MAC, 60))).toBe(0);
    bench.run(1_000_000n);
    expect(bench.machine.framesSent.length).toBe(1);
  };

  test.each([
    ["a lost interrupt", FAULT_INTERRUPT_LOST],
    ["a spurious interrupt", FAULT_INTERRUPT_SPURIOUS],
  ])("%s costs nothing", async (_name, kind) => {
    const bench = await NicBench.ready(MAC);
    arm(bench, kind);
    works(bench);
    works(bench);
    expect([bench.controller.state, bench.controller.resets]).toEqual([READY, 0]);
  });

  test("a device that asks for a reset gets one", async () => {
    const bench = await NicBench.ready(MAC);
    arm(bench, FAULT_ERROR);
    bench.send(frame(OTHER, MAC, 60));
    bench.runUntil(() => bench.controller.resets === 1 && bench.controller.state === READY);
    works(bench);
  });

  test("a frame that the device keeps makes it start anew after five seconds", async () => {
    const bench = await NicBench.ready(MAC);
    arm(bench, FAULT_TIMEOUT);
    bench.send(frame(OTHER, MAC, 60));
    bench.runUntil(() => bench.controller.timeouts === 1 && bench.controller.state === READY);
    works(bench);
  });

  test("a device that vanishes has failed, by name", async () => {
    const bench = await NicBench.ready(MAC);
    arm(bench, FAULT_VANISH);
    bench.send(frame(OTHER, MAC, 60));
    bench.runUntil(() => bench.controller.state === FAILED);
    expect(bench.controller.error).toBe(ERROR.vanished);
    expect(bench.send(frame(OTHER, MAC, 60))).toBe(ERROR.notReady);
  });

  test("a function that isn't there, or isn't a network device, is refused", async () => {
    for (const [slot, error] of [
      [0x1e, ERROR.vanished],
      [0x1f, ERROR.unsupported],
    ] as const) {
      const bench = await NicBench.create(MAC);
      bench.box.configuration = 0xb000_0000n + BigInt(slot * 8 * 4096);
      bench.runUntil(() => bench.controller.state === FAILED);
      expect(bench.controller.error).toBe(error);
    }
  });
});
