import fc from "fast-check";
import { expect, test } from "vitest";
import type { JournalEntry } from "./journal.ts";
import { JournalLog } from "./journal-log.ts";

/** A number where that is exact, as everywhere in a journal. */
const integer = (value: bigint) => (value <= Number.MAX_SAFE_INTEGER ? Number(value) : value);
const word = fc.oneof(
  fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: 0n, max: 99n }),
);
const cycles = fc.nat({ max: Number.MAX_SAFE_INTEGER });
const call = fc
  .record({ cpu: fc.nat(63), cycles, call: word, args: fc.array(word, { maxLength: 6 }) })
  .map((fields) => ({
    kind: "agent" as const,
    ...fields,
    call: integer(fields.call),
    args: fields.args.map(integer),
  }));
const cpu = fc.nat(63);
const address = word.map(integer);
const store = fc.record({
  kind: fc.constant("agent-store" as const),
  cpu,
  address,
  bytes: fc.uint8Array({ maxLength: 70 }),
});
const load = fc.record({
  kind: fc.constant("agent-load" as const),
  cpu,
  address,
  length: fc.nat({ max: 4096 }),
});
const other = fc.constantFrom(
  { kind: "power-button" as const },
  { kind: "agent-fault" as const, cpu: 3 },
);
const entry: fc.Arbitrary<JournalEntry> = fc.record({
  steps: word,
  time: word,
  input: fc.oneof({ weight: 5, arbitrary: call }, store, load, other),
});

function logOf(entries: readonly JournalEntry[]): JournalLog {
  const log = new JournalLog();
  for (const item of entries) log.push(item);
  return log;
}

test("what is read is what was written, in its order", () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 60 }), (entries) => {
      expect(logOf(entries).entries()).toEqual(entries);
    }),
  );
});

test("a copy has what was there, and each side goes on alone, over any number of blocks", () => {
  const [sample] = fc.sample(fc.array(entry, { minLength: 40, maxLength: 40 }), {
    seed: 7,
    numRuns: 1,
  });
  if (!sample) throw new Error("no sample");
  // Some 15 blocks of records of all lengths, cut at different places of a block.
  const many = Array.from({ length: 20_000 }, (_, n) => sample[n % sample.length] as JournalEntry);
  for (const cut of [0, 1, 19_999, 12_345]) {
    const log = logOf(many.slice(0, cut));
    const copy = new JournalLog();
    copy.copyFrom(log);
    for (const item of many.slice(cut)) copy.push(item);
    log.push({ steps: 1n, time: 2n, input: { kind: "power-button" } });
    for (const item of sample) log.push(item);
    expect(copy.entries()).toEqual(many);
    expect(log.entries()).toHaveLength(cut + 1 + sample.length);
  }
});
