import { spawnSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { System } from "../../services/up/system.ts";
import { Journal } from "../../sim/host/journal.ts";
import { runTool, temporaryFolder } from "../image/testing.ts";
import { checkDisk, checkFeatures, checkMemory, checkNode, checkState } from "./doctor/checks.ts";
import { redactText, redactValue } from "./doctor/redact.ts";
import { missingFeatures } from "./doctor/wasm-features.ts";
import { doctorCommand } from "./doctor.ts";
import { runCommand } from "./testing.ts";

/** Runs `aios doctor`; its status is what the process would end with. */
async function doctor(...args: string[]) {
  const before = process.exitCode;
  process.exitCode = undefined;
  const outcome = await runCommand(doctorCommand(), args);
  const status = outcome.status || Number(process.exitCode ?? 0);
  process.exitCode = before;
  return { ...outcome, status };
}

afterEach(() => void vi.unstubAllEnvs());

/** A state directory as a run leaves it behind. */
function stateFolder() {
  const folder = temporaryFolder();
  const state = join(folder, "state");
  mkdirSync(state, { mode: 0o700 });
  return {
    state,
    folder,
    at: (name: string) => join(state, name),
    bundle: join(folder, "b.tar.gz"),
  };
}

const SECRETS = {
  variable: "planted-in-a-variable-1",
  tokenFile: "plantedInATokenFile2",
  configuration: "planted-in-the-configuration-3",
  nested: "planted4",
  log: "planted-bearer-5",
  url: "planted-password-6",
  random: "9f86d081884c7d659a2feaa0c55ad015",
  linked: "planted-behind-a-link-7",
};

function plant() {
  const made = stateFolder();
  const { at, folder } = made;
  vi.stubEnv("AIOS_TOKEN", SECRETS.variable);
  vi.stubEnv("LANG", "C.UTF-8");
  writeFileSync(at("admin.token"), SECRETS.tokenFile, { mode: 0o600 });
  writeFileSync(at("client-secrets.json"), JSON.stringify({ a: SECRETS.tokenFile }), {
    mode: 0o600,
  });
  const gateway = {
    port: 8080,
    apiKey: SECRETS.configuration,
    clients: { token: [SECRETS.nested] },
  };
  const peers = [`https://root:${SECRETS.url}@localhost/`, SECRETS.random];
  writeFileSync(at("config.json"), `// as written by hand\n${JSON.stringify({ gateway, peers })}`);
  writeFileSync(at("broken.json"), `{ "password": "${SECRETS.nested}"`);
  writeFileSync(
    at("aios.log"),
    `started on 127.0.0.1:8080\nAuthorization: Bearer ${SECRETS.log}\nsession ${SECRETS.random}\n`,
  );
  writeFileSync(join(folder, "elsewhere"), SECRETS.linked);
  symlinkSync(join(folder, "elsewhere"), at("link.json"));
  symlinkSync(join(folder, "elsewhere"), at("newest.log"));
  mkdirSync(at("journal"));
  writeFileSync(at("journal/00000001"), "the journal");
  return made;
}

function unpacked(bundle: string): Map<string, string> {
  const folder = temporaryFolder();
  runTool("tar", ["-xzf", bundle, "-C", folder]);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true });
  return new Map(
    files
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, "utf8")]),
  );
}

