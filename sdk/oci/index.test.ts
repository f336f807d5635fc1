import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";

test("nothing here but node.ts needs more than a browser has", () => {
  const folder = new URL(".", import.meta.url);
  const files = readdirSync(folder).filter(
    (name) => !/^(node|testing)\.ts$|\.(test|soak)\.ts$/.test(name),
  );
  expect(files).toContain("index.ts");
  const reached = new Set<string>();
  const visit = (file: URL): void => {
    if (reached.has(file.href)) return;
    reached.add(file.href);
    const text = readFileSync(file, "utf8");
    expect(text, file.pathname).not.toMatch(/from "node:|\b(Buffer|process|require)\b[.(]\w/);
    // The kernel's own files leave the ending out.
    for (const [, from = ""] of text.matchAll(/from "(\..*)"/g))
      visit(new URL(from.endsWith(".ts") ? from : `${from}.ts`, file));
  };
  for (const file of files) visit(new URL(file, folder));
  // Modules of the WebAssembly service are read by its own reader.
  expect([...reached].some((file) => file.endsWith("/services/wasm/module/read.ts"))).toBe(true);
});
