import fc from "fast-check";
import { expect, test } from "vitest";
import { RAM_BASE } from "../../sim/host/core.ts";
import { Machine, type MachineOptions } from "../../sim/host/machine.ts";
import { loadModules } from "../../sim/host/modules.ts";
import { byteSum, findRootPointer, readTables, text, view } from "../../sim/host/testing/acpi.ts";
import { Platform } from "../testing/views.generated.ts";

const AREA = 0xe0000;
const AREA_BYTES = 0x20000;
const PLATFORM_AT = 0x20000;
const ERRORS = {
  none: 0,
  address: 1,
  signature: 2,
  length: 3,
  checksum: 4,
  revision: 5,
  missing: 6,
  entry: 7,
  duplicate: 8,
  tooMany: 9,
  noProcessor: 10,
  noIoApic: 11,
};

/** A machine whose tables a test changes, and the real reader of the kernel. */
async function firmware(options: MachineOptions = {}) {
  const modules = await loadModules("hal-testing");
  const machine = await Machine.create({
    memory: 4 * 1024 * 1024,
    ...options,
    modules,
    start: false,
  });
  const tables = readTables(machine);
  const area = machine.core.bytes.subarray(RAM_BASE + AREA, RAM_BASE + AREA + AREA_BYTES);
  const original = area.slice();
  /** The bytes of a table in RAM. */
  const find = (signature: string): Uint8Array => {
    if (signature === "RSDP") return area.subarray(0, 36);
    const table = tables.find((candidate) => candidate.signature === signature);
    if (!table) throw new Error(`no ${signature}`);
    return area.subarray(table.address - AREA, table.address - AREA + table.bytes.length);
  };
  const parse = machine.core.kernel["testPlatform"] as (at: number, rsdp: bigint) => number;
  const read = (rsdp = findRootPointer(machine)): Platform =>
    new Platform(machine.core.data, parse(PLATFORM_AT, BigInt(rsdp)));
  return { machine, tables, find, read, reset: () => area.set(original) };
}

/** Makes the bytes of a table add up to zero again. */
function mend(table: Uint8Array, at = 9): void {
  table[at] = ((table[at] ?? 0) - byteSum(table)) & 0xff;
}

function signatureOf(platform: Platform): string {
  const bytes = new Uint8Array(4);
  view(bytes).setUint32(0, platform.errorTable, true);
  return text(bytes, 0, 4);
}

test.each([1, 4, 64])("the platform of a machine with %i CPUs is read whole", async (cpus) => {
  const { read } = await firmware({ cpus });
  const platform = read();
  expect(platform.error).toBe(ERRORS.none);
  const ids = Array.from({ length: platform.cpuCount }, (_, n) => platform.cpusAt(n).apicId);
  expect(ids).toEqual(Array.from({ length: cpus }, (_, n) => n));
  expect(platform.cpusAt(0).flags).toBe(1);
  expect([platform.ioApicCount, platform.ioApicsAt(0).base]).toEqual([1, 0xfec00000n]);
  expect(platform.lapicAddress).toBe(0xfee00000n);
  expect([platform.nmiLine, platform.has8259]).toEqual([1, 1]);
  const overrides = [0, 1].map((n) => platform.overridesAt(n));
  expect(overrides.map(({ irq, gsi, flags }) => [irq, gsi, flags])).toEqual([
    [0, 2, 0],
    [9, 9, 0x0d],
  ]);
  expect(platform.hpet).toBe(0xfed00000n);
  const segment = platform.segmentsAt(0);
  expect([segment.base, segment.firstBus, segment.lastBus]).toEqual([0xb0000000n, 0, 255]);
  expect([platform.dmaUnitCount, platform.dmaUnitsAt(0).base]).toEqual([1, 0xfed90000n]);
  expect(platform.dmaUnitsAt(0).flags).toBe(1);
  expect([platform.pm1EventPort, platform.pm1ControlPort, platform.pmTimerPort]).toEqual([
    0x600, 0x604, 0x608,
  ]);
  expect([platform.pmTimerBits, platform.sciGsi]).toEqual([32, 9]);
  expect([platform.hasReset, platform.resetAddress, platform.resetValue]).toEqual([1, 0xcf9n, 6]);
  expect(platform.sleepTypeS5).toBe(0);
});

const USED = ["RSDP", "XSDT", "FACP", "DSDT", "APIC", "MCFG", "HPET", "DMAR"];

test.each(USED)("a byte wrong in the %s is noticed, and the table named", async (signature) => {
  const { find, read } = await firmware();
  const table = find(signature);
  table[table.length - 1] = ((table[table.length - 1] ?? 0) + 1) & 0xff;
  const platform = read(AREA);
  expect([signatureOf(platform), platform.error]).toEqual([signature, ERRORS.checksum]);
});

