import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildBootImage } from "../image/index.ts";

const CLI = ["pkg/cli.js", "boot"];
const folder = mkdtempSync(join(tmpdir(), "aios-boot-"));
const image = join(folder, "disk.img");

interface Result {
  readonly reason: string;
  readonly exitStatus: number;
  readonly stateHash: string;
  readonly panic: { readonly error: string } | null;
  readonly console: string;
  readonly virtualTimeNs: number;
}

const aios = (...options: string[]) =>
  spawnSync("node", [...CLI, ...options], { encoding: "utf8" });
const json = (...options: string[]) => JSON.parse(aios(...options, "--json").stdout) as Result;

beforeAll(async () => {
  const data = new TextEncoder().encode("hello\n");
  writeFileSync(image, await buildBootImage({ entries: [{ name: "hello.txt", data }] }));
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("aios boot", () => {
  test("prints the console of a machine that boots and powers off, with status 0", () => {
    const { status, stdout, stderr } = aios("--cpus", "2", "--memory", "64M", "--drive", image);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    expect(stdout).toContain("processors: 2 online");
    expect(stdout).toContain("hello.txt (6 bytes)");
    expect(stdout.trimEnd().endsWith("power off")).toBe(true);
  });

  test("boots without any drive from an image of its own", () => {
    const { status, stdout } = aios();
    expect(status).toBe(0);
    expect(stdout).toContain("kernel.wasm");
    expect(stdout).toContain("NVMe namespace 2");
  });

  test("tells all in one JSON object, the same for the same machine", () => {
    const result = json("--drive", image);
    expect(result).toMatchObject({ reason: "power-off", exitStatus: 0, panic: null });
    expect(json("--drive", image).stateHash).toBe(result.stateHash);
    expect(json("--drive", image, "--seed", "ab".repeat(32)).stateHash).not.toBe(result.stateHash);
  });

  test("ends with status 1 and the error's name when the kernel panics", () => {
    const blank = join(folder, "blank.img");
    writeFileSync(blank, new Uint8Array(1 << 20));
    const { status, stdout } = aios("--drive", blank);
    expect(status).toBe(1);
    expect(stdout).toContain("panic: not-gpt");
    expect(json("--drive", blank).panic?.error).toBe("not-gpt");
  });

  test("ends with status 3 at its limit, and when idle if it is to stop there", () => {
    expect(aios("--drive", image, "--until", "1ms").status).toBe(3);
    const stopped = aios("--drive", image, "--when-idle", "stop");
    expect(stopped.status).toBe(3);
    expect(stopped.stdout).not.toContain("power off");
  });

  test("leaves the image as it was when it is read-only or overlaid", () => {
    const before = readFileSync(image);
    for (const option of ["snapshot=on", "readonly=on"])
      expect(aios("--drive", `${image},${option}`).status).toBe(0);
    expect(readFileSync(image).equals(before)).toBe(true);
  });

  test.each([
    [["--cpus", "65"], "cpus: 65; the platform has at most 64"],
    [["--cpus", "two"], "cpus"],
    [["--memory", "1"], "memory: 1048576 bytes"],
    [["--memory", "lots"], "lots"],
    [["--until", "soon"], '"soon" is not a time'],
    [["--drive", "/nowhere/disk.img"], "/nowhere/disk.img"],
    [["--drive", "x.img,if=ide"], "if=ide"],
    [["--drive", "/tmp"], "not a regular file"],
    [["--seed", "12"], "64 hexadecimal digits"],
    [["--smp", "4"], "unknown option '--smp'"],
  ])("refuses %j with status 2 and a line that says why", (options, message) => {
    const { status, stderr } = aios(...options);
    expect(stderr).toContain(message);
    expect(status).toBe(2);
  });

  test("refuses an empty image by name", () => {
    const empty = join(folder, "empty.img");
    writeFileSync(empty, "");
    const { status, stderr } = aios("--drive", empty);
    expect([status, stderr]).toEqual([2, expect.stringContaining("the file is empty")]);
  });

  test("writes a trace, a journal and a snapshot", () => {
    const file = (name: string) => join(folder, name);
    const options = ["--trace", file("t.json"), "--journal", file("j"), "--snapshot", file("s")];
    expect(aios("--drive", `${image},snapshot=on`, ...options).status).toBe(0);
    const trace = JSON.parse(readFileSync(file("t.json"), "utf8")) as { traceEvents: unknown[] };
    expect(trace.traceEvents.length).toBeGreaterThan(50);
    expect(statSync(file("s")).size).toBeGreaterThan(100_000);
    expect(statSync(file("j")).size).toBeGreaterThan(100);
  });

  test("its help names every option, the exit statuses and examples", () => {
    const help = execFileSync("node", [...CLI, "--help"], { encoding: "utf8" });
    for (const text of [
      "--cpus",
      "--memory",
      "--drive",
      "--until",
      "--trace",
      "--json",
      "Exit status",
    ])
      expect(help).toContain(text);
  });
});
