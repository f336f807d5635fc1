import type { Command } from "commander";
import { expect, test } from "vitest";
import { HELP_COLUMNS, helpText } from "./help.ts";
import { aiosProgram } from "./program.ts";

const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];

test.each(
  all(aiosProgram()).map((it) => [`${it.parent?.name() ?? ""} ${it.name()}`.trim(), it] as const),
)("the help of %s is no wider than a terminal", (_, command) => {
  let help = "";
  command.configureOutput({ writeOut: (text) => (help += text) });
  command.outputHelp();
  for (const line of help.split("\n")) expect(line.length, line).toBeLessThanOrEqual(HELP_COLUMNS);
});

test("paragraphs are filled, and what is indented stays a line with its continuation below it", () => {
  const words = (count: number) => Array.from({ length: count }, () => "word").join(" ");
  expect(helpText(`\n${words(10)}\n${words(10)}\n`)).toBe(`\n${words(16)}\n${words(4)}\n`);
  expect(helpText(`  2  ${words(16)}\n  3  so\n`)).toBe(`  2  ${words(15)}\n     word\n  3  so\n`);
  expect(helpText(`  aios run ${words(15)}\n`)).toBe(
    `  aios run ${words(13)} \\\n      word word\n`,
  );
  expect(helpText('  { "a":  1,\n    "b": 2 }')).toBe('  { "a":  1,\n    "b": 2 }');
});
