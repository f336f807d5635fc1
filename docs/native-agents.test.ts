/** The chapter on native agents, done block by block in an empty folder. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { requireTool } from "../sim/host/testing/tools.ts";

const PROJECT = process.cwd();
const CHAPTER = "docs/book/18-native-agents.md";
const TSX = join(PROJECT, "node_modules/tsx/dist/loader.mjs");

interface Step {
  /** What is written to a file before. */
  readonly file: string;
  readonly text: string;
  readonly commands: string;
  readonly says: string;
}

/** Source, commands and output follow each other; the sentence before a source names its file. */
function steps(): Step[] {
  const chapter = readFileSync(CHAPTER, "utf8");
  const blocks = [...chapter.matchAll(/```(\w*)\n([\s\S]*?)```/g)];
  const found: Step[] = [];
  blocks.forEach(([, language, text = ""], index) => {
    if (language !== "c" && language !== "rust") return;
    const before = chapter.slice(0, blocks[index]?.index);
    const file = [...before.matchAll(/`(\w+\.(?:c|rs))`/g)].at(-1)?.[1] ?? "";
    const [commands = "", says = ""] = [blocks[index + 1]?.[2], blocks[index + 2]?.[2]];
    found.push({ file, text, commands, says });
  });
  return found;
}

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aios-chapter-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("has two programs in C and one in Rust", () => {
  expect(steps().map(({ file }) => file)).toEqual(["greet.c", "pair.c", "greet.rs"]);
});

test.each(steps())("$file is compiled and run as it says", ({ file, text, commands, says }) => {
  requireTool(file.endsWith(".c") ? "gcc" : "rustc");
  writeFileSync(join(folder, file), text);
  // The command from its source, which is what pkg/cli.js is made of.
  const command = `node --import ${TSX} "$AIOS/sdk/cli/main.ts"`;
  const { stdout, stderr } = spawnSync(
    "sh",
    ["-e", "-c", commands.replaceAll('node "$AIOS/pkg/cli.js"', command)],
    { cwd: folder, encoding: "utf8", env: { ...process.env, AIOS: PROJECT } },
  );
  expect([stdout.replaceAll("\r", ""), stderr]).toEqual([says, ""]);
});
