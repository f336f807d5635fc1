/** Debian's kernel at a real terminal, from the command line: typed at, left, snapshotted, gone on with. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { busyboxInitrd, debianKernel, PROMPT, SHELL } from "../../sim/host/testing/debian.ts";
import { Pty } from "./testing-pty.ts";

const CLI = ["pkg/cli.js", "boot"];
const folder = mkdtempSync(join(tmpdir(), "aios-debian-"));
afterAll(() => {
  Pty.killAll();
  rmSync(folder, { recursive: true });
});
const initrd = join(folder, "initrd");
const atPrompt = join(folder, "prompt.snapshot");

const GUEST_OPTIONS = [
  "--memory",
  "512M",
  "--initrd",
  initrd,
  "--append",
  "console=ttyS0 panic=-1",
];

/** The snapshot at the shell's prompt, which is made once. */
function snapshot(): string {
  const kernel = debianKernel();
  if (statSync(atPrompt, { throwIfNoEntry: false })) return atPrompt;
  writeFileSync(initrd, busyboxInitrd(SHELL));
  const until = ["--until-console", PROMPT, "--until", "60s", "--snapshot", atPrompt];
  const { status, stdout, stderr } = spawnSync(
    "node",
    [...CLI, "--kernel", kernel, ...GUEST_OPTIONS, ...until],
    { encoding: "utf8" },
  );
  expect([status, stderr]).toEqual([0, ""]);
  expect(stdout).toContain(PROMPT);
  return atPrompt;
}

const CTRL_A = "\x01";
const CTRL_C = "\x03";

/** The command between two looks at the terminal's settings, which must be the same. */
const inTerminal = (...options: string[]) =>
  new Pty(`stty -g; node ${[...CLI, ...options].join(" ")}; echo "status $?"; stty -g`);

/** Settings, as `stty -g` prints them. */
const settings = (text: string) => /[0-9a-f]+(:[0-9a-f]+){10,}/.exec(text)?.[0];

describe("Debian at a terminal", { timeout: 120_000 }, () => {
  test("goes on from a snapshot at its prompt, is typed at, interrupted and turned off", async () => {
    const pty = inTerminal("--restore", snapshot());
    const before = settings(await pty.shows("\n"));
    await pty.shows(PROMPT);
    pty.type("uname -sm\r");
    expect(await pty.shows(PROMPT)).toContain("\nLinux x86_64\r");
    pty.type("sleep 1000\r");
    await pty.shows("sleep 1000\r");
    pty.type(CTRL_C);
    await pty.shows(PROMPT);
    pty.type("echo ended with $?\r");
    expect(await pty.shows(PROMPT)).toContain("\nended with 130\r");
    pty.type(`cho at the beginning${CTRL_A}${CTRL_A}e\r`);
    expect(await pty.shows(PROMPT)).toContain("\nat the beginning\r");
    pty.type(`${CTRL_A}h`);
    expect(await pty.shows("send Ctrl-A")).toContain("Ctrl-A x  leave");
    await pty.shows("\n");
    pty.type(`${CTRL_A}techo timed\r`);
    expect(await pty.shows(PROMPT)).toMatch(/\n\[00:00:\d\d\.\d{3}\] timed\r/);
    pty.type(`${CTRL_A}t`);
    pty.type("dmesg -n 8; echo 1 > /proc/sys/kernel/sysrq\r");
    await pty.shows(PROMPT);
    pty.type(`${CTRL_A}bh`);
    await pty.shows("sysrq: HELP");
    pty.type("\rpoweroff -f\r");
    await pty.shows("status 0");
    expect(await pty.ended).toBe(0);
    expect(settings(await pty.shows("\n").then(() => pty.shows("\n")))).toBe(before);
  });

  test("is left by Ctrl-A x with status 3, and gives the terminal back", async () => {
    const pty = inTerminal("--restore", snapshot());
    const before = settings(await pty.shows("\n"));
    await pty.shows(PROMPT);
    pty.type(`${CTRL_A}x`);
    await pty.shows("status 3");
    expect(settings(await pty.shows("\n").then(() => pty.shows("\n")))).toBe(before);
    await pty.ended;
  });

  test("takes its commands from a pipe, too", () => {
    const { status, stdout } = spawnSync("node", [...CLI, "--restore", snapshot()], {
      encoding: "utf8",
      input: "uname -a\nnproc\npoweroff -f\n",
    });
    expect(stdout).toMatch(/Linux \(none\) .*-cloud-amd64 .* x86_64 GNU\/Linux\r\n/);
    expect(status).toBe(0);
  });
});

describe("--restore", () => {
  const refused = (...options: string[]) => {
    const { status, stderr } = spawnSync("node", [...CLI, ...options], { encoding: "utf8" });
    expect(status).toBe(2);
    return stderr;
  };

  test("refuses what is no snapshot, and options that a snapshot has itself", () => {
    const file = join(folder, "no-snapshot");
    writeFileSync(file, "AIOSBOOK");
    expect(refused("--restore", file)).toContain("this is no snapshot");
    expect(refused("--restore", join(folder, "nowhere"))).toContain("nowhere");
    for (const option of [
      ["--cpus", "2"],
      ["--memory", "1G"],
      ["--kernel", "vmlinuz"],
      ["--seed", "ab".repeat(32)],
    ])
      expect(refused("--restore", file, ...option)).toContain("cannot be used with option");
  });

  test("refuses a snapshot that was cut off, and drives that it hasn't had", () => {
    const drive = join(folder, "drive.img");
    writeFileSync(drive, new Uint8Array(1 << 20));
    const whole = snapshot();
    expect(refused("--restore", whole, "--drive", `${drive},snapshot=on`)).toContain("drives:");
    const cut = join(folder, "cut");
    writeFileSync(cut, spawnSync("head", ["-c", "1000000", whole], { maxBuffer: 1 << 24 }).stdout);
    expect(refused("--restore", cut)).toContain("ends beyond the file's end");
  });
});
