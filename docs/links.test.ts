import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const list = (...patterns: string[]) =>
  execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard", ...patterns], {
    encoding: "utf8",
  })
    .split("\n")
    .filter((path) => path !== "" && existsSync(path));
const documents = list("*.md").map((path) => ({ path, text: readFileSync(path, "utf8") }));
const folders = new Set(list().map((path) => path.split("/")[0] ?? ""));

test("every link from one document to a file leads somewhere", () => {
  const broken = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)]
      .map((match) => normalize(join(dirname(path), match[1] ?? "")))
      .filter((target) => !existsSync(target))
      .map((target) => `${path}: ${target}`),
  );
  expect(broken).toEqual([]);
});

test("every file of the tree that a document names exists", () => {
  const missing = documents.flatMap(({ path, text }) =>
    [...text.matchAll(/(?<![\w./-])([a-z]+\/[\w./-]+\.(?:ts|asl|json|md))\b/g)]
      .map((match) => match[1] ?? "")
      .filter((file) => folders.has(file.split("/")[0] ?? "") && !/\.generated\.ts$/.test(file))
      .filter((file) => !existsSync(file) && !existsSync(join(dirname(path), file)))
      .map((file) => `${path}: ${file}`),
  );
  expect(missing).toEqual([]);
});

test("the example in the README is the one that is tested", () => {
  const readme = readFileSync("README.md", "utf8");
  expect(readme).toContain(readFileSync("sim/host/example.test.ts", "utf8").trim());
  expect(readme).toContain(readFileSync("sdk/agent/example.test.ts", "utf8").trim());
});

test("excerpts in the book's walk through the code are lines of the code", () => {
  const code = list("*.ts").flatMap((path) =>
    readFileSync(path, "utf8")
      .split("\n")
      .map((line) => line.trim()),
  );
  const known = new Set(code);
  const walk = documents.filter(({ path }) => /^docs\/book\/0[1-6]-/.test(path));
  const invented = walk.flatMap(({ path, text }) =>
    [...text.matchAll(/^```ts\n([^`]*)^```/gm)]
      .flatMap((block) => (block[1] ?? "").split("\n").map((line) => line.trim()))
      .filter((line) => line !== "…" && !known.has(line))
      .map((line) => `${path}: ${line}`),
  );
  expect(walk.length).toBe(6);
  expect(invented).toEqual([]);
});
