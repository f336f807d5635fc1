import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { temporaryFolder } from "../image/testing.ts";
import { buildImageFrom, buildImageOf, isCode, readImageFile } from "./node.ts";
import { readImage, verifyImage } from "./read.ts";
import { agentFile, build, CODE, MODULE, ociErrorOf } from "./testing.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("building twice", () => {
  test("gives the same bytes; another word gives another identity", async () => {
    const [one, two] = [await build(agentFile()), await build(agentFile())];
    expect(two).toEqual(one);
    expect((await build(agentFile({ version: "1.0.1" }))).digest).not.toBe(one.digest);
  });

  test("gives the same image whatever the name under which it is tagged", async () => {
    const tagged = await build(agentFile(), undefined, { tag: "stable" });
    expect(tagged.digest).toBe((await build(agentFile())).digest);
    expect((await readImage(tagged.archive)).tag).toBe("stable");
  });

  test("has no time but the one that is asked for", async () => {
    const { archive } = await build(agentFile(), undefined, { epoch: 1_700_000_000 });
    const { manifest } = await readImage(archive);
    expect(manifest.annotations).toMatchObject({
      "org.opencontainers.image.created": "2023-11-14T22:13:20Z",
    });
    const without = await readImage((await build(agentFile())).archive);
    expect(Object.keys(without.manifest.annotations ?? {}).join()).not.toContain("created");
  });
});

test("an image says what it was made from, by digests that sha256sum agrees with", async () => {
  const { config } = await build(agentFile(), undefined, { tools: { aios: "0.1.0" } });
  const { createHash } = await import("node:crypto");
  const sum = (data: Uint8Array) => `sha256:${createHash("sha256").update(data).digest("hex")}`;
  expect(config.provenance).toEqual({
    tools: { aios: "0.1.0" },
    sources: [
      { path: "agent.json", digest: sum(agentFile()), size: agentFile().length },
      { path: "agent.wasm", digest: sum(MODULE), size: MODULE.length },
    ],
  });
});

test("a script is bundled when there is who does it, and its sources are named", async () => {
  const file = agentFile({ runtime: "quickjs", entry: "src/main.ts" });
  const sources = new Map([
    ["src/main.ts", bytes("import './b.ts';")],
    ["src/b.ts", bytes("")],
  ]);
  const bundle = async (entry: string) => ({
    code: bytes(`/* ${entry} */`),
    sources,
    tools: { esbuild: "1.0.0" },
  });
  const { archive, config } = await build(file, {}, { bundle, tools: { aios: "0.1.0" } });
  expect(config.provenance.tools).toEqual({ aios: "0.1.0", esbuild: "1.0.0" });
  expect(config.provenance.sources.map(({ path }) => path)).toEqual([
    "agent.json",
    "src/b.ts",
    "src/main.ts",
  ]);
  expect(new TextDecoder().decode((await verifyImage(archive)).code)).toBe("/* src/main.ts */");
});

test("what nobody could read isn't built", async () => {
  const sources = new Map(Array.from({ length: 300 }, (_, n) => [`s${n}.js`, bytes("")]));
  const bundle = async () => ({ code: bytes("1;"), sources, tools: {} });
  const file = agentFile({ runtime: "quickjs", entry: "main.js" });
  const many = await ociErrorOf(() => build(file, {}, { bundle }));
  expect(many.message).toMatch(/provenance\.sources: more than 256 sources/);
  const paths = Array.from({ length: 200 }, (_, n) => `${"d/".repeat(250)}${n}.js`);
  const deep = new Map(paths.map((path) => [path, bytes("")]));
  const bundleDeep = async () => ({ code: bytes("1;"), sources: deep, tools: {} });
  const long = await ociErrorOf(() => build(file, {}, { bundle: bundleDeep }));
  expect(long.message).toMatch(/the configuration has 65536 at most/);
});

