/** The limit of a journal: what happens at it, and how a run goes on behind it. */
import { expect, test } from "vitest";
import { Journal } from "./journal.ts";
import { BLOCK_BYTES } from "./journal-log.ts";
import { Machine } from "./machine.ts";
import { loadModules } from "./modules.ts";
import { JOURNAL_MIN } from "./options.ts";
import { CallReply, type Program } from "./programs.ts";
import { addHostAgent, agentsMachine, CALL_ADD, CALL_END, memoryOf } from "./testing/agents.ts";

const ROUNDS = 300;
const PAGE = 4096;

/** An agent that stores a page again and again: some 4 KiB of journal each time. */
async function writer(journal?: number): Promise<{ machine: Machine; sums: number[] }> {
  const machine = await agentsMachine(journal === undefined ? {} : { journal });
  const sums: number[] = [];
  const program = machine.agents.program("writer", function* (): Program {
    for (let n = 0; n < ROUNDS; n++) {
      yield { store: [memoryOf(0), new Uint8Array(PAGE).fill(n)] };
      const reply = yield { call: CALL_ADD, args: [n, 1] };
      if (reply instanceof CallReply) sums.push(reply.value);
    }
    yield { call: CALL_END };
  });
  addHostAgent(machine, 0, program);
  return { machine, sums };
}

test("a run ends at the limit, before the operation for which there is no room, and time stands still", async () => {
  const { machine, sums } = await writer(JOURNAL_MIN);
  expect(machine.run({ until: 1_000_000_000 })).toBe("journal-full");
  // Stores of a page are in blocks, the last of which isn't filled quite up.
  const stored = machine.journal.entries.filter(({ input }) => input.kind === "agent-store").length;
  expect(stored * PAGE).toBeLessThanOrEqual(JOURNAL_MIN);
  expect(stored * PAGE).toBeGreaterThan(JOURNAL_MIN - 2 * BLOCK_BYTES);
  const before = [machine.steps, machine.time, machine.stateHash(), sums.length];
  expect(machine.run({ until: 1_000_000_000 })).toBe("journal-full");
  expect([machine.steps, machine.time, machine.stateHash(), sums.length]).toEqual(before);
});

test("whoever takes the journal out goes on, to the same end, and the parts replay as a whole", async () => {
  const whole = await writer();
  expect(whole.machine.run({ until: 1_000_000_000 })).toBe("idle");
  const { machine, sums } = await writer(JOURNAL_MIN);
  const parts: Journal[] = [];
  while (machine.run({ until: 1_000_000_000 }) === "journal-full")
    parts.push(machine.takeJournal());
  expect(parts.length).toBeGreaterThan(0);
  const [first = machine.journal, ...rest] = [...parts, machine.journal];
  expect(machine.stateHash()).toBe(whole.machine.stateHash());
  expect(sums).toEqual(whole.sums);
  const joined = await Journal.fromBytes(await Journal.join(first, ...rest).toBytes());
  expect(joined.entries).toEqual(whole.machine.journal.entries);
  // What is replayed is there already: the limit doesn't stop it.
  const modules = await loadModules("hal-agents");
  const again = await Machine.replay(joined, { modules, journal: JOURNAL_MIN });
  expect(again.run({ until: 1_000_000_000 })).toBe("idle");
  expect(again.stateHash()).toBe(machine.stateHash());
});

test("an input from outside is refused at the limit by name, and changes nothing", async () => {
  const machine = await agentsMachine({ journal: JOURNAL_MIN });
  const half = new Uint8Array(JOURNAL_MIN / 2 - 256);
  machine.physical.write(0x90_0000, half);
  const before = machine.stateHash();
  // The machine's own set-up was an input, too: the second half doesn't fit.
  machine.physical.write(0x90_0000, half.subarray(0, JOURNAL_MIN / 2 - 1024));
  expect(() => machine.physical.write(0x90_0000, half)).toThrow(
    expect.objectContaining({ code: "journal-full" }),
  );
  expect(machine.stateHash()).toBe(before);
  const copy = machine.fork();
  expect(() => copy.physical.write(0x90_0000, half)).toThrow(/bytes of inputs/);
  machine.takeJournal();
  machine.physical.write(0x90_0000, half);
  expect(() => copy.physical.write(0x90_0000, half)).toThrow(/bytes of inputs/);
});

test.each([0, 1.5, JOURNAL_MIN - 1, Number.NaN])("%s bytes are no limit", async (journal) => {
  await expect(agentsMachine({ journal })).rejects.toMatchObject({ code: "bad-journal" });
});

test("a journal that is dropped makes room as one that is taken, and the run is the same", async () => {
  const { machine, sums } = await writer(JOURNAL_MIN);
  let dropped = 0;
  while (machine.run() === "journal-full") {
    machine.dropJournal();
    dropped += 1;
  }
  const whole = await writer();
  whole.machine.run();
  expect([dropped > 0, sums]).toEqual([true, whole.sums]);
  expect(machine.stateHash()).toBe(whole.machine.stateHash());
});
