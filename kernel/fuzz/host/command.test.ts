import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FuzzFailure, type Subject } from "../fuzz.ts";
import { parseRecording, type SubjectName } from "../recording.ts";
import { command, STATUS_BAD_INPUT, STATUS_FOUND, STATUS_NOTHING } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "aios-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true }));
const FILE = join(folder, "found.json");

/** A subject that breaks when the turns 5 and 20 have been made; none, when `sound`. */
function subject(name: SubjectName, sound: boolean): Subject {
  return {
    name,
    async play({ seed, turns, only }, made) {
      let met = 0;
      for (let turn = 0; turn < turns; turn++) {
        if (only && !only.has(turn)) continue;
        if (turn === 5 || turn === 20) met += 1;
        if (met === 2 && !sound) throw new FuzzFailure(name, seed, turn, "a planted fault");
        if (!made("YIELD", "OK")) return;
      }
    },
  };
}

/** Runs the command; its exit status, and what it has said. */
async function run(args: readonly string[], { sound = false } = {}) {
  const said = { out: [] as string[], err: [] as string[], builds: [] as string[] };
  const status = await command(args, {
    subjects: async (build) => {
      said.builds.push(build);
      return { harness: subject("harness", sound), machine: subject("machine", sound) };
    },
    out: (line) => void said.out.push(line),
    err: (line) => void said.err.push(line),
    progress: () => {},
  });
  return { status, ...said };
}

describe("npm run fuzz", () => {
  test("writes what it has found to a file, made shorter, and says how to see it again", async () => {
    const found = await run(["--seed", "3", "--on", "machine", "--out", FILE]);
    expect(found).toEqual({
      status: STATUS_FOUND,
      out: [`2 of its 21 turns are enough: npm run fuzz -- --replay ${FILE}`],
      err: ["machine, seed 3, turn 20: a planted fault"],
      builds: ["release"],
    });
    const recording = parseRecording(readFileSync(FILE, "utf8"));
    expect(recording).toEqual({
      subject: "machine",
      build: "release",
      seed: 3,
      turns: [5, 20],
      failure: "machine, seed 3, turn 20: a planted fault",
    });
    const again = await run(["--replay", FILE]);
    expect([again.status, again.out]).toEqual([STATUS_FOUND, [recording.failure]]);
    const mended = await run(["--replay", FILE], { sound: true });
    expect([mended.status, mended.out]).toEqual([
      STATUS_NOTHING,
      [`${FILE}: does not fail any more`],
    ]);
  });

  test("says what it has done when there is nothing to find", async () => {
    const args = ["--seed", "3", "--calls", "6000", "--build", "debug"];
    const { status, out, builds } = await run(args, { sound: true });
    expect([status, builds]).toEqual([STATUS_NOTHING, ["debug"]]);
    expect(out).toEqual([
      "seed 3, debug: 6000 calls in 2 rounds, 1 of 1 calls have succeeded; no trap, every invariant held",
    ]);
  });

  test("tells both as JSON", async () => {
    const found = await run(["--json", "--on", "harness", "--out", FILE]);
    expect(JSON.parse(found.out[0] ?? "")).toMatchObject({
      seed: 1,
      build: "release",
      failure: { subject: "harness", turns: [5, 20] },
      file: FILE,
    });
    const sound = await run(["--json", "--calls", "10"], { sound: true });
    expect(JSON.parse(sound.out[0] ?? "")).toEqual({
      seed: 1,
      build: "release",
      calls: 10,
      rounds: 1,
      failure: null,
      answers: { YIELD: { OK: 10 } },
    });
  });

  test("stops when its time is over", async () => {
    const { status, out } = await run(["--seconds", "0"], { sound: true });
    expect(status).toBe(STATUS_NOTHING);
    expect(out[0]).toContain(": 1 calls in 1 rounds");
  });

  test.each([
    [["--seed", "-1"], "--seed"],
    [["--seed", "4294967296"], '--seed: "4294967296" is no whole number up to 4294967295'],
    [["--calls", "many"], '--calls: "many" is no whole number'],
    [["--seconds", "1.5"], '--seconds: "1.5" is no whole number'],
    [["--on", "toaster"], '--on: "toaster" is not harness or machine or both'],
    [["--build", "fast"], '--build: "fast" is not release or debug'],
    [["--frobnicate"], "--frobnicate"],
    [["file.json"], "file.json"],
    [["--replay", join(folder, "none.json")], "--replay: ENOENT"],
    [["--replay", FILE, "--seed", "1"], "--seed: goes not with --replay"],
  ])("%j is refused with what is wrong", async (args, reason) => {
    const { status, out, err, builds } = await run(args);
    expect([status, out, builds]).toEqual([STATUS_BAD_INPUT, [], []]);
    expect(err.join("\n")).toContain(reason);
  });

  test("a file that is no recording is refused with its name and what is wrong", async () => {
    const file = join(folder, "bad.json");
    writeFileSync(file, '{"subject":"harness","build":"release","seed":1,"turns":[2,1]}');
    const { status, err } = await run(["--replay", file]);
    expect(status).toBe(STATUS_BAD_INPUT);
    expect(err).toEqual([`${file}: "turns[1]" is not above the one before`]);
  });

  test("tells what it takes", async () => {
    const { status, out } = await run(["--help"]);
    expect(status).toBe(STATUS_NOTHING);
    for (const option of ["seed", "calls", "seconds", "on", "build", "replay", "out", "json"])
      expect(out[0]).toContain(`--${option}`);
  });
});
