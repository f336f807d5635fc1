/** `aios boot --gdb`: stock gdb on Debian, on a Multiboot guest and on an agent in ring 3. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesOf } from "../../sim/host/testing/code.ts";
import { busyboxInitrd, debianKernel } from "../../sim/host/testing/debian.ts";
import { requireTool } from "../../sim/host/testing/tools.ts";
import { elfFile } from "../image/elf-write.ts";

const WAIT_MS = 50_000;
let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aios-gdb-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

/** What a child prints, and its exit status once it has ended. */
function listen(child: ChildProcess) {
  const printed = { out: "", err: "" };
  child.stdout?.on("data", (bytes: Buffer) => {
    printed.out += bytes.toString("latin1");
  });
  child.stderr?.on("data", (bytes: Buffer) => {
    printed.err += bytes.toString("latin1");
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  return { printed, ended };
}

interface Debugged {
  /** What gdb has said. */
  readonly said: string;
  readonly status: number | null;
  readonly console: string;
}

/** Boots with `options`; gdb attaches and executes the commands. */
async function debug(options: readonly string[], commands: readonly string[]): Promise<Debugged> {
  const gdb = requireTool("gdb");
  const machine = spawn(process.execPath, ["pkg/cli.js", "boot", "--gdb", "0", ...options], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const heard = listen(machine);
  const limit = setTimeout(() => machine.kill(), WAIT_MS);
  try {
    const target = await targetOf(heard.printed);
    const all = ["set confirm off", "set pagination off", target, ...commands];
    const script = ["-nx", "-batch", ...all.flatMap((text) => ["-ex", text])];
    // What the monitor answers, gdb prints on stderr: in its place among the rest.
    const child = spawn("sh", ["-c", 'exec "$0" "$@" 2>&1', gdb, ...script]);
    const { printed, ended } = listen(child);
    await ended;
    const status = await heard.ended;
    return { said: printed.out + printed.err, status, console: heard.printed.out };
  } finally {
    clearTimeout(limit);
    machine.kill();
  }
}

/** The command that the machine's own line tells. */
async function targetOf(printed: { readonly err: string }): Promise<string> {
  for (let waited = 0; waited < WAIT_MS; waited += 20) {
    const target = /target remote 127\.0\.0\.1:\d+/.exec(printed.err)?.[0];
    if (target) return target;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`no line for gdb: ${printed.err}`);
}

/** Commands whose answers are found by that name. */
const named = (name: string, ...commands: readonly string[]) => [
  `echo =${name}\\n`,
  ...commands,
  "echo =\\n",
];

function answers(said: string): Map<string, string> {
  const parts = said.split(/^=(\w*)$/m);
  const pairs = new Map<string, string>();
  for (let n = 1; n + 1 < parts.length; n += 2)
    pairs.set(parts[n] ?? "", (parts[n + 1] ?? "").trim());
  return pairs;
}
const hashOf = (text = "") => /^[0-9a-f]{64}$/m.exec(text)?.[0];

describe("gdb attaches to", { timeout: 2 * WAIT_MS }, () => {
  test("Debian's kernel on two CPUs, goes forth and back over its interrupts, and lets it go", async () => {
    const initrd = file("initrd", busyboxInitrd("echo == at the end\npoweroff -f\n"));
    const append = "console=ttyS0 quiet nokaslr panic=-1";
    const { said, status, console } = await debug(
      [
        "--kernel",
        debianKernel(),
        "--initrd",
        initrd,
        "--append",
        append,
        "--cpus",
        "2",
        "-m",
        "512M",
      ],
      [
        "monitor until 900000000",
        "continue",
        // The gate of the local timer's vector, 0xec (Linux, irq_vectors.h), leads to its handler.
        "set $gate = (unsigned long *) ($idt_base + 16 * 0xec)",
        "set $timer = ($gate[0] & 0xffff) | ($gate[0] >> 48 << 16) | ($gate[1] << 32)",
        "break *$timer",
        "continue",
        ...named("first", "monitor info hash", "p $pc == $timer"),
        "stepi",
        ...named("inside", "monitor info hash"),
        "continue",
        "continue",
        ...named("third", "monitor info hash"),
        "reverse-stepi",
        ...named("interrupted", "p $pc == $timer", "p $eflags & 0x200"),
        "stepi",
        ...named("again", "monitor info hash"),
        "reverse-continue",
        "reverse-continue",
        ...named("back", "monitor info hash"),
        "stepi",
        ...named("insideAgain", "monitor info hash"),
        ...named(
          "physical",
          "p/x *(long *) 0xffffffff81000000",
          "maintenance packet Qqemu.PhyMemMode:1",
          "maintenance flush dcache",
          "p/x *(long *) 0x1000000",
          "maintenance packet Qqemu.PhyMemMode:0",
        ),
        "delete",
        "tbreak *$lstar",
        "continue",
        ...named("threads", "info threads"),
        "reverse-stepi",
        ...named("syscall", "x/i $pc"),
        "detach",
      ],
    );
    const found = answers(said);
    expect(found.get("first"), said).toContain("$1 = 1");
    expect(hashOf(found.get("again"))).toBe(hashOf(found.get("third")));
    expect(found.get("interrupted")).toMatch(/= 0\n.*= 512/);
    expect(hashOf(found.get("back"))).toBe(hashOf(found.get("first")));
    expect(hashOf(found.get("insideAgain"))).toBe(hashOf(found.get("inside")));
    expect(new Set([...found.values()].map(hashOf)).size).toBe(1 + 3);
    expect(found.get("threads")).toMatch(/Thread 1 \(CPU 0 .*\n.*Thread 2 \(CPU 1 /);
    expect(found.get("syscall")).toMatch(/syscall\s*$/);
    // The kernel's text lies at 16 MiB, where it was linked to (nokaslr).
    expect(found.get("physical")).toMatch(/= (0x[0-9a-f]{8,})\n(?:.*\n)*.*= \1\n/);
    expect(console).toContain("== at the end");
    expect(status).toBe(0);
  });

  test("a Multiboot guest, whose code is of 32 bits, and takes it for 16-bit code when told", async () => {
    const { said, status } = await debug(
      ["--kernel", file("multiboot", multiboot()), "-m", "32M"],
      [
        ...named("architecture", "show architecture", "x/3i $pc"),
        "stepi 2",
        ...named("place", "p/x $eip", "p $eax"),
        "watch *(int *) 0x200000",
        "continue",
        ...named("watched", "p *(int *) 0x200000"),
        "continue",
        "reverse-continue",
        "reverse-continue",
        ...named("unwatched", "p *(int *) 0x200000", "p/x $eip"),
        "monitor architecture i8086",
        "unset tdesc filename",
        ...named("real", "show architecture", "p $eax"),
        "kill",
      ],
    );
    const found = answers(said);
    expect(found.get("architecture"), said).toMatch(/currently "i386"/);
    expect(found.get("architecture")).toMatch(/xor +%eax,%eax\n.*inc +%eax\n.*mov +%eax,0x200000/);
    expect(found.get("place")).toBe("$1 = 0x100023\n$2 = 1");
    expect(found.get("watched")).toMatch(/= 1$/);
    expect(found.get("unwatched")).toMatch(/= 0\n.* = 0x100023$/);
    expect(found.get("real")).toMatch(/currently "i8086"/);
    expect(status).toBe(3);
  });

  test("an agent of our own kernel in ring 3, and back to its beginning", async () => {
    // inc rax; jmp to it
    const agent = elfFile({ segments: [{ address: 0x40_1000, bytes: bytesOf("48ffc0 ebfb") }] });
    const { said, status } = await debug(
      ["--agent", file("agent.elf", agent)],
      [
        "break *0x401000",
        "continue",
        ...named("born", "p $rax", "p $cs & 3"),
        // Its text is mapped at its first instruction's fault: the kernel's turn is a step, too.
        "stepi",
        "delete",
        "stepi 2",
        ...named("early", "p $rax", "monitor info hash"),
        "stepi 7",
        ...named("later", "p $rax", "x/2i 0x401000"),
        "reverse-stepi 7",
        ...named("again", "p $rax", "monitor info hash"),
        "kill",
      ],
    );
    const found = answers(said);
    expect(found.get("born"), said).toMatch(/^\$1 = 0\n\$2 = 3$/m);
    expect(found.get("later")).toMatch(/\$4 = 4\n.*inc +%rax\n.*jmp +0x401000/);
    expect(found.get("early")).toMatch(/^\$3 = 1\n[0-9a-f]{64}$/);
    expect(found.get("again")).toBe(found.get("early")?.replace("$3", "$5"));
    expect(status).toBe(3);
  });
});

/** An a.out-kludge image (Multiboot 0.6.96, 3.1) at 1 MiB whose code counts in EAX and at 2 MiB. */
function multiboot(): Uint8Array {
  const [magic, flags, at, code] = [0x1bad_b002, 0x1_0000, 0x10_0000, "31c0 40 a300002000 ebf8"];
  const image = new Uint8Array(0x1000);
  const header = [
    magic,
    flags,
    -(magic + flags) >>> 0,
    at,
    at,
    at + 0x1000,
    at + 0x1000,
    at + 0x20,
  ];
  new Uint32Array(image.buffer, 0, header.length).set(header);
  image.set(bytesOf(code), 0x20);
  return image;
}