describe("the bundle", () => {
  test("has versions, configuration, the log's end and the last journal, and no secret that was planted", async () => {
    const { state, bundle } = plant();
    const { status, out } = await doctor("--state", state, "-o", bundle, "--json");
    expect(status).toBe(0);
    const files = unpacked(bundle);
    // Nothing of broken.json: what isn't understood can't be cleaned.
    expect([...files.keys()].sort()).toEqual([
      "configuration/config.json",
      "environment.json",
      "journal/00000001",
      "log.txt",
      "report.json",
      "state.json",
    ]);
    for (const text of [...files.values(), out])
      for (const secret of Object.values(SECRETS)) expect(text).not.toContain(secret);
    expect(JSON.parse(files.get("configuration/config.json") ?? "")).toMatchObject({
      gateway: { port: 8080, apiKey: "[redacted]" },
    });
    expect(files.get("log.txt")).toContain("started on 127.0.0.1:8080\n");
    expect(files.get("journal/00000001")).toBe("the journal");
    expect(JSON.parse(files.get("environment.json") ?? "")).toMatchObject({ LANG: "C.UTF-8" });
    const report = JSON.parse(files.get("report.json") ?? "");
    expect(report).toMatchObject({ node: process.versions.node, platform: process.platform });
    if (process.platform === "linux") expect(report.cpus.flags.length).toBeGreaterThan(5);
    const names = JSON.parse(files.get("state.json") ?? "").map(
      (entry: { name: string }) => entry.name,
    );
    expect(names).toEqual(readdirSync(state).sort());
  });

  test("is its owner's only, as an archive and as a folder", async () => {
    const { state, folder, bundle } = plant();
    await doctor("--state", state, "-o", bundle);
    expect(statSync(bundle).mode & 0o777).toBe(0o600);
    await doctor("--state", state, "-o", join(folder, "report"));
    expect(statSync(join(folder, "report")).mode & 0o777).toBe(0o700);
    expect(new Set(readdirSync(join(folder, "report")))).toEqual(
      new Set([
        "configuration",
        "environment.json",
        "journal",
        "log.txt",
        "report.json",
        "state.json",
      ]),
    );
    const again = await doctor("--state", state, "-o", join(folder, "report"));
    expect(again).toMatchObject({ status: 2, err: expect.stringMatching(/^error: .*EEXIST/) });
  });

  test("has the newest journal, the one that is named, or none", async () => {
    const { state, at, bundle } = plant();
    writeFileSync(at("journal/00000002"), "newer");
    utimesSync(at("journal/00000001"), 1, 1);
    const journals = async (...args: string[]) => {
      await doctor("--state", state, "-o", bundle, ...args);
      return [...unpacked(bundle)].filter(([name]) => name.startsWith("journal/"));
    };
    expect(await journals()).toEqual([["journal/00000002", "newer"]]);
    expect(await journals("--journal", at("journal/00000001"))).toEqual([
      ["journal/00000001", "the journal"],
    ]);
    expect(await journals("--no-journal")).toEqual([]);
    const missing = await doctor("--state", state, "-o", bundle, "--journal", at("none"));
    expect(missing).toMatchObject({
      status: 2,
      err: expect.stringMatching(/^error: .*none: ENOENT/),
    });
  });

  test("has the journal of the system that runs, with which that can be repeated", async () => {
    const { state, bundle } = stateFolder();
    const system = await System.start({ state });
    const running = system.run();
    await system.ready();
    const { status } = await doctor("--state", state, "-o", bundle);
    await system.stop();
    await running;
    expect(status).toBe(0);
    const text = unpacked(bundle).get("journal/running") ?? "";
    const { entries } = await Journal.fromBytes(new TextEncoder().encode(text));
    expect(entries.length).toBeGreaterThan(100);
    expect(system.machine.journal.entries.slice(0, entries.length)).toEqual(entries);
  });

  test("isn't written when it isn't wanted", async () => {
    const { state, folder } = plant();
    const before = readdirSync(folder);
    const { status, out } = await doctor("--state", state, "--no-bundle");
    expect(status).toBe(0);
    expect(out).not.toContain("Bundle");
    expect(readdirSync(folder)).toEqual(before);
  });
});

