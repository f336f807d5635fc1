import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("nothing here needs more than a browser has: files import each other and nothing of Node's", () => {
  const folder = new URL(".", import.meta.url);
  const isCore = (name: string) => name !== "testing.ts" && !name.endsWith(".test.ts");
  const files = readdirSync(folder).filter(isCore);
  expect(files).toContain("index.ts");
  for (const file of files) {
    const text = readFileSync(new URL(file, folder), "utf8");
    expect(text, file).not.toMatch(/\b(Buffer|process|require)\b[.(]/);
    for (const [, from = ""] of text.matchAll(/(?:from|import) "(.*)"/g)) {
      if (from.startsWith("../../")) {
        // Numbers and names of programs, shared with the kernel and the machine's host.
        expect(readFileSync(new URL(from, folder), "utf8"), from).not.toMatch(/from "node:/);
        continue;
      }
      expect(
        files.map((name) => `./${name}`),
        file,
      ).toContain(from);
    }
  }
});
