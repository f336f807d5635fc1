import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import * as names from "./invariant_names.ts";

const KERNEL = new URL(".", import.meta.url);

/** The tests beside each part's invariants, which break them on purpose. */
const TESTS = readdirSync(KERNEL, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .flatMap(({ name }) => readdirSync(new URL(`${name}/`, KERNEL)).map((file) => `${name}/${file}`))
  .filter((file) => file.endsWith("/invariants.test.ts"))
  .map((file) => readFileSync(new URL(file, KERNEL), "utf8"));

const NAMES = Object.keys(names).filter((name) => name !== "INVARIANTS_HOLD");

test.each(NAMES)(
  "%s is broken on purpose by a test, checked by name, and has a number of its own",
  (name) => {
    const checker = readFileSync(new URL("testing/invariants.ts", KERNEL), "utf8");
    // Imported, and answered.
    expect(checker.match(new RegExp(`\\b${name}\\b`, "g"))?.length).toBeGreaterThan(1);
    expect(TESTS.some((source) => source.includes(name))).toBe(true);
    const numbers = Object.values(names);
    expect(numbers.filter((number) => number === names[name as keyof typeof names])).toHaveLength(
      1,
    );
  },
);
