/** What `aios boot` is given and can't use: refused by name, with status 2, before anything runs. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { Machine } from "../../sim/host/machine.ts";
import { guestImage } from "../../sim/host/testing/guest64.ts";
import { elfFile } from "../image/elf-write.ts";
import type { BootArguments } from "./boot.ts";
import { runBoot } from "./boot-run.ts";
import type { DriveArgument } from "./drive.ts";

const MIB = 1024 * 1024;
const HLT = "f4";
/** The user who owns nothing, for tests that root runs. */
const NOBODY = 65_534;
let folder = "";
const at = (name: string) => join(folder, name);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aios-bad-"));
  chmodSync(folder, 0o755);
  mkdirSync(at("folder"));
  writeFileSync(at("empty"), "");
  writeFileSync(at("text"), "#!/bin/sh\necho no kernel\n");
  writeFileSync(at("good"), guestImage(HLT));
  writeFileSync(at("short"), guestImage(HLT).subarray(0, 0x400));
  writeFileSync(at("large"), "");
  truncateSync(at("large"), 2 ** 31);
  writeFileSync(
    at("agent"),
    elfFile({ segments: [{ address: 0x40_0000, bytes: Uint8Array.of(0xf4) }] }),
  );
  const hostile = elfFile({ segments: [{ address: 0xffff_f000, bytes: Uint8Array.of(0xf4) }] });
  writeFileSync(at("high-agent"), hostile);
  writeFileSync(
    at("cut-agent"),
    elfFile({ segments: [{ address: 0x40_0000, bytes: HEAD }] }).subarray(0, 90),
  );
  writeFileSync(at("symbols"), "this is no address\n");
  writeFileSync(at("placeholder"), "ffffffffffffffff B The real System.map is elsewhere\n");
  execFileSync("mkfifo", [at("pipe")]);
});
afterAll(() => rmSync(folder, { recursive: true }));

const HEAD = new Uint8Array(64);
const boot: BootArguments = {
  cpus: 1,
  memory: 64 * MIB,
  drive: [],
  nic: false,
  whenIdle: "power-off",
  json: false,
};
const drive = (name: string, more: Partial<DriveArgument> = {}): DriveArgument => ({
  file: at(name),
  blockBytes: 512,
  interface: "nvme",
  readOnly: false,
  overlay: false,
  ...more,
});

let said = "";
beforeEach(() => {
  said = "";
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    said += String(text);
    return true;
  });
  vi.spyOn(Machine.prototype, "run").mockImplementation(() => {
    throw new Error("the machine has run");
  });
});
afterEach(() => void vi.restoreAllMocks());

const kernel = (name: string) => ({ kernel: at(name) });

