/** The built command at a real terminal and in pipes, against a system of its own. */
import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { Agent, API, LogLine } from "../../../services/messages/api.ts";
import { readInstance } from "../../../services/up/instance.ts";
import { compileSource } from "../../../services/wasm/testing/compile.ts";
import { Pty } from "../testing-pty.ts";

const folder = mkdtempSync(join(tmpdir(), "aios-cli-"));
const state = join(folder, "state");
const env = { ...process.env, AIOS_STATE: state, AIOS_HOST: "", AIOS_TOKEN: "", NO_COLOR: "" };
const CLI = join(process.cwd(), "pkg/cli.js");
const CTRL_C = "\x03";

interface Ended {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command in pipes. */
const aios = (...args: string[]): Promise<Ended> => given("", ...args);

/** With something to read, and its end; null for an input that stays open. */
function given(input: string | null, ...args: string[]): Promise<Ended> {
  const child = spawn("node", [CLI, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
  // A command that doesn't read has ended before.
  child.stdin.on("error", () => {});
  if (input !== null) child.stdin.end(input);
  let [out, err] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text) => (err += text));
  return new Promise((resolve) => child.on("close", (status) => resolve({ status, out, err })));
}

const inTerminal = (...args: string[]) =>
  // The shell goes on after Ctrl-C, whichever it is.
  new Pty(`trap : INT; node ${CLI} ${args.join(" ")}; echo "status $?"`, env);

const WASI = `
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, list: usize, count: i32, result: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;
const list = memory.data(16), text = memory.data(16);
function say(fd: i32, word: u32, n: u32): void {
  store<u32>(text, word);
  store<u8>(text + 4, 32);
  store<u8>(text + 5, 48 + n % 10);
  store<u8>(text + 6, 10);
  store<usize>(list, text);
  store<i32>(list + 4, 7);
  fd_write(fd, list, 1, list + 8);
}
let sum: u64 = 0;
/** Some tens of milliseconds of the machine's time. */
function work(): void {
  for (let i = 0; i < 4000000; i++) sum = sum * 31 + i;
}`;
const TICKER = `${WASI}
export function _start(): void {
  for (let n: u32 = 0; ; n++) {
    say(1, 0x6b636974, n);
    work();
  }
}`;
const HELLO = `${WASI}
export function _start(): void {
  say(1, 0x6c6c6568, 1);
  say(2, 0x706c6568, 2);
  work();
  proc_exit(7);
}`;

const CAT = `${WASI}
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, list: usize, count: i32, result: usize): i32;
const room = memory.data(4096);
export function _start(): void {
  while (true) {
    store<usize>(list, room);
    store<i32>(list + 4, 4096);
    if (fd_read(0, list, 1, list + 8) || load<i32>(list + 8) == 0) return;
    const count = load<i32>(list + 8);
    for (let done = 0; done < count; done += load<i32>(list + 8)) {
      store<usize>(list, room + done);
      store<i32>(list + 4, count - done);
      fd_write(1, list, 1, list + 8);
    }
  }
}`;

const cat = join(folder, "cat.wasm");
const ticker = join(folder, "ticker.wasm");
const hello = join(folder, "hello.wasm");
const traps = join(folder, "traps.wasm");
beforeAll(async () => {
  writeFileSync(ticker, await compileSource(TICKER));
  writeFileSync(hello, await compileSource(HELLO));
  writeFileSync(traps, await compileSource("export function _start(): void { unreachable(); }"));
  writeFileSync(cat, await compileSource(CAT));
});
afterAll(() => {
  Pty.killAll();
  const left = readInstance(state);
  if (left) spawn("kill", ["-9", String(left.pid)], { stdio: "ignore" });
  rmSync(folder, { recursive: true, force: true });
});

const RUN = ["run", ticker, "--name", "ticker", "--cpu", "20%", "--mem", "2M"];

describe("a system at a terminal", { timeout: 120_000 }, () => {
  test("is started, gives its agents to other terminals, and is stopped by Ctrl-C", async () => {
    const up = inTerminal("up", "--port", "0");
    expect(await up.shows("is ready after")).toContain("aios 0.1.0");
    expect(await up.shows("CPU")).toMatch(/agents \d+, memory/);
    expect(await aios(...RUN)).toEqual({ status: 0, out: "ticker\n", err: "" });
    await up.shows("agent.started default/ticker");

    const { out: table } = await aios("ps");
    expect(table).toMatch(
      /^NAME +PROJECT +STATE .*\nticker +default +Running .* 20\.0% +2\.00MiB /,
    );
    expect((await aios("ps", "-o", "wide")).out).toMatch(
      / RESTART +AGENT\nticker .* - +- +- +no +\d+\n$/,
    );
    const listed = z.array(Agent).parse(JSON.parse((await aios("ps", "--json")).out));
    expect(listed).toMatchObject([{ name: "ticker", limits: { cpu: 0.2, memory: 2 ** 21 } }]);

    const logs = inTerminal("logs", "-f", "ticker");
    await logs.shows("tick 3\r\n");
    logs.type(CTRL_C);
    await logs.shows("status 0");

    const { out: lines } = await aios("logs", "--json", "--tail", "2", "default/ticker");
    const parsed = lines
      .trim()
      .split("\n")
      .map((line) => LogLine.parse(JSON.parse(line)));
    expect(parsed[1]?.sequence).toBe((parsed[0]?.sequence ?? 0) + 1);

    expect(await aios("pause", "ticker")).toEqual({ status: 0, out: "ticker\n", err: "" });
    expect((await aios("ps")).out).toMatch(/\nticker +default +Paused /);
    expect(await aios("resume", "ticker")).toMatchObject({ status: 0 });
    const [row] = JSON.parse((await aios("top", "--json")).out);
    expect(row.cpu).toBeGreaterThan(0.1);
    expect(row.cpu).toBeLessThan(0.3);

    expect(await aios("kill", "ticker")).toEqual({ status: 0, out: "ticker\n", err: "" });
    expect((await aios("ps", "-q")).out).toBe("");
    expect((await aios("ps", "-a")).out).toMatch(/\nticker +default +Exited \(/);

    up.type(CTRL_C);
    expect(await up.shows("status 0")).toContain("stopped");
  });

  test("has a shell: one connection, history, completion, Ctrl-C that doesn't leave", async () => {
    const up = inTerminal("up", "--no-port");
    await up.shows("is ready");
    const shell = inTerminal("shell");
    await shell.shows("aios> ");
    shell.type(`run ${ticker} --name 'in-shell' --cpu 20%\r`);
    await shell.shows("\nin-shell\r\n");
    shell.type("log");
    shell.type("\t");
    await shell.shows("logs ");
    shell.type("in-s\t");
    await shell.shows("in-shell ");
    shell.type("-f\r");
    await shell.shows("tick 2\r\n");
    shell.type(CTRL_C);
    await shell.shows("aios> ");
    shell.type("status\rps -q\rps --hel");
    expect(await shell.shows("\nin-shell\r\n")).toContain("orchestrator  Running");
    shell.type("p\r");
    await shell.shows("print names only");
    await shell.shows("aios> ");
    shell.type(`not finished${CTRL_C}`);
    await shell.shows("aios> ");
    shell.type("kill 'in-shell\r");
    await shell.shows("the ' at column 6 has no end");
    shell.type("aios stop in-shell\r");
    await shell.shows("unknown command 'stop': aios kill --grace 10 does that");
    shell.type("top\r");
    await shell.shows("keys: s order, q leave");
    await shell.shows("in-shell");
    shell.type("s");
    await shell.shows("by memory");
    shell.type("q");
    await shell.shows("aios> ");
    shell.type("\x1b[A\x1b[A\x1b[A\r");
    await shell.shows("has no end");
    shell.type("rm -f in-shell\r");
    await shell.shows("\nin-shell\r\n");
    shell.type(`run -i ${cat} --name reads\r`);
    await shell.shows(`${cat} --name reads`);
    shell.type("to an agent\r");
    // Once by the terminal, once by the agent.
    await shell.shows("to an agent");
    await shell.shows("to an agent");
    shell.type("\x04");
    await shell.shows("aios> ");
    shell.type("logs reads\r");
    await shell.shows("logs reads");
    await shell.shows("to an agent");
    shell.type(`run -i ${cat} --name stays\r`);
    await shell.shows(`${cat} --name stays`);
    shell.type("a line\r");
    await shell.shows("a line");
    await shell.shows("a line");
    shell.type(CTRL_C);
    await shell.shows("stays goes on\r\n");
    await shell.shows("aios> ");
    shell.type("ps -q\r");
    await shell.shows("\nstays\r\n");
    shell.type("rm -f reads stays\r");
    await shell.shows("\nstays\r\n");
    // Before its prompt the terminal isn't the shell's, and would take the end for its own.
    await shell.shows("aios> ");
    shell.type("\x04");
    await shell.shows("status 0");
    expect(readFileSync(join(state, "shell_history"), "utf8")).toContain("\ntop\n");

    const piped = spawn("node", [CLI, "shell"], { env, stdio: ["pipe", "pipe", "ignore"] });
    piped.stdin.end("ps -q # nobody\nstatus --json\nkill nobody\n");
    let out = "";
    piped.stdout.setEncoding("utf8").on("data", (text) => (out += text));
    expect(await new Promise((resolve) => piped.on("close", resolve))).toBe(1);
    expect(
      API["system.status"].result.parse(JSON.parse(out)).services.map(({ name }) => name),
    ).toContain("orchestrator");
    expect((await aios("events", "-n", "3")).out).toContain("default/stays");
    up.type(CTRL_C);
    await up.shows("status 0");
  });

  test("refuses what can't be, each with its reason and status, and shows an agent to its end", async () => {
    const shared = join(folder, "shared");
    mkdirSync(shared);
    writeFileSync(join(shared, "note"), "of the host");
    for (const more of [[], ["--detach"]])
      expect(await aios("up", "--mount", `${folder}:/all`, ...more)).toMatchObject({ status: 2 });
    const up = inTerminal("up", "--no-port", "--mount", `${shared}:/shared:ro`);
    await up.shows("is ready");
    const second = await aios("up", "--no-port");
    expect(second.status).toBe(1);
    expect(second.err).toBe(
      `error: state directory ${state}: another instance uses it: process ${readInstance(state)?.pid}\n`,
    );
    expect(await aios("run", "-a", hello)).toEqual({ status: 7, out: "hell 1\n", err: "help 2\n" });
    const words = "one\ntwo\n".repeat(4000);
    expect(await given(words, "run", "-i", cat)).toEqual({ status: 0, out: words, err: "" });
    expect(await given("", "run", "-i", cat)).toEqual({ status: 0, out: "", err: "" });
    // It doesn't read, and ends before its input does.
    expect(await given(null, "run", "-i", hello)).toMatchObject({ status: 7, out: "hell 1\n" });
    expect(await aios("run", "-a", traps, "-n", "traps")).toEqual({
      status: 137,
      out: "",
      err: "error: traps was ended by a fault (vector 6)\n",
    });
    const shown = inTerminal("run", "--attach", ticker);
    await shown.shows("tick 2\r\n");
    shown.type(CTRL_C);
    await shown.shows("status 130");
    expect((await aios("ps", "-q")).out).toBe("");
    expect(await aios("kill", "nobody")).toMatchObject({
      status: 1,
      err: "error: there is no agent default/nobody\n",
    });
    expect(await aios("run", join(folder, "none.wasm"))).toMatchObject({ status: 2 });
    expect(await aios("run", hello, "--cpu", "200%")).toMatchObject({ status: 2 });
    expect((await aios("run", hello, "-e", "X")).err).toContain('--env "X": NAME=VALUE is meant');
    const greets = join(folder, "greets.ts");
    writeFileSync(
      greets,
      'import { args } from "aios"; console.log("hello", ...args as string[]);',
    );
    expect(await aios("run", "-a", greets, "you")).toMatchObject({ status: 0, out: "hello you\n" });
    writeFileSync(
      greets,
      'import { readText } from "aios"; console.log(readText("/shared/note"));',
    );
    const reads = ["run", "-a", "--rm", "--cap", "FS_READ:/shared", greets];
    expect(await aios(...reads)).toMatchObject({ status: 0, out: "of the host\n" });
    writeFileSync(greets, "let x = ;");
    expect((await aios("run", greets)).err).toContain('greets.ts:1:9: Unexpected ";"');
    const text = join(folder, "text.txt");
    writeFileSync(text, "nothing");
    expect((await aios("run", text)).err).toContain("is nothing that can run: an image (.tar), ");
    const cut = join(folder, "cut.tar");
    writeFileSync(cut, "nothing");
    expect((await aios("run", cut)).err).toMatch(/^error: .*cut\.tar: image: byte 0: .*\(tar\)/);
    const once = ["run", "-t", "--rm", hello, "--name", "once"];
    expect(await aios(...once)).toMatchObject({ status: 7 });
    expect((await aios("ps", "-aq")).out).not.toContain("once");
    expect(await aios("run", "-d", ticker, "--name", "alone")).toMatchObject({ out: "alone\n" });
    expect((await aios("rm", "-f", "alone")).status).toBe(0);
    up.type(CTRL_C);
    await up.shows("status 0");
    const alone = await aios("ps");
    expect(alone.status).toBe(4);
    expect(alone.err).toMatch(/^error: no system answers at .*: start one with "aios up"\n$/);
  });

  test("goes on when nobody reads its log any more, and without a terminal none can be closed", async () => {
    const up = spawn("node", [CLI, "up", "--no-port"], { env, stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise((resolve) => up.on("close", resolve));
    let err = "";
    up.stderr.setEncoding("utf8").on("data", (text) => (err += text));
    await new Promise((resolve) => up.stdout.once("data", resolve));
    up.stdout.destroy();
    // Each is an event, and a line of the log.
    for (const name of ["first", "second"])
      expect(await aios("run", hello, "-n", name)).toMatchObject({ status: 0 });
    up.kill("SIGHUP");
    expect((await aios("rm", "-f", "first", "second")).status).toBe(0);
    up.kill("SIGTERM");
    expect([await ended, err]).toEqual([0, ""]);
  });

  test("is there again after kill -9, and keeps to itself", async () => {
    expect((await aios("up", "--detach", "--no-port")).status).toBe(0);
    process.kill(readInstance(state)?.pid ?? 0, "SIGKILL");
    expect(existsSync(join(state, "aios.sock"))).toBe(true);
    expect(await aios("ps")).toMatchObject({ status: 4 });
    const { out } = await aios("up", "--detach", "--port", "0");
    expect(Number(out)).toBe(readInstance(state)?.pid);
    expect(statSync(state).mode & 0o777).toBe(0o700);
    for (const file of ["aios.sock", "token", "instance.json"])
      expect(statSync(join(state, file)).mode & 0o777, file).toBe(0o600);

    const place = ["--host", `127.0.0.1:${readInstance(state)?.port}`];
    expect((await aios("ps", ...place)).err).toContain("a token is needed");
    const token = readFileSync(join(state, "token"), "utf8").trim();
    expect(await aios("ps", ...place, "--token", token)).toMatchObject({ status: 0 });
    const made = ["tokens", "--create", "little", "--cap", "PROC_READ:demo", "--expires", "1h"];
    const little = (await aios(...made)).out.trim();
    const shown = [...place, "--token", little];
    expect(await aios("ps", "-p", "demo", "-q", ...shown)).toEqual({ status: 0, out: "", err: "" });
    expect(await aios("ps", ...shown)).toMatchObject({ status: 1 });
    const [, id = ""] =
      /\n(\w{12}) +little .* in 59m +owner +PROC_READ:demo\n$/.exec((await aios("tokens")).out) ??
      [];
    expect(await aios("tokens", "--revoke", id)).toEqual({ status: 0, out: `${id}\n`, err: "" });
    expect((await aios("ps", "-p", "demo", ...shown)).err).toContain("was revoked");
    const many = { project: "many", jobs: { tick: { image: "hello:0.0.0", every: 3600 } } };
    expect((await aios("load", hello)).status).toBe(0);
    const other = join(folder, "other.json");
    writeFileSync(other, '{ "project": "other" }');
    const applied = await given(JSON.stringify(many), "apply", "-f", other, "-f", "-");
    expect(applied).toEqual({ status: 0, out: "other is empty\nmany/tick created\n", err: "" });
    expect((await aios("jobs", "--cancel", "many/tick")).out).toBe("tick\n");
    expect((await aios("jobs", "many/tick")).out).toMatch(/ every 3600s +suspended /);
    expect((await aios("projects", "--rm", "many")).out).toBe("many\n");
    expect((await aios("projects", "-q")).out).not.toContain("many");
    expect(await aios("jobs", "--cancel")).toMatchObject({ status: 2 });
    expect(await aios("jobs", "nightly")).toMatchObject({ status: 1 });
    for (const name of ["one", "many/two"]) {
      const [agent = "", project = "default"] = name.split("/").reverse();
      await aios("run", ticker, "-n", agent, "-p", project);
    }
    const { out: names } = await aios("ps", "-q");
    expect((await aios("kill", "-9", "one")).err).toBe("error: unknown option '-9'\n");
    expect((await aios("apply", "-f", "compose.yaml")).err).toContain("a document is JSON");
    const both = inTerminal("logs", "-f", "one", "many/two");
    await both.shows("one      | tick");
    await both.shows("many/two | tick");
    both.type(CTRL_C);
    await both.shows("status 0");
    expect(names).toBe("one\nmany/two\n");
    expect(await aios("rm", "-f", "nobody", ...names.trim().split("\n"))).toEqual({
      status: 1,
      out: names,
      err: "error: there is no agent default/nobody\n",
    });
    const lines = await given("run -n one hello:0.0.0\nps -aq\nrm -f one", "shell", "-p", "many");
    expect(lines).toEqual({ status: 0, out: "one\none\none\n", err: "" });
    expect(await aios("down")).toEqual({ status: 0, out: "", err: "" });
    expect(await aios("down")).toMatchObject({ status: 4 });
  });
});
