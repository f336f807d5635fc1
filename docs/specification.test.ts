import { existsSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

interface Promised {
  readonly letter: string;
  readonly number: number;
  readonly sentence: string;
  /** Test file and title of each test that holds it. */
  readonly tests: readonly (readonly [string, string])[];
}

/** Promises: list items that begin with a bold letter and number, then the tests, a line each. */
function promises(): Promised[] {
  const text = readFileSync("docs/SPECIFICATION.md", "utf8");
  const starts = [...text.matchAll(/^- \*\*([A-Z])(\d+)\*\* /gm)];
  return starts.map((start) => {
    const from = start.index + start[0].length;
    const item = text.slice(from).split(/\n(?=- |\n)/)[0] ?? "";
    const tests = [...item.matchAll(/^ {2}`([^`]+\.test\.ts)`: "(.+)"$/gm)];
    return {
      letter: start[1] ?? "",
      number: Number(start[2]),
      sentence: item.split(/\n {2}`/)[0] ?? "",
      tests: tests.map((match) => [match[1] ?? "", match[2] ?? ""] as const),
    };
  });
}

/** Whether the text stands where a test's title does: as the first argument of a call. */
function hasTitle(source: string, title: string): boolean {
  return ['"', "`"].some((quote) => {
    const at = source.indexOf(quote + title + quote);
    return at >= 0 && /\(\s*$/.test(source.slice(0, at));
  });
}

test("every promise is one sentence and names a test that exists", () => {
  const wrong = promises().flatMap(({ letter, number, sentence, tests }) => {
    const name = `${letter}${number}`;
    if (tests.length === 0) return [`${name} names no test`];
    if (!sentence.endsWith(".") || /\.\s/.test(sentence)) return [`${name} is not one sentence`];
    return tests.flatMap(([file, title]) => {
      if (!existsSync(file)) return [`${name}: there is no ${file}`];
      return hasTitle(readFileSync(file, "utf8"), title)
        ? []
        : [`${name}: ${file} has no "${title}"`];
    });
  });
  expect(wrong).toEqual([]);
});

test("numbers are unique and ascend under each letter", () => {
  const all = promises();
  expect(all.length).toBeGreaterThan(50);
  const letters = all.map(({ letter }) => letter).filter((l, n, list) => l !== list[n - 1]);
  expect(letters).toEqual([...new Set(letters)]);
  for (const letter of letters) {
    const numbers = all.filter((each) => each.letter === letter).map(({ number }) => number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  }
});

test("each of the seven laws has a promise", () => {
  const laws = promises().filter(({ letter }) => letter === "L");
  expect(laws.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7]);
});
