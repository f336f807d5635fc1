import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";

/** Generated or tabular files, whose length says nothing. */
const EXEMPT = /\.aml\.ts$|\.generated\.ts$|package-lock\.json$/;
const FILE_LINES_MAX = 600;
const FUNCTION_LINES_MAX = 70;
const LINE_COLUMNS_MAX = 160;

const files = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => /\.(ts|mjs)$/.test(file) && !EXEMPT.test(file) && existsSync(file))
  .map((path) => ({ path, text: readFileSync(path, "utf8") }));

/** AssemblyScript of the machine, the drivers and the kernel. */
const guest = files.filter(
  ({ path }) =>
    /^(sim\/(core|lib)|hal|kernel)\//.test(path) &&
    !/\.(test|soak)\.ts$|\/host\/|\.reference\.ts$|module\.ts$/.test(path),
);

/** What each layer may import, beside itself. */
const LAYERS: readonly (readonly [RegExp, RegExp])[] = [
  [/^sim\/(core|lib|spec)\//, /^sim\/(core|lib|spec)\//],
  [/^hal\//, /^(hal|sim\/(spec|lib)|sim\/core\/memory)/],
  [/^kernel\//, /^(kernel|hal|sim\/(spec|lib)|sim\/core\/memory)/],
];

function importsOf(file: { path: string; text: string }): string[] {
  return [...file.text.matchAll(/from "(\.[^"]+)"/g)].map((match) =>
    normalize(join(dirname(file.path), match[1] ?? "")),
  );
}

/** Functions longer than a screen, by the indentation that the formatter guarantees. */
function longFunctions({ path, text }: { path: string; text: string }): string[] {
  const found: string[] = [];
  let start = 0;
  let name = "";
  text.split("\n").forEach((line, index) => {
    const head = /^(?:export )?(?:async )?function (\w+)/.exec(line);
    if (head) [start, name] = [index, head[1] ?? ""];
    if (line === "}" && name !== "") {
      if (index - start >= FUNCTION_LINES_MAX)
        found.push(`${path}: ${name}, ${index - start} lines`);
      name = "";
    }
  });
  return found;
}

// The formatter keeps code to 100 columns; only text that cannot be broken goes further.
describe("the tree is tidy", () => {
  test("files are short enough to be one thing", () => {
    const long = files.filter(({ text }) => text.split("\n").length > FILE_LINES_MAX);
    expect(long.map(({ path }) => path)).toEqual([]);
  });

  test("functions fit a screen", () => {
    expect(files.flatMap(longFunctions)).toEqual([]);
  });

  test("lines fit a page", () => {
    const wide = files.flatMap(({ path, text }) =>
      text
        .split("\n")
        .flatMap((line, index) => (line.length > LINE_COLUMNS_MAX ? [`${path}:${index + 1}`] : [])),
    );
    expect(wide).toEqual([]);
  });

  test("layers import downwards only", () => {
    const wrong = guest.flatMap((file) => {
      const layer = LAYERS.find(([place]) => place.test(file.path));
      return importsOf(file)
        .filter((target) => layer && !layer[1].test(target))
        .map((target) => `${file.path} imports ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  test("nothing mutable lives outside of memory", () => {
    const globals = guest.flatMap(({ path, text }) =>
      text
        .split("\n")
        .filter((line) => /^(export )?(let|var) /.test(line))
        .map((line) => `${path}: ${line}`),
    );
    expect(globals).toEqual([]);
  });

  test("nothing is left for later, and no test is switched off", () => {
    const marks = new RegExp(["TO" + "DO", "FIX" + "ME", "X{3}", "\\.on" + "ly\\("].join("|"));
    const left = files.filter(({ text }) => marks.test(text));
    expect(left.map(({ path }) => path)).toEqual([]);
  });
});
