import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { withFiles } from "../files/testing.ts";
import { Birth } from "../messages/birth.ts";
import { wasmProgram } from "../wasm/agent.ts";
import { quickjsHost } from "./agent.ts";
import { loadEngine } from "./engine/load.ts";

let directory = "";
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "aios-script-"));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Runs a script that has capabilities for files; what it has written, when it has ended well. */
async function written(script: string, capabilities: readonly string[]): Promise<string[]> {
  const host = quickjsHost(await loadEngine(), new TextEncoder().encode(script), function* (sys) {
    return Birth.parse(JSON.parse(new TextDecoder().decode((yield* sys.receive()).bytes)));
  });
  const given = { capabilities, directory };
  const { output, errors, code } = await withFiles(given, { worker: wasmProgram(host) });
  expect([errors, code]).toEqual(["", 0]);
  return output.trimEnd().split("\n");
}

test("a script reads and writes the files that it was granted", async () => {
  const lines = await written(
    `import { createFolder, readFile, readFolder, readText, removeFile, removeFolder, rename, stat, writeFile } from "aios";
     createFolder("/projects/demo/sub");
     writeFile("/projects/demo/sub/a.txt", "hä\\n");
     writeFile("/projects/demo/sub/a.txt", "lo", "append");
     writeFile("/projects/demo/sub/b", new Uint8Array(200000).fill(7), "new");
     console.log(JSON.stringify(readText("/projects/demo/sub/../sub/a.txt")), readFile("projects/demo//sub/a.txt").length);
     const large = readFile("/projects/demo/sub/b");
     console.log(large.length, large.every((it) => it === 7), stat("/projects/demo/sub/b").size, stat("/projects/demo/sub").kind);
     rename("/projects/demo/sub/b", "/projects/demo/c");
     console.log(readFolder("/projects/demo"), readFolder("/projects/demo/sub"));
     removeFile("/projects/demo/sub/a.txt");
     removeFolder("/projects/demo/sub");
     console.log(readFolder("/projects/demo").map(({ name }) => name));`,
    ["FS_READ:/projects/demo", "FS_WRITE:/projects/demo"],
  );
  expect(lines).toEqual([
    '"hä\\nlo" 6',
    "200000 true 200000 folder",
    '[{ name: "c", kind: "file" }, { name: "sub", kind: "folder" }] [{ name: "a.txt", kind: "file" }]',
    '["c"]',
  ]);
  expect(readFileSync(join(directory, "projects/demo/c")).length).toBe(200_000);
});

test("a folder of more names than fit one answer is read as a whole, by name", async () => {
  const lines = await written(
    `import { readFolder, writeFile } from "aios";
     for (let n = 0; n < 300; n++) writeFile("/many/" + String(n).padStart(3, "0") + "x".repeat(220), "");
     const names = readFolder("/many").map(({ name }) => Number(name.slice(0, 3)));
     console.log(names.length, names.every((it, n) => it === n));`,
    ["FS_READ:/many", "FS_WRITE:/many"],
  );
  expect(lines).toEqual(["300 true"]);
});

test("what was not granted, or isn't there, is an error with POSIX's name", async () => {
  writeFileSync(join(directory, "secret"), "secret");
  mkdirSync(join(directory, "projects/demo"), { recursive: true });
  writeFileSync(join(directory, "projects/demo/c"), "");
  const lines = await written(
    `import { readFile, readFolder, removeFolder, stat, writeFile } from "aios";
     const failure = (run) => { try { run(); return "none"; } catch (error) { return error.name + " " + (error.code ?? error.message); } };
     console.log(failure(() => readFile("/secret")), failure(() => readFile("/projects/demo/../../secret")));
     console.log(failure(() => writeFile("/projects/demo/new", "x")), failure(() => writeFile("/projects/demo/new", 5)));
     console.log(failure(() => readFile("/projects/demo/none")), failure(() => stat("/projects/demo/c/d")));
     console.log(failure(() => readFolder("/projects/demo/c")), failure(() => removeFolder("/projects/demo/c")));
     console.log(failure(() => readFile("")), failure(() => readFile("/projects/demoshop")));`,
    ["FS_READ:/projects/demo"],
  );
  expect(lines).toEqual([
    "SystemError ENOTCAPABLE SystemError ENOTCAPABLE",
    "SystemError ENOTCAPABLE TypeError a file's contents are a string or a Uint8Array",
    "SystemError ENOENT SystemError ENOTDIR",
    "SystemError ENOTDIR SystemError ENOTCAPABLE",
    "SystemError ENOTCAPABLE SystemError ENOTCAPABLE",
  ]);
});
