/** The network on a machine: frames go in and out by interrupts, through the real driver and device. */
import { describe, expect, test } from "vitest";
import { type StatusName, type Step, SyscallError } from "../../sdk/agent/index.ts";
import { machineWith, type Run, runAgents } from "../../sdk/agent/testing.ts";
import type { Machine } from "../../sim/host/machine.ts";
import * as Views from "../host/views.generated.ts";

const NIC = [0x52, 0x54, 0, 1, 2, 3];
const LINK = [0x02, 0, 0, 0, 0, 0x10];
const REMOTE = [0x02, 0, 0, 0, 0, 0x99];
const MICROSECOND = 1000n;
const SECOND = 1_000_000_000n;
/** Buffers of the controller's receive ring, and frames that one entry takes. */
const RING = 32;
const STEP = 16;
const FAILED = 3;

const numberOf = (mac: readonly number[]) => mac.reduceRight((sum, byte) => sum * 256 + byte, 0);

/** An Ethernet frame whose bytes depend on `seed`. */
function frame(to: readonly number[], from: readonly number[], bytes = 60, seed = 0): Uint8Array {
  const body = Array.from({ length: bytes - 14 }, (_, n) => (n * 5 + seed) & 0xff);
  return Uint8Array.from([...to, ...from, 0x88, 0xb5, ...body]);
}

const after = (machine: Machine, time: bigint) => machine.run({ until: machine.time + time });
const network = ({ kernel }: Machine) => new Views.Network(kernel.root.data, kernel.root.network);
const controller = (machine: Machine) =>
  new Views.NicController(machine.kernel.root.data, network(machine).nic);

/** Runs steps that are to be refused; the status's name. */
function* refusal(steps: Step<unknown>): Step<StatusName> {
  try {
    yield* steps;
  } catch (error) {
    if (error instanceof SyscallError) return error.status;
    throw error;
  }
  throw new Error("not refused");
}

/** Sends everything back to where it came from. */
const echo: Run = function* (sys) {
  const queue = yield* sys.endpoint("queue", 16);
  yield* sys.link(Number(sys.argument), queue, numberOf(LINK));
  while (true) {
    const { bytes } = yield* sys.receive(queue);
    const answer = Uint8Array.from([...bytes.slice(6, 12), ...LINK, ...bytes.slice(12)]);
    yield* sys.sendFrame(queue, answer);
  }
};

describe("on a machine with a controller", () => {
  test("a waiting agent is woken by a frame at once, and what it sends leaves the machine", async () => {
    for (const cpus of [1, 2]) {
      const machine = await runAgents({ init: echo }, { nic: NIC, cpus });
      expect(machine.consoleText).toContain("network: 52:54:00:01:02:03");
      const sizes = [14, 60, 577, 1514, 1518];
      for (const [n, bytes] of sizes.entries()) {
        expect(machine.input.frame(frame(LINK, REMOTE, bytes, n))).toBe(true);
        after(machine, 100n * MICROSECOND);
      }
      const echoes = sizes.map((bytes, n) => frame(REMOTE, LINK, bytes, n));
      expect(machine.framesSent).toEqual(echoes);
    }
  });

  test("a full ring is taken in bounded entries, and what nobody can keep is counted", async () => {
    const init: Run = function* (sys) {
      const queue = yield* sys.endpoint("queue", 8);
      yield* sys.link(Number(sys.argument), queue, numberOf(LINK));
      yield* sys.receive();
    };
    const machine = await runAgents({ init }, { nic: NIC });
    const interrupts = () =>
      Number(new Views.KernelCpu(machine.kernel.root.data, machine.kernel.root.cpus).interrupts);
    const before = interrupts();
    const taken = Array.from({ length: 40 }, () => machine.input.frame(frame(LINK, REMOTE)));
    expect(taken.filter(Boolean).length).toBe(RING);
    after(machine, 1000n * MICROSECOND);
    expect(interrupts() - before).toBeGreaterThanOrEqual(RING / STEP);
    const { delivered, dropped } = network(machine);
    expect([delivered, dropped]).toEqual([8n, 24n]);
    expect(machine.input.frame(frame(REMOTE, LINK))).toBe(true);
    after(machine, 1000n * MICROSECOND);
    expect(network(machine).dropped).toBe(25n);
  });

  test("a frame from another's address is refused, and what is sent leaves in its order", async () => {
    const frames = Array.from({ length: 50 }, (_, n) => frame(REMOTE, LINK, 60 + 20 * n, n));
    const init: Run = function* (sys) {
      const queue = yield* sys.endpoint("queue", 8);
      yield* sys.link(Number(sys.argument), queue, numberOf(LINK));
      expect(yield* refusal(sys.sendFrame(queue, frame(REMOTE, NIC)))).toBe("NOT_OWNER");
      for (const each of frames) yield* sys.sendFrame(queue, each);
    };
    const machine = await runAgents({ init }, { nic: NIC });
    expect(machine.framesSent).toEqual(frames);
  });

  test("a ring that is full of frames that don't leave says so, until the device is started anew", async () => {
    const statuses: StatusName[] = [];
    const init: Run = function* (sys) {
      const queue = yield* sys.endpoint("queue", 8);
      yield* sys.link(Number(sys.argument), queue, numberOf(LINK));
      for (let sent = 0; sent < RING; sent++) yield* sys.sendFrame(queue, frame(REMOTE, LINK));
      statuses.push(yield* refusal(sys.sendFrame(queue, frame(REMOTE, LINK))));
      yield* sys.sleep(7_000_000_000);
      yield* sys.sendFrame(queue, frame(REMOTE, LINK, 99));
    };
    const machine = await machineWith({ init }, { nic: NIC });
    machine.run({ condition: () => machine.consoleText.includes("init started") });
    for (let n = 0; n < RING; n++) machine.input.fault("timeout", "nic");
    after(machine, 10n * SECOND);
    expect(machine.agents.failures).toEqual([]);
    expect([statuses, controller(machine).resets]).toEqual([["FULL"], 1]);
    expect(machine.framesSent.at(-1)).toEqual(frame(REMOTE, LINK, 99));
  });

  test("the controller's own address is a link's as well", async () => {
    const init: Run = function* (sys) {
      const queue = yield* sys.endpoint("queue", 8);
      expect(yield* sys.link(Number(sys.argument), queue)).toBe(numberOf(NIC));
      yield* sys.sendFrame(queue, frame(REMOTE, NIC));
    };
    const machine = await runAgents({ init }, { nic: NIC });
    expect(machine.framesSent).toEqual([frame(REMOTE, NIC)]);
  });

  test("an agent's end closes its links", async () => {
    const init: Run = function* (sys) {
      const kernel = Number(sys.argument);
      const image = yield* sys.image("child");
      const child = yield* sys.spawn({ image, grants: [{ capability: kernel }] });
      yield* sys.send(child.capability, new Uint8Array(), kernel);
      yield* sys.ended(child.id);
      const queue = yield* sys.endpoint("queue");
      yield* sys.link(kernel, queue, numberOf(LINK));
      yield* sys.receive(queue);
      yield* sys.exit(5);
    };
    const child: Run = function* (sys) {
      const { capability } = yield* sys.receive();
      const queue = yield* sys.endpoint("queue");
      yield* sys.link(capability, queue, numberOf(LINK));
    };
    const machine = await runAgents({ init, child }, { nic: NIC });
    machine.input.frame(frame(LINK, REMOTE));
    after(machine, 1000n * MICROSECOND);
    expect(machine.kernel.agents[0]?.end).toMatchObject({ reason: "exited", code: 5n });
  });
});

