/** CPUs have turns one after the other, but nothing reaches one of them before it was sent. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  addHostAgent,
  addSyntheticAgent,
  agentsMachine,
  CALL_INTERRUPT,
} from "../../host/testing/agents.ts";
import { instruction } from "../../host/testing/user.ts";
import { OP_JUMP, OP_RUN } from "../../spec/synthetic.ts";

/** Price of a delivery: the record is written behind it. */
const DELIVERY = 60n;
const SLICE = 20_000n;
/** What the kernel's CALL_INTERRUPT sends. */
const VECTOR = 0x41;
/** Both processors are in ring 3 by then, whose turns an interrupt can end. */
const STARTED = 5_000;
const spin = [instruction(OP_RUN, { x: 10_000 }), instruction(OP_JUMP, { x: -1 })];

test("a processor starts when its startup IPI is sent", async () => {
  const machine = await agentsMachine({ cpus: 4 });
  const sent: bigint[] = [];
  const started: bigint[] = [];
  machine.on("ipi", ({ time }) => void sent.push(time));
  machine.on("startup", ({ time }) => void started.push(time));
  machine.run({ until: 100_000 });
  const last = sent.at(-1);
  expect(started).toEqual([last, last, last]);
});

describe("an interrupt from another processor", () => {
  /** Processor `sender` interrupts the other after so many cycles; when it was sent, and taken. */
  async function interrupt(sender: number, cycles: number) {
    const machine = await agentsMachine({ cpus: 2 });
    const program = machine.agents.program("sender", function* () {
      yield { call: CALL_INTERRUPT, args: [1 - sender], cycles: STARTED + cycles };
      for (;;) yield { call: 1 };
    });
    // Processors take agents from the table in their order.
    addHostAgent(machine, sender, program);
    addSyntheticAgent(machine, 1 - sender, spin);
    let sent: bigint | null = null;
    let taken: bigint | null = null;
    machine.on("ipi", ({ time, cpu, command }) => {
      if (cpu === sender && (command & 0xffn) === BigInt(VECTOR)) sent = time;
    });
    machine.on("interrupt", ({ time, cpu, vector }) => {
      if (cpu === 1 - sender && vector === VECTOR) taken = time - DELIVERY;
    });
    machine.run({ until: 200_000 });
    if (sent === null || taken === null) throw new Error("no interrupt");
    return { sent: sent as bigint, taken: taken as bigint };
  }
  test("comes at the instant at which it is sent, to one whose turn is later", async () => {
    for (const cycles of [0, 777, 4_999, 12_000]) {
      const { sent, taken } = await interrupt(0, cycles);
      expect(taken).toBe(sent);
    }
  });
  test("comes after it is sent and within a slice, to one that was there before", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(1), fc.nat(25_000), async (sender, cycles) => {
        const { sent, taken } = await interrupt(sender, cycles);
        expect(taken).toBeGreaterThanOrEqual(sent);
        expect(taken - sent).toBeLessThanOrEqual(SLICE);
      }),
      { numRuns: 40 },
    );
  });
});
