import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as limits from "./limits.ts";

/** Where the kernel has those limits that don't stand in limits.ts. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  SCOPE_BYTES_MAX: "../cap/scope.ts",
  RANGES_MAX: "../syscall/layouts.ts",
};

test.each(Object.entries(limits).filter(([name]) => name !== "EVENT_COUNT_MAX"))(
  "the specification's %s is the kernel's",
  (name, value) => {
    const source = readFileSync(
      new URL(ELSEWHERE[name] ?? "../limits.ts", import.meta.url),
      "utf8",
    );
    const said =
      new RegExp(`export const ${name}(?:: u32)? = ([0-9* ]+);`).exec(source)?.[1] ?? "nothing";
    const product = said.split("*").reduce((so, factor) => so * Number(factor), 1);
    expect(product).toBe(value);
  },
);
