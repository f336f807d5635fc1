import { createHash } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import type { Machine } from "../../sim/host/machine.ts";
import { USER_TEXT } from "../../sim/spec/user.ts";
import { countFrames, holderOf, ownedFrames, walkTables } from "../host/testing/accounting.ts";
import { type BootOptions, bootWith, type Outcome, pressButton } from "../host/testing/boot.ts";
import { HELLO, LARGE, smallImage } from "../host/testing/images.ts";

const MIB = 1024 * 1024;
const DIRECT_MAP = 0xffff_8000_0000_0000n;
const STACKS = 0xffff_c000_0000_0000n;
const KERNEL_TEXT = 0xffff_ffff_8000_0000n;
const sha256 = (data: Uint8Array) => createHash("sha256").update(data).digest("hex");

let image: Uint8Array;
let image4096: Uint8Array;
/** A disk with tables and no bundle. */
const blank = new Uint8Array(4 * MIB);
beforeAll(async () => {
  image = await smallImage();
  image4096 = await smallImage(4096);
});

function expectBoot(outcome: Outcome): void {
  expect(outcome.result).toBe("booted");
  expect(outcome.kernel.entries.map(({ name, digest }) => [name, digest])).toEqual([
    [HELLO.name, sha256(HELLO.data)],
    [LARGE.name, sha256(LARGE.data)],
  ]);
  const content = Buffer.from(outcome.kernel.entries[1]?.data ?? []);
  expect(content.equals(LARGE.data)).toBe(true);
}

const CONFIGURATIONS: [string, () => BootOptions][] = [
  ["1 processor", () => ({ cpus: 1, drives: [image] })],
  ["2 processors", () => ({ cpus: 2, drives: [image] })],
  ["4 processors", () => ({ cpus: 4, drives: [image] })],
  ["64 processors", () => ({ cpus: 64, drives: [image] })],
  ["64 processors and SATA", () => ({ cpus: 64, drives: [{ data: image, interface: "ahci" }] })],
  ["16 MiB", () => ({ memory: 16 * MIB, drives: [image] })],
  ["32 MiB", () => ({ memory: 32 * MIB, drives: [image] })],
  ["256 MiB", () => ({ memory: 256 * MIB, drives: [image] })],
  ["an odd amount of RAM", () => ({ memory: 77 * MIB + 0x1_0000, drives: [image] })],
  ["4096-byte blocks", () => ({ drives: [{ data: image4096, blockBytes: 4096 }] })],
  ["SATA", () => ({ drives: [{ data: image, interface: "ahci" }] })],
  [
    "SATA with 4096-byte blocks",
    () => ({ drives: [{ data: image4096, blockBytes: 4096, interface: "ahci" }] }),
  ],
  ["a read-only drive", () => ({ drives: [{ data: image, readOnly: true }] })],
  ["an overlay", () => ({ drives: [{ data: image, overlay: true }] })],
  ["the bundle on the second namespace", () => ({ drives: [blank, image] })],
  ["the bundle on the third of four", () => ({ drives: [blank, blank, image, blank] })],
  [
    "the bundle on a SATA drive behind NVMe ones",
    () => ({
      drives: [blank, { data: blank, interface: "ahci" }, { data: image, interface: "ahci" }],
    }),
  ],
  ["the bundle on each of two drives", () => ({ drives: [image, image] })],
  ["a network controller", () => ({ drives: [image], nic: [0x52, 0x54, 0, 0x12, 0x34, 0x56] })],
];

describe("the machine boots to idle and turns off", () => {
  test.each(CONFIGURATIONS)("with %s", async (_name, options) => {
    const outcome = await bootWith(options());
    expectBoot(outcome);
    const cpus = options().cpus ?? 1;
    expect(outcome.kernel.root.cpuCount).toBe(cpus);
    expect(outcome.console).toContain(`processors: ${cpus} online`);
    expectAllAccountedFor(outcome);
    expectValidTables(outcome);
    expect(pressButton(outcome.machine)).toBe("power-off");
    expect(outcome.machine.consoleText).toMatch(/power button: stopping\r?\npower off\r?\n$/);
  });

  test("with 3 GiB, which lie on both sides of the PCI hole", async () => {
    const outcome = await bootWith({ memory: 3072 * MIB, drives: [image] });
    expectBoot(outcome);
    const { frames } = outcome.kernel;
    expect(frames.count).toBe((3072 * MIB) / 4096);
    const owned = Object.values(ownedFrames(outcome.kernel)).reduce((sum, count) => sum + count, 0);
    expect(frames.free + owned).toBe(frames.count);
    expectValidTables(outcome);
    expect(outcome.console).toMatch(/0x000100000000-0x00013fffffff {2}usable RAM/);
    expect(pressButton(outcome.machine)).toBe("power-off");
  });

  test("and leaves a drive as it was", async () => {
    const before = sha256(image);
    const outcome = await bootWith({ drives: [image] });
    expect(pressButton(outcome.machine)).toBe("power-off");
    expect(sha256(image)).toBe(before);
    expect(outcome.machine.drives[0]?.changes()).toEqual([]);
  });
});

