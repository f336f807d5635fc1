import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { Store } from "./store.ts";
import { FaultTests } from "./testing/faults.ts";
import type { Told } from "./testing/store-child.ts";

const { ENOSPC, EIO } = constants.errno;

test("of a batch whose end the disk never had nothing is there, and all that was before it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "aios-store-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const state = join(folder, "whole");
  const store = await Store.open(state);
  const before = [{ key: "0", value: 1 }];
  const batch = ["a", "b", "c"].map((key) => ({ key, value: key.repeat(20) }));
  await store.write(before);
  const log = readdirSync(join(state, "records")).find((name) => name.endsWith(".log")) ?? "";
  const size = () => readFileSync(join(state, "records", log)).length;
  const first = size();
  await store.write(batch);
  const second = size();
  await store.close();
  expect(second).toBeGreaterThan(first + 60);
  for (let length = first; length <= second; length++) {
    const cut = join(folder, "cut");
    cpSync(state, cut, { recursive: true });
    truncateSync(join(cut, "records", log), length);
    const opened = await Store.open(cut);
    const expected = length < second ? before : [...before, ...batch];
    const entries = expected.map(({ key, value }) => [key, value]);
    expect(await opened.list(""), `${length} of ${second} bytes`).toEqual(entries);
    await opened.close();
    rmSync(cut, { recursive: true });
  }
});

describe("A disk that fails", () => {
  const faults = new FaultTests();
  beforeAll(() => faults.begin());
  afterAll(() => faults.end());

  test.each([
    ["write that finds no room", ENOSPC, /no space left on device/i],
    ["write or sync with an error", EIO, /i\/o error|input\/output error/i],
  ])("loses nothing that was acknowledged before or after: a %s", async (_, errno, why) => {
    // While the directory is opened, of a batch, of an object: which, its outcome says. The soak tries each call.
    for (const nth of [2, 14, 15, 16, 17]) {
      const told = await faults.at(nth, errno);
      const first = told.find((it) => it.refused !== null);
      expect(first?.refused, `call ${nth}`).toMatch(why);
      if (first?.kind === "open") continue;
      const later = (kind: Told["kind"]) =>
        told.slice(told.lastIndexOf(first as Told) + 1).filter((it) => it.kind === kind);
      // No batch is written behind one that may be half there. Objects are each by themselves.
      const isRefused = first?.kind === "records";
      expect(later("records").map(({ refused }) => refused !== null)).toEqual(
        later("records").map(() => isRefused),
      );
      expect(later("object").map(({ refused }) => refused)).toEqual(
        later("object").map(() => null),
      );
    }
  });

  test("nor does one that is full for good", async () => {
    const told = await faults.withLimit(8);
    expect(told.some(({ refused }) => /file too large/i.test(refused ?? ""))).toBe(true);
    expect(told.some(({ refused }) => refused === null)).toBe(true);
  });
});