test.each(["FACP", "APIC", "MCFG"])("a missing %s is an error with its name", async (signature) => {
  const { find, read } = await firmware();
  find(signature).set([0x58, 0x58, 0x58, 0x58]);
  const platform = read();
  expect([signatureOf(platform), platform.error]).toEqual([signature, ERRORS.missing]);
});

test.each(["HPET", "DMAR"])("a machine without %s is a machine without it", async (signature) => {
  const { find, read } = await firmware();
  find(signature).set([0x58, 0x58, 0x58, 0x58]);
  const platform = read();
  expect(platform.error).toBe(ERRORS.none);
  expect(signature === "HPET" ? platform.hpet : BigInt(platform.dmaUnitCount)).toBe(0n);
});

/** Offset of the first MADT entry of a type. */
function entryOf(madt: Uint8Array, type: number): number {
  let at = 44;
  while (at < madt.length && madt[at] !== type) at += madt[at + 1] ?? madt.length;
  return at;
}

/** Bytes to be changed in the MADT of two CPUs: offset and value. */
type Change = (madt: Uint8Array) => [number, number][];

const MALFORMED: [string, number, Change][] = [
  ["an entry of length 0", ERRORS.entry, () => [[45, 0]]],
  ["an entry beyond the end", ERRORS.entry, (madt) => [[madt.length - 5, 7]]],
  ["a processor entry too short", ERRORS.entry, () => [[45, 4]]],
  ["two processors with one id", ERRORS.duplicate, () => [[44 + 8 + 3, 0]]],
  [
    "no enabled processor",
    ERRORS.noProcessor,
    () => [
      [48, 2],
      [56, 2],
    ],
  ],
  ["no I/O APIC", ERRORS.noIoApic, (madt) => [[entryOf(madt, 1), 0x7f]]],
  ["a reserved polarity", ERRORS.entry, (madt) => [[entryOf(madt, 2) + 8, 2]]],
];

test.each(MALFORMED)("a MADT with %s is refused", async (_what, error, changes) => {
  const { find, read } = await firmware({ cpus: 2 });
  const madt = find("APIC");
  for (const [at, value] of changes(madt)) madt[at] = value;
  mend(madt);
  const platform = read();
  expect([signatureOf(platform), platform.error]).toEqual(["APIC", error]);
});

test("a processor in an x2APIC entry is found like any other", async () => {
  const { find, read } = await firmware({ cpus: 2 });
  const madt = find("APIC");
  // In place of the two 8-byte entries.
  madt.set([9, 16, 0, 0, 0x23, 1, 0, 0, 1, 0, 0, 0, 7, 0, 0, 0], 44);
  mend(madt);
  const platform = read();
  expect([platform.error, platform.cpuCount]).toEqual([ERRORS.none, 1]);
  const { apicId, uid, flags } = platform.cpusAt(0);
  expect([apicId, uid, flags]).toEqual([0x123, 7, 1]);
});

/** Where the package \_S5 is in the DSDT: at its name. */
function sleepPackage(dsdt: Uint8Array): number {
  return text(dsdt, 0, dsdt.length).indexOf("_S5_");
}

test.each([
  ["byte", [0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x05, 0x01, 0x0a, 0x05], 5],
  ["one", [0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x04, 0x01, 0x01, 0x00], 1],
  ["word", [0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x06, 0x01, 0x0b, 0x07, 0x00], 7],
  ["dword", [0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x08, 0x01, 0x0c, 0x03, 0, 0, 0], 3],
  ["PkgLength of two bytes", [0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x46, 0, 1, 0x0a, 0x06], 6],
  ["no integer", [0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x05, 0x01, 0x0d, 0x41, 0x00], 0xff],
  ["no element", [0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0x02, 0x00, 0x0a, 0x05], 0xff],
  ["a value that three bits can't hold", [0x08, 0x5f, 0x53, 0x35, 0x5f, 0x12, 5, 1, 0x0a, 9], 0xff],
])("the sleep type of S5 is decoded from AML: %s", async (_what, aml, expected) => {
  const { find, read } = await firmware();
  const dsdt = find("DSDT");
  dsdt.fill(0xa3, sleepPackage(dsdt) - 4, sleepPackage(dsdt) + 11); // NoopOp
  dsdt.set(aml, dsdt.length - 16);
  mend(dsdt);
  expect(read().sleepTypeS5).toBe(expected);
});

/** Changes to bytes of one table, with its checksum made right again or left wrong. */
const mutations = fc.record({
  table: fc.constantFrom(...USED),
  bytes: fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { minLength: 1, maxLength: 6 }),
  mended: fc.boolean(),
});

