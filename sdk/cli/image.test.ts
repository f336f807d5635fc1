import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { runTool, temporaryFolder } from "../image/testing.ts";
import { readImage } from "../oci/index.ts";
import { writeTar } from "../oci/tar-write.ts";
import { agentFile, CODE, MODULE } from "../oci/testing.ts";
import { imageCommand } from "./image.ts";
import { runCommand } from "./testing.ts";

const run = (...args: string[]) => runCommand(imageCommand(), args);
afterEach(() => void vi.unstubAllEnvs());

/** A folder with an agent in it, and where its image goes. */
function workFolder(more: Readonly<Record<string, unknown>> = {}) {
  const folder = temporaryFolder();
  const at = (name: string) => join(folder, name);
  writeFileSync(at("agent.json"), agentFile(more));
  writeFileSync(at("agent.wasm"), MODULE);
  return { folder, at, image: at("out.tar") };
}

describe("aios image build", () => {
  test("writes an image whose digest it prints, the same twice", async () => {
    const { folder, at, image } = workFolder();
    const first = await run("build", folder, "-o", image);
    expect(first).toMatchObject({ status: 0, err: "" });
    const built = await readImage(readFileSync(image));
    expect(first.out).toContain(`digest  ${built.digest}\n`);
    const again = await run("build", at("agent.json"), "-o", at("again.tar"), "--json");
    expect(JSON.parse(again.out)).toMatchObject({
      file: at("again.tar"),
      digest: built.digest,
      codeDigest: built.codeDigest,
    });
    expect(readFileSync(at("again.tar")).equals(readFileSync(image))).toBe(true);
  });

  test("names the file after the agent, in the folder where it is called", async () => {
    const { folder } = workFolder();
    const home = process.cwd();
    process.chdir(folder);
    try {
      expect((await run("build", "--tag", "stable")).status).toBe(0);
    } finally {
      process.chdir(home);
    }
    const image = await readImage(readFileSync(join(folder, "demo-1.0.0.tar")));
    expect(image.tag).toBe("stable");
  });

  test("takes code by itself, as aios run does", async () => {
    const { at, image } = workFolder();
    writeFileSync(at("Says.ts"), "console.log(1 as number);");
    expect(await run("build", at("Says.ts"), "-o", image)).toMatchObject({ status: 0, err: "" });
    const { config } = await readImage(readFileSync(image));
    expect(config).toMatchObject({ name: "says", version: "0.0.0", runtime: "quickjs" });
  });

  test("takes the time of SOURCE_DATE_EPOCH, and no other", async () => {
    const { folder, at, image } = workFolder();
    await run("build", folder, "-o", image);
    vi.stubEnv("SOURCE_DATE_EPOCH", "86400");
    await run("build", folder, "-o", at("dated.tar"));
    const times = (file: string) =>
      runTool("tar", ["--full-time", "-tvf", at(file)])
        .toString()
        .match(/\d{4}-\d\d-\d\d/g);
    expect(new Set(times("out.tar"))).toEqual(new Set(["1970-01-01"]));
    expect(new Set(times("dated.tar"))).toEqual(new Set(["1970-01-02"]));
    vi.stubEnv("SOURCE_DATE_EPOCH", "yesterday");
    const { status, err } = await run("build", folder, "-o", image);
    expect(status).toBe(2);
    expect(err).toMatch(/^error: SOURCE_DATE_EPOCH: "yesterday" is no number of seconds/);
  });

  test.each<[string, Record<string, unknown>, string[], RegExp]>([
    [
      "a bad agent.json",
      { limits: { memory: "lots" } },
      [],
      /agent\.json:1:\d+: limits\.memory: "lots"/,
    ],
    [
      "code that isn't there",
      { entry: "none.wasm" },
      [],
      /none\.wasm: ENOENT: no such file or dir/,
    ],
    [
      "code that can't run",
      { entry: "agent.json" },
      [],
      /agent\.json: this is no WebAssembly module/,
    ],
    ["a tag that is none", {}, ["--tag", "a b"], /letters, digits, dots/],
    ["an unknown option", {}, ["--outptu", "x"], /unknown option/],
  ])("refuses %s in one line, with status 2, and writes nothing", async (_, more, args, reason) => {
    const { folder, image } = workFolder(more);
    const before = readdirSync(folder);
    const { status, out, err } = await run("build", folder, "-o", image, ...args);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toMatch(/^error: [^\n]*\n(\(Did you mean [^\n]*\n)?$/);
    expect(err).toMatch(reason);
    expect(readdirSync(folder)).toEqual(before);
  });

  test("has an example in its help that can be built", async () => {
    const { folder, at, image } = workFolder();
    const { out } = await run("build", "--help");
    writeFileSync(at("agent.json"), /^ {2}\{.*?^ {2}\}/ms.exec(out)?.[0] ?? "");
    mkdirSync(at("build"));
    writeFileSync(at("build/worker.wasm"), MODULE);
    expect(await run("build", folder, "-o", image)).toMatchObject({ status: 0, err: "" });
  });

  test("refuses a folder without an agent.json", async () => {
    const { err, status } = await run("build", temporaryFolder());
    expect(status).toBe(2);
    expect(err).toMatch(/^error: .*agent\.json: ENOENT: no such file or directory\n$/);
  });
});

describe("aios image inspect", () => {
  test("shows all that the agent's author has said", async () => {
    const { folder, image } = workFolder({
      capabilities: ["NET_BIND:localhost", "FS_READ:/projects/demo"],
      limits: { memory: "64M", cpu: "12.5%", messages: 4 },
      env: { LANG: "C" },
      args: ["--verbose"],
      labels: { team: "search" },
    });
    await run("build", folder, "-o", image, "--tag", "stable");
    const { out, status } = await run("inspect", image);
    expect(status).toBe(0);
    for (const line of [
      "image       demo 1.0.0, tagged stable",
      "runtime     wasm, from _start",
      "argument    --verbose",
      "variable    LANG=C",
      "capability  FS_READ:/projects/demo",
      "capability  NET_BIND:localhost",
      "limit       memory 67108864 bytes",
      "limit       cpu 12.5%",
      "limit       4 messages",
      "label       team=search",
    ])
      expect(out.split("\n")).toContain(line);
    const sums = runTool("sha256sum", ["agent.wasm"], { cwd: folder }).toString().split(" ");
    expect(out).toContain(`made from   sha256:${sums[0]}  agent.wasm, ${MODULE.length} bytes\n`);
  });

  test("prints JSON with the manifest as it is in the archive", async () => {
    const { folder, image } = workFolder();
    await run("build", folder, "-o", image);
    const { out } = await run("inspect", image, "--json");
    const document = JSON.parse(out);
    const blob = `blobs/sha256/${document.digest.slice("sha256:".length)}`;
    expect(document.manifest).toEqual(JSON.parse(runTool("tar", ["-xOf", image, blob]).toString()));
    expect(document).toMatchObject({ tag: null, codeBytes: MODULE.length });
  });

  test("keeps control characters away from the terminal", async () => {
    const { folder, image } = workFolder({ args: ["\u001b[2J\u202e"] });
    await run("build", folder, "-o", image);
    const { out } = await run("inspect", image);
    expect(out).toContain("argument   \ufffd[2J\ufffd\n");
  });
});

describe("aios image verify", () => {
  test("says that a sound image is sound, and whose identity it has", async () => {
    const { folder, image } = workFolder();
    const { digest } = JSON.parse((await run("build", folder, "-o", image, "--json")).out);
    expect(await run("verify", image, "--digest", digest)).toMatchObject({ status: 0, err: "" });
    expect(JSON.parse((await run("verify", image, "--json")).out)).toMatchObject({ sound: true });
    const other = await run("verify", image, "--digest", digest.replace(/.{8}$/, "00000000"));
    expect(other).toMatchObject({ status: 2, out: "" });
    expect(other.err).toContain(`the image is ${digest}, not sha256:`);
  });

  test.each<[string, (path: string) => void, RegExp]>([
    ["is missing", () => undefined, /bad\.tar: ENOENT/],
    ["is empty", (path) => writeFileSync(path, ""), /bad\.tar: byte 0: 0 bytes/],
    [
      "is another archive",
      (path) => writeFileSync(path, writeTar(new Map([["a", CODE.quickjs]]))),
      /"a" is no part of an image/,
    ],
    [
      "is no archive",
      (path) => writeFileSync(path, "x".repeat(4096)),
      /byte 0: this is no tar archive/,
    ],
  ])("refuses one that %s in one line, with status 2", async (_, make, reason) => {
    const { at } = workFolder();
    make(at("bad.tar"));
    for (const command of ["verify", "inspect"]) {
      const { status, out, err } = await run(command, at("bad.tar"));
      expect({ status, out }).toEqual({ status: 2, out: "" });
      expect(err).toMatch(/^error: [^\n]*\n$/);
      expect(err).toMatch(reason);
    }
  });

  test("refuses an image of which a byte was changed", async () => {
    const { folder, image } = workFolder();
    await run("build", folder, "-o", image);
    const bytes = readFileSync(image);
    const at = bytes.indexOf("_start");
    bytes[at] = 0x2d;
    writeFileSync(image, bytes);
    const { status, err } = await run("verify", image);
    expect(status).toBe(2);
    expect(err).toMatch(/out\.tar: blobs\/sha256\/[0-9a-f]{64}: the .* has digest sha256:/);
  });
});