describe("code that can't run is refused when it is built", () => {
  /** A module of the least one's sections with others beside them. */
  const module = (...parts: readonly (readonly number[])[]) =>
    Uint8Array.from([...MODULE.subarray(0, 8), ...parts.flat()]);
  const [type, functions, exported, code] = [
    [1, 4, 1, 0x60, 0, 0],
    [3, 2, 1, 0],
    [7, 10, 1, 6, ...bytes("_start"), 0, 0],
    [10, 4, 1, 2, 0, 0x0b],
  ] as const;
  const sized = (id: number, content: readonly number[]) => [id, content.length, ...content];
  const imported = (from: string, name: string, kind: readonly number[]) =>
    sized(2, [1, from.length, ...bytes(from), name.length, ...bytes(name), ...kind]);

  test.each<[string, Uint8Array, RegExp]>([
    ["no module", bytes("#!/bin/sh"), /this is no WebAssembly module/],
    [
      "a component",
      Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]),
      /version \d+; a core module/,
    ],
    ["a body that ends early", MODULE.slice(0, -1), /code section|wasm-invalid/],
    [
      "an unbalanced body",
      module(type, functions, exported, [10, 4, 1, 2, 0, 0x1a]),
      /^agent\.wasm: in the code section: .*\(wasm-invalid at byte \d+\)/,
    ],
    [
      "an imported memory",
      module(type, imported("env", "memory", [2, 0, 1]), functions, exported, code),
      /in the import section: imports the memory "env\.memory"/,
    ],
    [
      "a function of nobody",
      module(type, imported("env", "open", [0, 0]), functions, exported, code),
      /imports "env\.open" as \(\) -> \(\); there are wasi_snapshot_preview1 and aios/,
    ],
    [
      "a 64-bit memory",
      module(type, functions, [5, 3, 1, 4, 1], exported, code),
      /in the memory section/,
    ],
    ["nothing to run", module(type, functions, code), /exports no function "_start"/],
    [
      "an entry with parameters",
      module([1, 5, 1, 0x60, 1, 0x7f, 0], functions, exported, code),
      /"_start" has parameters or results/,
    ],
    [
      "more memory than its limit",
      module(type, functions, [5, 3, 1, 0, 17], exported, code),
      /begins with 1114112 bytes of memory; its limit is 1048576/,
    ],
  ])("a module with %s", async (_, code, reason) => {
    const file = agentFile({ limits: { memory: "1M" } });
    const error = await ociErrorOf(() => build(file, { "agent.wasm": code }));
    expect(error.message).toMatch(reason);
    expect(error).toMatchObject({ code: "code", place: "agent.wasm" });
  });

  test.each<[string, Uint8Array, RegExp]>([
    ["native", bytes("#!/bin/sh"), /it can't be an agent: not-elf/],
    ["native", CODE.native.subarray(0, 90), /it can't be an agent: truncated/],
    ["quickjs", new Uint8Array(), /the script is empty/],
    ["quickjs", Uint8Array.of(0xff, 0xfe), /isn't UTF-8/],
    ["quickjs", new Uint8Array(16 * 1024 * 1024 + 1), /16777217 bytes of code; 16777216 at most/],
  ])("%s: %#", async (runtime, code, reason) => {
    const file = agentFile({ runtime, entry: "main.js" });
    const error = await ociErrorOf(() => build(file, { "main.js": code }));
    expect(error.message).toMatch(reason);
  });

  test("TypeScript that nothing here bundles", async () => {
    const file = agentFile({ runtime: "quickjs", entry: "main.ts" });
    const error = await ociErrorOf(() => build(file));
    expect(error.message).toMatch(/^main\.ts: a script is \.js or \.mjs/);
  });
});

describe("a folder", () => {
  function workFolder(entry: string) {
    const folder = temporaryFolder();
    const agent = join(folder, "agent");
    mkdirSync(agent);
    writeFileSync(join(agent, "agent.json"), agentFile({ entry }));
    writeFileSync(join(agent, "agent.wasm"), MODULE);
    writeFileSync(join(folder, "secret"), MODULE);
    return { folder, agent };
  }

  test("with a script in TypeScript becomes one script, and its sources are named", async () => {
    const { agent } = workFolder("agent.wasm");
    const script = agentFile({ runtime: "quickjs", entry: "main.ts" });
    writeFileSync(join(agent, "agent.json"), script);
    writeFileSync(
      join(agent, "main.ts"),
      'import { it } from "./it.ts"; console.log(it as string);',
    );
    writeFileSync(join(agent, "it.ts"), 'export const it: string = "bundled";');
    const { archive, config } = await buildImageFrom(agent, {});
    const { code } = await readImage(archive);
    expect(new TextDecoder().decode(code)).toMatch(/"bundled"[\s\S]*console\.log/);
    const paths = config.provenance.sources.map(({ path }) => path);
    expect(paths).toEqual(["agent.json", "it.ts", "main.ts"]);
    expect(Object.keys(config.provenance.tools)).toEqual(["esbuild"]);
  });

  test.each<[string, string, RegExp]>([
    ["with a mistake", "let x = ;", /^main\.ts: main\.ts:1:9: Unexpected ";"/],
    ["that imports from outside", 'import "../outside.ts";', /outside\.ts: lies outside/],
  ])("with a script %s is refused", async (_, text, reason) => {
    const { agent, folder } = workFolder("agent.wasm");
    const script = agentFile({ runtime: "quickjs", entry: "main.ts" });
    writeFileSync(join(agent, "agent.json"), script);
    writeFileSync(join(agent, "main.ts"), text);
    writeFileSync(join(folder, "outside.ts"), "console.log(1);");
    expect((await ociErrorOf(() => buildImageFrom(agent, {}))).message).toMatch(reason);
  });

  test("or its file is built, to what the library builds", async () => {
    const { agent, folder } = workFolder("agent.wasm");
    const fromFolder = await buildImageFrom(agent, {});
    expect(fromFolder).toEqual(await buildImageFrom(join(agent, "agent.json"), {}));
    expect(fromFolder.digest).toBe((await build(agentFile())).digest);
    writeFileSync(join(folder, "out.tar"), fromFolder.archive);
    expect((await readImageFile(join(folder, "out.tar"))).digest).toBe(fromFolder.digest);
    expect(readFileSync(join(folder, "out.tar")).equals(fromFolder.archive)).toBe(true);
  });

  test("or a file of code by itself, which may be a link", async () => {
    const { agent, folder } = workFolder("agent.wasm");
    writeFileSync(join(agent, "Main Loop.ts"), 'import { it } from "./it.ts"; console.log(it);');
    writeFileSync(join(agent, "it.ts"), 'export const it: string = "bundled";');
    symlinkSync(join(agent, "Main Loop.ts"), join(folder, "link.ts"));
    const { config, archive } = await buildImageOf(join(agent, "Main Loop.ts"), {});
    expect(config).toMatchObject({ name: "main-loop", version: "0.0.0", runtime: "quickjs" });
    expect(config.capabilities).toEqual([]);
    const linked = await buildImageOf(join(folder, "link.ts"), {});
    expect(linked.config).toMatchObject({ name: "link", codeDigest: config.codeDigest });
    expect((await readImage(archive)).config).toEqual(config);
    const module = await buildImageOf(join(agent, "agent.wasm"), {});
    expect(module.config).toMatchObject({ name: "agent", runtime: "wasm", entry: "_start" });
    expect(isCode("a.WASM")).toBe(true);
    expect(isCode("a.tar")).toBe(false);
    const none = buildImageOf(join(agent, "none.ts"), {});
    await expect(none).rejects.toThrow("none.ts: ENOENT: no such file");
  });

  test.each(["../secret", "/etc/passwd", "a/../../secret"])(
    "gives nothing of %s",
    async (entry) => {
      const { agent } = workFolder(entry);
      const error = await ociErrorOf(() => buildImageFrom(agent, {}));
      expect(error.message).toMatch(/^agent\.json:1:\d+: entry: (leads out of|an absolute path)/);
    },
  );

  test("gives nothing that only a link brings in", async () => {
    const { agent } = workFolder("link.wasm");
    symlinkSync("../secret", join(agent, "link.wasm"));
    const error = await ociErrorOf(() => buildImageFrom(agent, {}));
    expect(error.message).toMatch(/^link\.wasm: leads out of the agent's folder by a link/);
  });
});