test("whatever a table holds, the reader ends with a named error or a usable platform", async () => {
  const { find, read, reset } = await firmware({ cpus: 4 });
  fc.assert(
    fc.property(fc.array(mutations, { minLength: 1, maxLength: 3 }), (changes) => {
      for (const { table, bytes, mended } of changes) {
        const target = find(table);
        for (const [at, value] of bytes) target[at % target.length] = value;
        if (!mended) continue;
        if (table === "RSDP") mend(target.subarray(0, 20), 8);
        mend(target, table === "RSDP" ? 32 : 9);
      }
      const platform = read(AREA);
      reset();
      expect(Object.values(ERRORS)).toContain(platform.error);
      if (platform.error === ERRORS.none) {
        expect(platform.cpuCount).toBeGreaterThan(0);
        expect(platform.ioApicCount).toBeGreaterThan(0);
        expect(platform.pm1ControlPort).toBeLessThan(0x10000);
      }
    }),
    { numRuns: 2000 },
  );
});

test("a table cut off at any length is refused or read without what is missing", async () => {
  const { find, read, reset } = await firmware({ cpus: 4 });
  for (const signature of USED.slice(1)) {
    const full = find(signature).length;
    for (let bytes = 0; bytes < full; bytes += signature === "DSDT" ? 29 : 1) {
      const table = find(signature);
      view(table).setUint32(4, bytes, true);
      if (bytes >= 36) mend(table.subarray(0, bytes));
      const platform = read();
      if (bytes < 36) expect(platform.error).toBe(ERRORS.length);
      expect(Object.values(ERRORS)).toContain(platform.error);
      reset();
    }
  }
});

/** Where a table's address is kept: table and offset, then which checksums depend on it. */
const POINTERS: Record<string, [string, number]> = {
  XSDT: ["RSDP", 24],
  FACP: ["XSDT", 36],
  DSDT: ["FACP", 140],
  APIC: ["XSDT", 44],
  HPET: ["XSDT", 52],
  MCFG: ["XSDT", 60],
  DMAR: ["XSDT", 68],
};

/**
 * Moves the first `bytes` bytes of a table to where the machine's RAM ends, changes some of them and
 * mends the checksum: one byte too many, and the reader would find what is no RAM.
 */
function moveToEnd(
  { machine, find }: Awaited<ReturnType<typeof firmware>>,
  signature: string,
  bytes: number,
  changes: readonly (readonly [number, number])[],
): void {
  const memory = machine.core.bytes.subarray(0, RAM_BASE + machine.physical.size);
  const table = memory.subarray(memory.length - bytes);
  table.set(find(signature).subarray(0, bytes));
  view(table).setUint32(4, bytes, true);
  for (const [at, value] of changes) table[36 + (at % (bytes - 36 || 1))] = value;
  mend(table);
  const [holder, offset] = POINTERS[signature] ?? ["", 0];
  const pointer = find(holder);
  view(pointer).setBigUint64(offset, BigInt(memory.length - bytes - RAM_BASE), true);
  mend(pointer, holder === "RSDP" ? 32 : 9);
}

test("a table at the very end of memory is read to its end and not beyond", async () => {
  const kernel = await firmware({ cpus: 4 });
  for (const signature of Object.keys(POINTERS)) {
    moveToEnd(kernel, signature, kernel.find(signature).length, []);
    expect([signature, kernel.read(AREA).error]).toEqual([signature, ERRORS.none]);
    kernel.reset();
  }
});

test("whatever a table at the very end of memory holds, nothing beyond is touched", async () => {
  const kernel = await firmware({ cpus: 4 });
  const changes = fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { maxLength: 6 });
  fc.assert(
    fc.property(
      fc.constantFrom(...Object.keys(POINTERS)),
      fc.nat(),
      changes,
      (name, cut, change) => {
        moveToEnd(kernel, name, 37 + (cut % (kernel.find(name).length - 36)), change);
        const { error } = kernel.read(AREA);
        kernel.reset();
        expect(Object.values(ERRORS)).toContain(error);
      },
    ),
    { numRuns: 2000 },
  );
});

test("the package \\_S5 may break off at any byte where memory ends", async () => {
  const kernel = await firmware();
  const aml = [
    0x08, 0x5c, 0x5f, 0x53, 0x35, 0x5f, 0x12, 0xc6, 0, 0, 0, 0x01, 0x0e, 5, 0, 0, 0, 0, 0, 0, 0,
  ];
  for (let bytes = 1; bytes <= aml.length; bytes++) {
    moveToEnd(kernel, "DSDT", 36 + bytes, [...aml.slice(0, bytes).entries()]);
    const platform = kernel.read(AREA);
    kernel.reset();
    expect(platform.error).toBe(ERRORS.none);
    expect(platform.sleepTypeS5).toBe(bytes === aml.length ? 5 : 0xff);
  }
});

