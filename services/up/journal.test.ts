import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Journal } from "../../sim/host/journal.ts";
import { Store } from "../host/store.ts";
import { System } from "./system.ts";

test("a machine that comes to an end by itself leaves its journal, and its directory to the next", async () => {
  const state = mkdtempSync(join(tmpdir(), "aios-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  const system = await System.start({ state });
  const ended = system.run().then(
    () => "stopped",
    ({ message }: Error) => message,
  );
  await system.ready();
  system.loop.give(() => system.machine.input.powerButton());
  const path = join(state, "journal", "last.journal");
  expect(await ended).toBe(`the machine has ended: power-off (journal: ${path})`);
  // What comes too late is no input of the machine's.
  system.loop.give(() => system.machine.input.powerButton());
  await system.stop();

  const { entries } = await Journal.fromBytes(readFileSync(path));
  expect(entries.map(({ input }) => input.kind)).toContain("power-button");
  expect(entries).toEqual(system.machine.journal.entries);
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(join(state, "journal")).mode & 0o777).toBe(0o700);
  await (await Store.open(state)).close();
});
