import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import {
  byteSum,
  findRootPointer,
  readRam,
  readTables,
  type Table,
  text,
  view,
} from "../../host/testing/acpi.ts";
import { requireTool } from "../../host/testing/tools.ts";

const MIB = 1024 * 1024;
const CONFIGURATIONS = [
  { cpus: 1, memory: 64 * MIB },
  { cpus: 4, memory: 64 * MIB },
  { cpus: 64, memory: 64 * MIB },
  { cpus: 4, memory: 3072 * MIB },
];

function tableOf(tables: readonly Table[], signature: string): Table {
  const table = tables.find((candidate) => candidate.signature === signature);
  if (!table) throw new Error(`no ${signature}`);
  return table;
}

/** Disassembles a table and compiles the result again; returns the tool's output and the bytes. */
function roundTrip(iasl: string, directory: string, table: Table) {
  const name = join(directory, table.signature.toLowerCase());
  writeFileSync(`${name}.dat`, table.bytes);
  const run = (...options: string[]) =>
    execFileSync("sh", ["-c", '"$0" "$@" 2>&1', iasl, ...options], { encoding: "utf8" });
  const disassembly = run("-d", `${name}.dat`);
  const compilation = run("-p", `${name}-again`, `${name}.dsl`);
  return { disassembly, compilation, bytes: new Uint8Array(readFileSync(`${name}-again.aml`)) };
}

/** Without the checksum and the compiler's name and version, which iasl sets to its own. */
function withoutCompiler(bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  copy.fill(0, 28, 36);
  copy[9] = 0;
  return copy;
}

describe.each(CONFIGURATIONS)("with $cpus CPUs and $memory bytes of RAM", (options) => {
  test("every checksum is right", async () => {
    const machine = await Machine.create({ ...options, start: false });
    const root = readRam(machine, findRootPointer(machine), 36);
    expect(byteSum(root.subarray(0, 20))).toBe(0);
    expect(byteSum(root)).toBe(0);
    for (const table of readTables(machine))
      if (table.signature !== "FACS")
        expect([table.signature, byteSum(table.bytes)]).toEqual([table.signature, 0]);
  });

  test("iasl disassembles every table without complaint and compiles the same bytes from it", async () => {
    const iasl = requireTool("iasl");
    const machine = await Machine.create({ ...options, start: false });
    const directory = mkdtempSync(join(tmpdir(), "acpi-"));
    try {
      for (const table of readTables(machine)) {
        const { disassembly, compilation, bytes } = roundTrip(iasl, directory, table);
        expect(disassembly).not.toMatch(/error|warning|invalid|unknown/i);
        expect(compilation).toMatch(/0 Errors, 0 Warnings|Table Output/);
        expect(compilation).not.toMatch(/[1-9]\d* (Errors|Warnings)/);
        expect(withoutCompiler(bytes)).toEqual(withoutCompiler(table.bytes));
      }
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  test("the MADT and the SSDT name the same processors", async () => {
    const machine = await Machine.create({ ...options, start: false });
    const tables = readTables(machine);
    const madt = tableOf(tables, "APIC").bytes;
    const uids: number[] = [];
    for (let at = 44; at < madt.length; at += madt[at + 1] ?? madt.length)
      if (madt[at] === 0) uids.push(madt[at + 2] ?? -1);
    expect(uids).toEqual(Array.from({ length: options.cpus }, (_, cpu) => cpu));
    const ssdt = text(tableOf(tables, "SSDT").bytes, 0, 65536);
    expect(ssdt.match(/ACPI0007/g)?.length).toBe(options.cpus);
  });
});

test("the tables lie in their area, aligned, without overlaps", async () => {
  const machine = await Machine.create({ cpus: 64, start: false });
  const tables = readTables(machine).sort((a, b) => a.address - b.address);
  let end = 0xe0024;
  for (const { address, bytes } of tables) {
    expect(address).toBeGreaterThanOrEqual(end);
    expect(address % 64).toBe(0);
    end = address + bytes.length;
  }
  expect(end).toBeLessThanOrEqual(0x100000);
  expect(tables.map((table) => table.signature).sort()).toEqual([
    "APIC",
    "DMAR",
    "DSDT",
    "FACP",
    "FACS",
    "HPET",
    "MCFG",
    "SPCR",
    "SSDT",
    "XSDT",
  ]);
});

test("the old and the extended addresses in the FADT agree", async () => {
  const machine = await Machine.create({ start: false });
  const fadt = view(tableOf(readTables(machine), "FACP").bytes);
  const pairs = [
    [36, 132],
    [40, 140],
    [56, 152],
    [64, 176],
    [76, 212],
  ] as const;
  for (const [short, extended] of pairs)
    expect(fadt.getBigUint64(extended, true)).toBe(BigInt(fadt.getUint32(short, true)));
});

test("the HPET table repeats the block id that the device shows", async () => {
  const machine = await Machine.create({ start: false });
  const hpet = view(tableOf(readTables(machine), "HPET").bytes);
  const device = machine.core.sim.physicalRead(0xfed00000n, 4);
  expect(BigInt(hpet.getUint32(36, true))).toBe(device);
  expect(hpet.getBigUint64(44, true)).toBe(0xfed00000n);
});

test("the tables describe the ports and windows of the platform", async () => {
  const machine = await Machine.create({ start: false });
  const tables = readTables(machine);
  const mcfg = view(tableOf(tables, "MCFG").bytes);
  expect([mcfg.getBigUint64(44, true), mcfg.getUint8(54), mcfg.getUint8(55)]).toEqual([
    0xb0000000n,
    0,
    255,
  ]);
  const dmar = view(tableOf(tables, "DMAR").bytes);
  // 40 address bits; interrupt remapping, x2APIC not opted out of; one unit for all of PCI.
  expect([dmar.getUint8(36), dmar.getUint8(37), dmar.getUint8(52)]).toEqual([39, 1, 1]);
  expect(dmar.getBigUint64(56, true)).toBe(0xfed90000n);
  // I/O APIC 0 is f0:1f.0, timer block 0 is f0:0f.0, on a bus without functions.
  expect([...tableOf(tables, "DMAR").bytes.subarray(64)]).toEqual([
    ...[3, 8, 0, 0, 0, 0xf0, 0x1f, 0],
    ...[4, 8, 0, 0, 0, 0xf0, 0x0f, 0],
  ]);
  const spcr = view(tableOf(tables, "SPCR").bytes);
  expect([spcr.getUint8(36), spcr.getBigUint64(44, true), spcr.getUint32(54, true)]).toEqual([
    0,
    0x3f8n,
    4,
  ]);
});