test("tables may be claimed to lie anywhere: no address makes the reader leave RAM", async () => {
  const { find, read, reset } = await firmware();
  const edges = [
    0n,
    1n,
    0x3ff_fdcn,
    0x3ff_fddn,
    0x400_000n,
    0x8000_0000n,
    1n << 32n,
    (1n << 64n) - 1n,
  ];
  const addresses = fc.oneof(
    fc.constantFrom(...edges),
    fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
  );
  fc.assert(
    fc.property(addresses, fc.boolean(), (address, root) => {
      if (!root) {
        view(find("XSDT")).setBigUint64(36, address, true);
        mend(find("XSDT"));
      }
      const platform = root ? read(Number(address & 0xffff_ffffn)) : read();
      reset();
      expect(Object.values(ERRORS)).toContain(platform.error);
    }),
  );
});

test("every error has a text of its own, and an unknown code has one too", async () => {
  const { machine } = await firmware();
  const { kernel, data, bytes } = machine.core;
  for (const [name, count] of [
    ["testAcpiErrorText", Object.keys(ERRORS).length],
    ["testHandoffErrorText", 13],
  ] as const) {
    const find = kernel[name] as (error: number) => number;
    const texts = Array.from({ length: count }, (_, error) => {
      const at = find(error);
      const length = data.getUint32(at - 4, true);
      return new TextDecoder("utf-16le").decode(bytes.subarray(at, at + length));
    });
    expect(new Set(texts).size).toBe(count);
    expect(find(0xffff_ffff)).toBe(find(count - 1));
  }
});

/** Entries of the MADT: `count` of a kind, each with another number. */
const many = (count: number, entry: (n: number) => readonly number[]) =>
  Array.from({ length: count }, (_, n) => entry(n)).flat();
const processor = (n: number) => [0, 8, n, n, 1, 0, 0, 0];
const ioApic = (n: number) => [1, 12, n, 0, 0, n, 0xc0, 0xfe, n, 0, 0, 0];
const override = (n: number) => [2, 10, 0, n % 16, n, 0, 0, 0, 0, 0];
const segment = (n: number) => [0, 0, n, 0xb0, 0, 0, 0, 0, n, 0, 0, 255, 0, 0, 0, 0];
const unit = (n: number) => [0, 0, 16, 0, 0, 0, n, 0, 0, n << 4, 0xd9, 0xfe, 0, 0, 0, 0];

/** Platform limits (hal/x86_64/platform.ts): the table, where its entries begin, so many of them. */
const LIMITS: [string, string, number, number, (count: number) => number[]][] = [
  ["processors", "APIC", 44, 64, (count) => [...many(count, processor), ...ioApic(1)]],
  ["I/O APICs", "APIC", 44, 8, (count) => [...processor(0), ...many(count, ioApic)]],
  [
    "overrides",
    "APIC",
    44,
    16,
    (count) => [...processor(0), ...ioApic(1), ...many(count, override)],
  ],
  ["PCI segments", "MCFG", 44, 8, (count) => many(count, segment)],
  ["DMA units", "DMAR", 48, 8, (count) => many(count, unit)],
];

test.each(LIMITS)(
  "a platform takes as many %s as its table, and one more is refused by name",
  async (...limit) => {
    const [, signature, entriesAt, most, entries] = limit;
    const { find, read, tables, reset } = await firmware();
    const counted = (count: number) => {
      reset();
      const old = find(signature);
      // A longer table goes to the end of the area, and the XSDT points to it.
      const moved = AREA + AREA_BYTES - 0x1000;
      const xsdt = find("XSDT");
      const address = tables.find((table) => table.signature === signature)?.address ?? 0;
      for (let at = 36; at < xsdt.length; at += 8)
        if (view(xsdt).getUint32(at, true) === address) view(xsdt).setUint32(at, moved, true);
      mend(xsdt);
      const bytes = Uint8Array.from([...old.subarray(0, entriesAt), ...entries(count)]);
      view(bytes).setUint32(4, bytes.length, true);
      mend(bytes);
      new Uint8Array(xsdt.buffer, RAM_BASE + moved, bytes.length).set(bytes);
      const platform = read(AREA);
      return [signatureOf(platform), platform.error];
    };
    expect(counted(most)[1]).toBe(ERRORS.none);
    expect(counted(most + 1)).toEqual([signature, ERRORS.tooMany]);
  },
);
