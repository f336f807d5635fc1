import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { machineWith } from "../../sdk/agent/testing.ts";
import { Machine } from "../../sim/host/machine.ts";
import { JOURNAL_MIN } from "../../sim/host/options.ts";
import { CONTROLLER_ADDRESS } from "../host/door.ts";
import { giveInput, Loop } from "./loop.ts";
import { Pace } from "./pace.ts";

const CLIENTS = 64;
const MS_NS = 1_000_000n;

/** A pace that the machine never keeps, and how often it has been looked at: once in a turn of the machine. */
class Ahead extends Pace {
  turns = 0;
  private readonly time: () => bigint;

  constructor(time: () => bigint) {
    super(0n);
    this.time = time;
  }

  override now(): bigint {
    this.turns++;
    return this.time() + 60_000n * MS_NS;
  }
}

test("a machine that is always busy lets many clients in within a few of its turns", async () => {
  const machine = await machineWith({
    *init(sys) {
      while (true) yield* sys.now();
    },
  });
  const pace = new Ahead(() => machine.time);
  const loop = new Loop(machine, pace);
  const folder = mkdtempSync(join(tmpdir(), "aios-loop-"));
  const path = join(folder, "socket");
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  try {
    const running = loop.run();
    const before = pace.turns;
    const sockets = Array.from({ length: CLIENTS }, () => connect(path));
    let taken = 0;
    const turns = await new Promise<number>((resolve) => {
      server.on("connection", () => {
        if (++taken === CLIENTS) resolve(pace.turns - before);
      });
    });
    loop.stop();
    expect(await running).toBe("condition");
    for (const socket of sockets) socket.destroy();
    // Node takes one in each round of its loop, so one turn for each if that was all that they got.
    expect(turns).toBeLessThan(CLIENTS / 2);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});

test("an input that finds the journal full is given all the same: nothing comes to an end by it", async () => {
  const machine = await Machine.create({ nic: CONTROLLER_ADDRESS, journal: JOURNAL_MIN });
  const frame = new Uint8Array(1514);
  const give = () => machine.input.frame(frame);
  const count = Math.ceil(JOURNAL_MIN / frame.length) + 1;
  expect(() => Array.from({ length: count }, give)).toThrow(
    expect.objectContaining({ code: "journal-full" }),
  );
  for (let n = 0; n < count; n++) giveInput(machine, give);
  expect(machine.journal.entries.length).toBeGreaterThan(0);
});