describe("a controller that does wrong", () => {
  const works = (machine: Machine) => {
    machine.framesSent.length = 0;
    expect(machine.input.frame(frame(LINK, REMOTE, 100, 9))).toBe(true);
    after(machine, 1000n * MICROSECOND);
    expect(machine.framesSent).toEqual([frame(REMOTE, LINK, 100, 9)]);
  };

  test("and asks for a reset, or keeps a frame for five seconds, is started anew and goes on", async () => {
    for (const [fault, time] of [
      ["error", SECOND],
      ["timeout", 7n * SECOND],
    ] as const) {
      const machine = await runAgents({ init: echo }, { nic: NIC });
      works(machine);
      machine.input.fault(fault, "nic");
      machine.input.frame(frame(LINK, REMOTE));
      after(machine, time);
      expect(controller(machine).resets).toBe(1);
      works(machine);
    }
  });

  test("and sends an interrupt without a reason costs nothing", async () => {
    const machine = await runAgents({ init: echo }, { nic: NIC });
    machine.input.fault("interrupt-spurious", "nic");
    works(machine);
    works(machine);
    expect(controller(machine).resets).toBe(0);
  });

  test("and vanishes has failed: the console says so, and who sends is told", async () => {
    const refused: StatusName[] = [];
    const init: Run = function* (sys) {
      const queue = yield* sys.endpoint("queue", 8);
      yield* sys.link(Number(sys.argument), queue, numberOf(LINK));
      yield* sys.sleep(1_000_000_000);
      yield* sys.sendFrame(queue, frame(REMOTE, LINK));
      yield* sys.sleep(7_000_000_000);
      refused.push(yield* refusal(sys.sendFrame(queue, frame(REMOTE, LINK))));
    };
    const machine = await machineWith({ init }, { nic: NIC });
    machine.run({ condition: () => machine.consoleText.includes("init started") });
    machine.input.fault("vanish", "nic");
    after(machine, 10n * SECOND);
    expect(machine.agents.failures).toEqual([]);
    expect(controller(machine).state).toBe(FAILED);
    expect(machine.consoleText).toContain("network: the controller has failed (3)");
    expect(refused).toEqual(["NO_DEVICE"]);
  });
});

test("a machine without a controller says NO_DEVICE", async () => {
  const found: StatusName[] = [];
  const init: Run = function* (sys) {
    const queue = yield* sys.endpoint("queue");
    found.push(yield* refusal(sys.link(Number(sys.argument), queue, numberOf(LINK))));
  };
  await runAgents({ init });
  expect(found).toEqual(["NO_DEVICE"]);
});
