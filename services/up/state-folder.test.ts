import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { FORMAT_FILE, makeStateFolder, unusable } from "./state-folder.ts";

const folder = mkdtempSync(join(tmpdir(), "aios-state-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("a state directory is made with those above it, and is its owner's alone", () => {
  const state = join(folder, "some/where/state");
  for (let again = 0; again < 2; again++) {
    makeStateFolder(state);
    expect(statSync(state).mode & 0o777).toBe(0o700);
  }
});

test.each([
  ["a file", "file", "there is a file of that name"],
  ["below a file", "file/state", "a part of its path is a file"],
  ["in a folder where the system makes none", "/proc/nowhere/state", "it can't be made there"],
])("a state directory that is %s is refused by name", (_, place, why) => {
  writeFileSync(join(folder, "file"), "");
  const state = place.startsWith("/") ? place : join(folder, place);
  expect(() => makeStateFolder(state)).toThrow(`state directory ${state}: ${why}`);
});

test("what is wrong with something in it is said of that", () => {
  const error = Object.assign(new Error("EEXIST: mkdir '/s/objects'"), { path: "/s/objects" });
  expect(unusable("/s", Object.assign(error, { code: "EEXIST" })).message).toBe(
    "state directory /s: EEXIST: mkdir '/s/objects'; choose another with --state",
  );
});

test("a state directory of another format is refused by name, and left as it is", () => {
  const state = join(folder, "other");
  makeStateFolder(state);
  const format = join(state, FORMAT_FILE);
  const later = `${Number(readFileSync(format, "utf8")) + 1}`;
  for (const said of [later, "no format at all"]) {
    writeFileSync(format, said);
    expect(() => makeStateFolder(state)).toThrow(
      `state directory ${state}: it has format "${said}"`,
    );
    expect(readFileSync(format, "utf8")).toBe(said);
  }
  // A power cut has left it empty.
  writeFileSync(format, "");
  makeStateFolder(state);
  expect(Number(readFileSync(format, "utf8"))).toBe(Number(later) - 1);
  expect(readdirSync(state)).toEqual([FORMAT_FILE]);
});
