import fc from "fast-check";
import { expect, test } from "vitest";
import type { CallName, StatusName } from "../testing/world-host.ts";
import { FuzzFailure, fuzz, type Round, type Subject } from "./fuzz.ts";
import { parseRecording, type Recording, RecordingError, recordingText } from "./recording.ts";
import { leaveOut, replay, shrink } from "./shrink.ts";

/** A subject that breaks once turns 3, 41 and 97 were made, in this order, whatever else was. */
const NEEDED = [3, 41, 97];
const planted: Subject = {
  name: "harness",
  async play({ seed, turns, only }: Round, made: (name: CallName, status: StatusName) => boolean) {
    let met = 0;
    for (let turn = 0; turn < turns; turn++) {
      if (only && !only.has(turn)) continue;
      if (turn === NEEDED[met]) met += 1;
      if (met === NEEDED.length) throw new FuzzFailure("harness", seed, turn, "a planted fault");
      if (!made("YIELD", "OK")) return;
    }
  },
};

async function failure(): Promise<FuzzFailure> {
  try {
    await fuzz(planted, { seed: 7, calls: 1000 });
  } catch (error) {
    if (error instanceof FuzzFailure) return error;
    throw error;
  }
  throw new Error("the planted fault was not found");
}

test("a failure is made shorter until nothing can be left out of it, and fails when replayed", async () => {
  const found = await failure();
  expect([found.seed, found.turn]).toEqual([7, 97]);
  const turns = await shrink(planted, found);
  expect(turns).toEqual(NEEDED);
  expect((await replay(planted, 7, turns))?.message).toBe(
    "harness, seed 7, turn 97: a planted fault",
  );
  for (const needed of NEEDED)
    expect(
      await replay(
        planted,
        7,
        turns.filter((turn) => turn !== needed),
      ),
    ).toBeNull();
});

test("whatever is needed of a list is what is left of it", async () => {
  const lists = fc.uniqueArray(fc.nat(60), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(lists, async (needed) => {
      const all = Array.from({ length: 61 }, (_, item) => item);
      const left = await leaveOut(all, async (items) =>
        needed.every((item) => items.includes(item)),
      );
      expect(left).toEqual([...needed].sort((one, other) => one - other));
    }),
    { numRuns: 50 },
  );
});

test("making a failure shorter ends after so many attempts", async () => {
  let attempts = 0;
  const all = Array.from({ length: 1000 }, (_, item) => item);
  const left = await leaveOut(all, async (items) => ++attempts > 0 && items.includes(999), 5);
  expect(attempts).toBe(5);
  expect(left).toContain(999);
});

const RECORDING: Recording = {
  subject: "machine",
  build: "debug",
  seed: 7,
  turns: [3, 41],
  failure: "x",
};

test("a recording is read as it was written", () => {
  expect(parseRecording(recordingText(RECORDING))).toEqual(RECORDING);
});

test.each([
  ["", "it is no JSON"],
  ["[]", "it is no object"],
  [{ extra: 1 }, 'unknown key "extra"'],
  [{ subject: "toaster" }, '"subject" is "toaster": harness or machine'],
  [{ build: 3 }, '"build" is 3: release or debug'],
  [{ seed: -1 }, '"seed" is -1: a whole number up to 4294967295'],
  [{ seed: "7" }, '"seed" is "7": a whole number'],
  [{ turns: [] }, '"turns" is no list of numbers'],
  [{ turns: [1, 2.5] }, '"turns[1]" is 2.5: a whole number up to'],
  [{ turns: [2, 2] }, '"turns[1]" is not above the one before'],
  [{ failure: 1 }, '"failure" is no text'],
] as const)("a recording that is none is refused with what is wrong: %j", (change, reason) => {
  const text =
    typeof change === "string" ? change : recordingText({ ...RECORDING, ...(change as object) });
  expect(() => parseRecording(text)).toThrow(RecordingError);
  expect(() => parseRecording(text)).toThrow(reason);
});