describe("aios boot refuses", () => {
  test.each<[string, () => Partial<BootArguments>, RegExp]>([
    ["a kernel that isn't there", () => kernel("nowhere"), /nowhere: .*no such file/],
    ["a folder", () => kernel("folder"), /folder: not a regular file/],
    ["a pipe, which might never end", () => kernel("pipe"), /pipe: not a regular file/],
    ["a device", () => ({ kernel: "/dev/zero" }), /\/dev\/zero: not a regular file/],
    [
      "a file larger than any kernel",
      () => kernel("large"),
      /large: has 2147483648 bytes, more than/,
    ],
    ["an empty kernel", () => kernel("empty"), /kernel: neither a Linux bzImage/],
    ["a text file", () => kernel("text"), /kernel: neither a Linux bzImage/],
    ["a bzImage that is cut off", () => kernel("short"), /kernel: truncated: /],
    [
      "an initrd that isn't there",
      () => ({ ...kernel("good"), initrd: at("nowhere") }),
      /nowhere: /,
    ],
    [
      "an initrd that is a folder",
      () => ({ ...kernel("good"), initrd: at("folder") }),
      /folder: not a/,
    ],
    ["an initrd larger than RAM", () => ({ ...kernel("good"), initrd: at("large") }), /large: has/],
    ["a long command line", () => ({ ...kernel("good"), append: "x".repeat(2048) }), /takes 2047/],
    [
      "a huge command line",
      () => ({ ...kernel("good"), append: "x".repeat(1 << 17) }),
      /command line: 131072/,
    ],
    [
      "too little RAM",
      () => ({ ...kernel("good"), memory: MIB }),
      /memory: 1048576 bytes; too little/,
    ],
    ["too much RAM", () => ({ ...kernel("good"), memory: 4096 * MIB }), /memory: .* too much/],
    [
      "RAM in which the kernel has no room",
      () => ({ ...kernel("good"), memory: 2 * MIB }),
      /it needs \d+ bytes of RAM/,
    ],
    ["no CPU", () => ({ ...kernel("good"), cpus: 0 }), /cpus: 0; /],
    ["too many CPUs", () => ({ ...kernel("good"), cpus: 65 }), /cpus: 65; /],
    [
      "symbols that are none",
      () => ({ ...kernel("good"), symbols: at("symbols") }),
      /symbols: line 1/,
    ],
    [
      "Debian's System.map, which has no symbols",
      () => ({ ...kernel("good"), symbols: at("placeholder") }),
      /placeholder: there are no addresses in it/,
    ],
    ["symbols that are a pipe", () => ({ ...kernel("good"), symbols: at("pipe") }), /pipe: not a/],
    ["an initrd without a kernel", () => ({ initrd: at("text") }), /--initrd is for a --kernel/],
    [
      "an agent beside a kernel",
      () => ({ ...kernel("good"), agent: at("agent") }),
      /--agent is for/,
    ],
    ["an agent that isn't there", () => ({ agent: at("nowhere") }), /nowhere: /],
    ["an agent that is a pipe", () => ({ agent: at("pipe") }), /pipe: not a regular file/],
    [
      "an agent that is no ELF file",
      () => ({ agent: at("text") }),
      /text can't be an agent: not-elf/,
    ],
    [
      "an agent outside of its space",
      () => ({ agent: at("high-agent") }),
      /high-agent can't be an agent: /,
    ],
    [
      "an agent that is cut off",
      () => ({ agent: at("cut-agent") }),
      /cut-agent can't be an agent: truncated/,
    ],
    ["a drive that isn't there", () => ({ drive: [drive("nowhere")] }), /drive .*nowhere: /],
    [
      "a drive that is a folder",
      () => ({ drive: [drive("folder")] }),
      /folder: it is not a regular file/,
    ],
    ["an empty drive", () => ({ drive: [drive("empty")] }), /empty: the file is empty/],
    [
      "a drive of less than a block",
      () => ({ drive: [drive("text")] }),
      /drive 0: .* less than a block of 512/,
    ],
  ])("%s", async (_, options, message) => {
    const status = await runBoot({ ...boot, ...options() });
    expect(said).toMatch(message);
    expect(said).toMatch(/^aios: [^\n]*\n$/);
    expect(status).toBe(2);
  });

  test("a drive that may not be written to, unless it is overlaid or read-only", async () => {
    writeFileSync(at("protected"), new Uint8Array(4096));
    chmodSync(at("protected"), 0o444);
    const asNobody = async (more: Partial<DriveArgument>) => {
      const root = process.geteuid?.() === 0;
      if (root) process.seteuid?.(NOBODY);
      try {
        return await runBoot({ ...boot, kernel: at("good"), drive: [drive("protected", more)] });
      } finally {
        if (root) process.seteuid?.(0);
      }
    };
    expect(await asNobody({})).toBe(2);
    expect(said).toMatch(/^aios: drive .*protected: EACCES: permission denied/);
    for (const more of [{ readOnly: true }, { overlay: true }])
      await expect(asNobody(more)).rejects.toThrow("the machine has run");
  });
});