describe("what is looked at", () => {
  const only = async (state: string) => (await checkState(state)).filter(({ ok }) => !ok);

  test("is told in lines with a mark, and without colours where there is no terminal", async () => {
    const { state } = stateFolder();
    vi.stubEnv("CI", "true");
    const { out } = await doctor("--state", state, "--no-bundle");
    for (const name of ["node", "memory", "webassembly", "modules", "state", "disk"])
      expect(out).toMatch(new RegExp(`^✓ ${name} `, "m"));
    expect(out).not.toContain("\u001b");
  });

  test("a state directory that others may enter is wrong: status 1, and what to do", async () => {
    const { state } = stateFolder();
    chmodSync(state, 0o755);
    const { status, out } = await doctor("--state", state, "--no-bundle");
    expect(status).toBe(1);
    expect(out).toContain(`✗ state        others may enter ${state} (mode 0755)\n`);
    expect(out).toContain(`chmod 700 ${state}\n`);
  });

  test("a state directory that is none, or somebody else's, is wrong", async () => {
    const { folder, state } = stateFolder();
    writeFileSync(join(folder, "file"), "");
    expect(await only(join(folder, "file"))).toMatchObject([
      { detail: `${join(folder, "file")} is no folder` },
    ]);
    const root = process.geteuid?.() === 0;
    if (root) chownSync(state, 65_534, 65_534);
    const [finding] = await only(root ? state : "/");
    expect(finding?.detail).toMatch(/belongs to user \d+, not \d+/);
  });

  test("one that isn't there yet is fine", async () => {
    const { folder } = stateFolder();
    expect(await checkState(join(folder, "none"))).toMatchObject([{ ok: true }]);
  });

  test("a token that others may read is wrong", async () => {
    const { state, at } = stateFolder();
    writeFileSync(at("admin.token"), "x");
    chmodSync(at("admin.token"), 0o644);
    expect(await only(state)).toMatchObject([
      { name: "secrets", advice: `chmod 600 ${at("admin.token")}` },
    ]);
  });

  test("a socket answers, and is wrong when others may use it", async () => {
    const { state, at } = stateFolder();
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => void server.listen(at("aios.sock"), resolve));
    onTestFinished(() => void server.close());
    const socket = async () => (await checkState(state)).find(({ name }) => name === "socket");
    chmodSync(at("aios.sock"), 0o600);
    expect(await socket()).toMatchObject({
      ok: true,
      detail: expect.stringContaining("is running"),
    });
    chmodSync(at("aios.sock"), 0o666);
    expect(await socket()).toMatchObject({ ok: false, advice: `chmod 600 ${at("aios.sock")}` });
  });

  test("a socket that a killed process has left behind is nothing wrong", async () => {
    const { state, at } = stateFolder();
    const listen = `require("net").createServer().listen("aios.sock", () => process.kill(process.pid, 9))`;
    expect(spawnSync(process.execPath, ["-e", listen], { cwd: state }).signal).toBe("SIGKILL");
    chmodSync(at("aios.sock"), 0o600);
    const socket = (await checkState(state)).find(({ name }) => name === "socket");
    expect(socket).toMatchObject({ ok: true, detail: `nobody listens at ${at("aios.sock")}` });
  });

  test("an old Node, little memory, a full disk and an old engine are wrong", () => {
    expect(checkNode("20.18.9")).toMatchObject({
      ok: false,
      advice: "install Node 20.19 or newer",
    });
    for (const version of ["20.19.0", "22.0.0"]) expect(checkNode(version).ok).toBe(true);
    expect(checkMemory(512 * 1024 ** 2)).toMatchObject({ ok: false, detail: "512 MiB in all" });
    expect(checkDisk("/none/at/all", Number.MAX_SAFE_INTEGER)).toMatchObject({ ok: false });
    const without = missingFeatures((bytes) => !bytes.includes(0xfd));
    expect(checkFeatures(without)).toMatchObject({ ok: false, detail: "the engine has no SIMD" });
  });

  test("the least modules are valid, and each only with its feature", () => {
    expect(missingFeatures()).toEqual([]);
    expect(missingFeatures(() => false)).toHaveLength(6);
  });
});

describe("what looks like a secret is taken out", () => {
  test.each([
    ["Authorization: Bearer abc", "Authorization: [redacted]"],
    ["sent basic YWJj to it", "sent basic [redacted] to it"],
    ["token=abc", "token=[redacted]"],
    ['"clientSecret": "abc"', '"clientSecret": [redacted]'],
    ["postgres://me:pw@host/db", "postgres://[redacted]@host/db"],
    ["id 550e8400-e29b-41d4-a716-446655440000", "id [redacted]"],
    ["agent 7 of /projects/demo ended: exited", "agent 7 of /projects/demo ended: exited"],
    ["AssemblyScriptCompiler is a word", "AssemblyScriptCompiler is a word"],
  ])("%j is %j", (text, redacted) => {
    expect(redactText(text)).toBe(redacted);
  });

  test("under a name that says so, whatever it is", () => {
    expect(redactValue({ tokens: [1, 2], password: { a: 1 }, port: 1 })).toEqual({
      tokens: "[redacted]",
      password: "[redacted]",
      port: 1,
    });
  });
});