/** Every frame of RAM is free or somebody's, and the allocator's own counts say the same. */
function expectAllAccountedFor({ machine, kernel }: Outcome): void {
  const counted = countFrames(kernel);
  expect(counted.lost).toBe(0);
  expect(counted.free).toBe(kernel.frames.free);
  expect(counted.owned).toEqual(ownedFrames(kernel));
  expect(kernel.frames.count).toBe(machine.physical.size / 4096);
  const { firmware, bundle, driver } = counted.owned;
  expect(firmware).toBe(256);
  expect(bundle).toBeGreaterThan(LARGE.data.length / 4096);
  expect(driver).toBeGreaterThan(0);
}

/** The tables that all processors use map RAM once in the direct map, and nothing that is W and X. */
function expectValidTables({ machine, kernel }: Outcome): void {
  const roots = new Set(machine.sim.cpus.slice(0, kernel.root.cpuCount).map(({ cr3 }) => cr3));
  expect(roots.size).toBe(1);
  const [root = 0n] = roots;
  const { leaves, tables } = walkTables(machine, root);
  expect(new Set(tables).size).toBe(tables.length);
  for (const table of tables) expect(holderOf(kernel, ramOffset(table))).toBe("page-table");
  // Users see one page of the kernel's: the runtime text, which they may read and execute.
  const shared = leaves.filter(({ user }) => user);
  expect(shared.map(({ linear, writable }) => [Number(linear), writable])).toEqual([
    [USER_TEXT, false],
  ]);
  expect(leaves.filter(({ writable, executable }) => writable && executable)).toEqual([]);
  expect(directBytes(leaves)).toBe(usableBytes(machine));
  const stacks = leaves.filter(({ linear }) => linear >= STACKS && linear < KERNEL_TEXT);
  expect(stacks.length).toBe(kernel.root.cpuCount * 4);
  expect(new Set(stacks.map(({ physical }) => physical)).size).toBe(stacks.length);
  for (const { physical } of stacks) expect(holderOf(kernel, physical)).toBe("kernel");
}

/** RAM behind the PCI hole follows the RAM below it in the frame table. */
const ramOffset = (physical: bigint) =>
  physical >= 0x1_0000_0000n ? physical - 0x1_0000_0000n + 0x8000_0000n : physical;

function directBytes(leaves: ReturnType<typeof walkTables>["leaves"]): bigint {
  let sum = 0n;
  for (const { linear, physical, bytes } of leaves) {
    if (linear < DIRECT_MAP || linear >= STACKS) continue;
    expect(linear - DIRECT_MAP).toBe(physical);
    sum += bytes;
  }
  return sum;
}

/** The first two megabytes are mapped as a whole. */
const usableBytes = (machine: Machine) => BigInt(machine.physical.size);

describe("the console tells", () => {
  let lines: string[];
  beforeAll(async () => {
    const drives = [{ data: image }, { data: image4096, blockBytes: 4096, readOnly: true }];
    const { console } = await bootWith({ cpus: 4, memory: 256 * MIB, drives });
    lines = console.split(/\r?\n/);
  });

  test.each([
    ["the memory map", /^ {2}0x000000100000-0x00000fffffff {2}usable RAM$/],
    ["the RSDP and the processors", /^acpi: RSDP at 0xe[0-9a-f]{4}, 4 processors, 1 I\/O APIC/],
    ["HPET, ECAM and remapping units", /^acpi: HPET at 0xfed00000, ECAM at 0xb0000000 .*1 DMA rem/],
    ["the interrupt controllers", /^interrupts: x2APIC, I\/O APIC at 0xfec00000 with 24 lines/],
    ["the timers, calibrated", /^timers: TSC 1000000 kHz, local APIC 1000000 kHz, measured by/],
    ["the processors that started", /^processors: 4 online$/],
    ["the host bridge", /^pci 00:00\.0 \[8086:29c0\] class 060000 host bridge$/],
    ["the root port", /^pci 00:03\.0 \[8086:3420\] class 060400 PCI bridge$/],
    ["the NVMe controller", /^pci 01:00\.0 \[1b36:0010\] class 010802 NVM Express controller$/],
    ["its queues and vectors", /^NVMe 01:00\.0: 4 queues, 4 interrupt vectors$/],
    ["the IOMMU", /^iommu: VT-d at 0xfed90000, DMA remapping is on$/],
    ["a namespace", /^drive 0: NVMe namespace 1, 4 MiB in blocks of 512$/],
    ["another namespace", /^drive 1: NVMe namespace 2, 4 MiB in blocks of 4096, read-only$/],
    ["a partition", /^ {2}drive 0 partition at 2048, 1 MiB "aios-boot"$/],
    ["another partition", /^ {2}drive 1 partition at 512, 1 MiB "aios-data"$/],
    ["the end of the bundle", /^bundle: 2 entries verified$/],
    ["the idle loop", /^idle: \d+ frames free$/],
  ])("%s", (_what, pattern) => {
    expect(lines.filter((line) => pattern.test(line))).toHaveLength(1);
  });

  test("each entry of the bundle with the digest that sha256 gives", () => {
    for (const { name, data } of [HELLO, LARGE])
      expect(lines).toContain(`  ${sha256(data)}  ${name} (${data.length} bytes)`);
  });
});

test("the same machine boots the same way twice", async () => {
  const [first, second] = await Promise.all(
    [0, 1].map(() => bootWith({ cpus: 4, drives: [image] })),
  );
  expect(first?.console).toBe(second?.console);
  expect(first?.machine.stateHash()).toBe(second?.machine.stateHash());
});
