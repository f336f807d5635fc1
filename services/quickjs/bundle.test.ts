import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { BundleError, bundle } from "./bundle.ts";
import { outcomeOf, runScript, runScripts, startScript } from "./testing/run.ts";

const folders: string[] = [];
function folderWith(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "aios-bundle-"));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

const FILES = {
  "main.ts": `import { args } from "aios"; import { twice, type Pair } from "./twice.ts";
    const pair: Pair = twice(args[0] as string); console.log(pair satisfies Pair);`,
  "twice.ts": `export type Pair = readonly [string, string];
    export const twice = (it: string): Pair => [it, it];`,
};

test("TypeScript of several files becomes one script, the same in any folder", async () => {
  const scripts = [folderWith(FILES), folderWith(FILES)].map((folder) =>
    bundle(join(folder, "main.ts")),
  );
  const [first, second] = (await Promise.all(scripts)).map((bytes) =>
    new TextDecoder().decode(bytes),
  );
  expect(first).toBe(second);
  const { stdout } = await runScript(first ?? "", { args: ["it"] });
  expect(stdout).toBe('["it", "it"]\n');
});

test("a mistake is refused with its file, line and column", async () => {
  const folder = folderWith({ "main.ts": 'import "./none.ts";\nlet x = ;' });
  const refusal = await bundle(join(folder, "main.ts")).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(BundleError);
  expect((refusal as BundleError).message).toMatch(/main\.ts:2:9: Unexpected ";"/);
});

test("what isn't there can't be imported: Node's modules, packages", async () => {
  for (const name of ["node:fs", "fs", "no-such-package"]) {
    const folder = folderWith({ "main.ts": `import "${name}";` });
    await expect(bundle(join(folder, "main.ts"))).rejects.toThrow(
      /main\.ts:1:8: Could not resolve/,
    );
  }
});

test("the example's store keeps, answers, and refuses what it can't understand", async () => {
  const store = new TextDecoder().decode(
    await bundle(new URL("examples/store.ts", import.meta.url).pathname),
  );
  const answers: unknown[] = [];
  let stderr = "";
  await runScripts({ store }, function* (sys) {
    const child = yield* startScript(sys, "store");
    for (const command of [
      '{"op":"set","key":"a","value":[1]}',
      '{"op":"get","key":"a"}',
      "{",
      '{"op":"fly"}',
    ]) {
      const queue = yield* sys.endpoint("queue");
      yield* sys.send(child.capability, new TextEncoder().encode(command), queue);
      answers.push(JSON.parse(new TextDecoder().decode((yield* sys.receive(queue)).bytes)));
    }
    yield* sys.send(child.capability, new TextEncoder().encode('{"op":"end"}'));
    const outcome = yield* outcomeOf(sys, child);
    expect(outcome.end).toMatchObject({ reason: "exited", code: 1n });
    stderr = outcome.stderr;
  });
  expect(answers.slice(0, 2)).toEqual([{ kept: 1 }, { value: [1] }]);
  expect(answers[2]).toEqual({ error: expect.stringContaining("SyntaxError") });
  expect(answers[3]).toEqual({ error: "TypeError: unknown op: fly" });
  expect(stderr.trimEnd().split("\n")).toHaveLength(2);
});
