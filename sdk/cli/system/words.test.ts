import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { expect, test } from "vitest";
import { QuoteError, wordsOf } from "./words.ts";

test("words, quotes and comments are what they are to a shell", () => {
  expect(wordsOf("")).toEqual([]);
  expect(wordsOf("  ps   -a ")).toEqual(["ps", "-a"]);
  expect(wordsOf(`run 'a b' "c \\"d\\"" e\\ f '' x"y"'z'`)).toEqual([
    "run",
    "a b",
    'c "d"',
    "e f",
    "",
    "xyz",
  ]);
  expect(wordsOf("logs a#b # of it")).toEqual(["logs", "a#b"]);
});

test("what isn't finished is refused with its place", () => {
  expect(() => wordsOf("run 'a")).toThrow("the ' at column 5 has no end");
  expect(() => wordsOf("run a\\")).toThrow(QuoteError);
  for (const line of ["ps -a | head", "ps >file", "ps;ps", "run a && ps"])
    expect(() => wordsOf(line)).toThrow("means nothing here: quote it, or");
  expect(wordsOf(`run a 'b|c' "d;e" f\\&g`)).toEqual(["run", "a", "b|c", "d;e", "f&g"]);
});

test("sh takes any such line apart in the same way", () => {
  const sign = fc.constantFrom("a", "b", " ", "'", '"', "\\", "#", "=", "/", "-");
  const lines = fc.sample(fc.string({ unit: sign, maxLength: 12 }), { numRuns: 300, seed: 5 });
  const whole = lines.filter((line) => {
    try {
      wordsOf(line);
      return true;
    } catch {
      return false;
    }
  });
  expect(whole.length).toBeGreaterThan(80);
  const script = whole.map((line) => `printf '%s\\0' ${line}\nprintf '\\n\\0'\n`).join("");
  const { stdout } = spawnSync("sh", { input: script, encoding: "utf8" });
  // printf prints an empty word when it is given none.
  const ours = whole.map((line) => (wordsOf(line).length === 0 ? [""] : wordsOf(line)));
  expect(stdout).toBe(ours.map((words) => `${[...words, "\n"].join("\0")}\0`).join(""));
});
