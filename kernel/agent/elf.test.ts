/** ELF files with hostile headers: what is refused, by which name, and that two readers agree. */
import fc from "fast-check";
import { beforeAll, describe, expect, test } from "vitest";
import { elfProblem } from "../../sdk/image/elf.ts";
import { elfFile } from "../../sdk/image/elf-write.ts";
import { World } from "../testing/world-host.ts";
import { elfErrorName } from "./elf_error_names.ts";
import * as elf from "./elf_format.ts";

const TEXT = 0x40_0000;
const DATA = 0x40_2000;

/** Three segments and a stack: text, constants, data with zeroes behind. */
const good = () =>
  elfFile({
    segments: [
      { address: TEXT, bytes: new Uint8Array(0x180).fill(0x90) },
      { address: TEXT + 0x1000, bytes: new Uint8Array(64), flags: elf.PF_R },
      { address: DATA, bytes: new Uint8Array(100), size: 20_000, flags: elf.PF_R | elf.PF_W },
    ],
    stack: 0x2_0000,
  });
const header = (index: number, field: number) =>
  elf.ELF_HEADER_BYTES + index * elf.PH_BYTES + field;

let world: World;
beforeAll(async () => {
  world = await World.create();
});

/** The file ends where memory does: a byte behind it can't be read. */
function kernelSays(file: Uint8Array): number {
  const at = world.data.buffer.byteLength - file.length;
  new Uint8Array(world.data.buffer, at, file.length).set(file);
  return world.exports.worldElf(at, BigInt(file.length));
}

type Change = readonly [at: number, bytes: 1 | 2 | 4 | 8, value: bigint];
function changed(...changes: Change[]): Uint8Array {
  const file = good();
  const view = new DataView(file.buffer);
  for (const [at, bytes, value] of changes) {
    if (bytes === 8) view.setBigUint64(at, BigInt.asUintN(64, value), true);
    else if (bytes === 4) view.setUint32(at, Number(value), true);
    else if (bytes === 2) view.setUint16(at, Number(value), true);
    else view.setUint8(at, Number(value));
  }
  return file;
}

const MAX = 2n ** 64n - 1n;
const at = (index: number, field: number) => header(index, field);
const DAMAGES: readonly (readonly [string, string, ...Change[]])[] = [
  ["another magic", "not-elf", [1, 1, 0x46n]],
  ["32 bits", "not-64-bit", [elf.ELF_CLASS, 1, 1n]],
  ["big endian", "not-64-bit", [elf.ELF_DATA, 1, 2n]],
  ["another version of the header", "bad-header", [elf.ELF_IDENT_VERSION, 1, 2n]],
  ["another system's ABI", "bad-header", [elf.ELF_ABI, 1, 9n]],
  ["a version of the ABI", "bad-header", [elf.ELF_ABI_VERSION, 1, 1n]],
  ["something in the padding", "bad-header", [15, 1, 1n]],
  ["a relocatable object", "not-executable", [elf.ELF_TYPE, 2, 1n]],
  ["a position-independent executable", "position-independent", [elf.ELF_TYPE, 2, 3n]],
  ["a core", "not-executable", [elf.ELF_TYPE, 2, 4n]],
  ["i386", "not-x86-64", [elf.ELF_MACHINE, 2, 3n]],
  ["another version of the file", "bad-header", [elf.ELF_VERSION, 4, 0n]],
  ["flags", "bad-header", [elf.ELF_FLAGS, 4, 1n]],
  ["a longer file header", "bad-header", [elf.ELF_EHSIZE, 2, 128n]],
  ["longer program headers", "bad-header", [elf.ELF_PHENTSIZE, 2, 64n]],
  ["no program headers", "no-segment", [elf.ELF_PHNUM, 2, 0n]],
  ["65 program headers", "too-many-headers", [elf.ELF_PHNUM, 2, 65n]],
  ["as many as 16 bits say", "too-many-headers", [elf.ELF_PHNUM, 2, 0xffffn]],
  ["program headers over the file's own", "bad-header", [elf.ELF_PHOFF, 8, 0n]],
  ["program headers at an odd place", "bad-header", [elf.ELF_PHOFF, 8, 65n]],
  ["program headers behind the end", "truncated", [elf.ELF_PHOFF, 8, 0x10_0000n]],
  ["program headers around the end of all", "truncated", [elf.ELF_PHOFF, 8, MAX - 7n]],
  [
    "sections behind the end",
    "truncated",
    [elf.ELF_SHNUM, 2, 1n],
    [elf.ELF_SHENTSIZE, 2, 64n],
    [elf.ELF_SHOFF, 8, 0x10_0000n],
  ],
  ["sections of another size", "bad-header", [elf.ELF_SHNUM, 2, 1n], [elf.ELF_SHENTSIZE, 2, 40n]],
  [
    "names in a section that isn't there",
    "bad-header",
    [elf.ELF_SHNUM, 2, 1n],
    [elf.ELF_SHENTSIZE, 2, 64n],
    [elf.ELF_SHSTRNDX, 2, 1n],
  ],
  ["an interpreter", "dynamic", [at(1, elf.PH_TYPE), 4, 3n]],
  ["dynamic linking", "dynamic", [at(1, elf.PH_TYPE), 4, 2n]],
  ["thread-local data", "thread-local", [at(1, elf.PH_TYPE), 4, 7n]],
  ["an executable stack", "write-and-execute", [at(3, elf.PH_FLAGS), 4, 7n]],
  ["9 MiB of stack", "too-large", [at(3, elf.PH_MEMSZ), 8, 9n << 20n]],
  ["all of memory as stack", "too-large", [at(3, elf.PH_MEMSZ), 8, MAX]],
  ["text that can be written", "write-and-execute", [at(0, elf.PH_FLAGS), 4, 7n]],
  ["data that can't be read", "bad-rights", [at(2, elf.PH_FLAGS), 4, 2n]],
  ["unknown rights", "bad-rights", [at(2, elf.PH_FLAGS), 4, 14n]],
  ["more in the file than in memory", "bad-segment", [at(0, elf.PH_MEMSZ), 8, 1n]],
  ["an alignment that is no power of two", "bad-segment", [at(0, elf.PH_ALIGN), 8, 0x1800n]],
  ["an alignment that isn't kept", "bad-segment", [at(0, elf.PH_VADDR), 8, 0x40_0100n]],
  [
    "bytes behind the end",
    "truncated",
    [at(0, elf.PH_FILESZ), 8, 0x2_0000n],
    [at(0, elf.PH_MEMSZ), 8, 0x2_0000n],
  ],
  ["bytes around the end of all", "truncated", [at(0, elf.PH_OFFSET), 8, MAX - 0xfffn]],
  ["a segment at 0", "out-of-range", [at(0, elf.PH_VADDR), 8, 0n]],
  ["a segment in the kernel", "out-of-range", [at(0, elf.PH_VADDR), 8, 0xffff_8000_0000_0000n]],
  ["one over the stack", "out-of-range", [at(2, elf.PH_MEMSZ), 8, 0x3f00_0000n]],
  ["one around the end of all addresses", "out-of-range", [at(2, elf.PH_MEMSZ), 8, MAX]],
  ["two on one page", "overlap", [at(1, elf.PH_VADDR), 8, 0x40_0000n]],
  ["descending addresses", "overlap", [at(1, elf.PH_VADDR), 8, 0x3f_f000n]],
  [
    "no segment but a stack",
    "no-segment",
    [at(0, elf.PH_TYPE), 4, 0n],
    [at(1, elf.PH_TYPE), 4, 0n],
    [at(2, elf.PH_TYPE), 4, 0n],
  ],
  ["an entry in data", "bad-entry", [elf.ELF_ENTRY, 8, BigInt(DATA)]],
  ["an entry in nothing", "bad-entry", [elf.ELF_ENTRY, 8, 0n]],
  ["an entry in the kernel", "bad-entry", [elf.ELF_ENTRY, 8, 0xffff_ffff_8000_1000n]],
  [
    "17 MiB of constants that the file hasn't",
    "too-large",
    [at(1, elf.PH_VADDR), 8, 0x40_1000n],
    [at(1, elf.PH_MEMSZ), 8, 17n << 20n],
    [at(2, elf.PH_TYPE), 4, 0n],
  ],
];

describe("an ELF file", () => {
  test("that is as it should be is accepted by both readers", () => {
    expect([kernelSays(good()), elfProblem(good())]).toEqual([0, 0]);
  });
  test.each(DAMAGES.map(([what, name, ...changes]) => ({ what, name, changes })))(
    "with $what is refused as $name",
    ({ name, changes }) => {
      const file = changed(...changes);
      expect([elfErrorName(kernelSays(file)), elfErrorName(elfProblem(file))]).toEqual([
        name,
        name,
      ]);
    },
  );
  test("cut anywhere is refused as truncated, and never read behind its end", () => {
    const file = good();
    for (let length = 4; length < file.length; length += 13)
      expect(elfErrorName(kernelSays(file.slice(0, length)))).toBe("truncated");
  });
  test("with several fields changed at random is judged alike by both readers", () => {
    const offset = fc.oneof(
      fc.integer({ min: 4, max: elf.ELF_HEADER_BYTES - 1 }),
      fc.integer({ min: elf.ELF_HEADER_BYTES, max: elf.ELF_HEADER_BYTES + 4 * elf.PH_BYTES - 8 }),
    );
    const value = fc.oneof(
      fc.bigInt({ min: 0n, max: 16n }),
      fc.bigInt({ min: 0n, max: MAX }),
      fc.constantFrom(0x1000n, 0x40_0000n, 0x40_1000n, 0x3f00_0000n, MAX, 1n << 63n),
    );
    const change = fc.tuple(offset, fc.constantFrom(1, 2, 4, 8), value) as fc.Arbitrary<Change>;
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const clipped = changes.map(
          ([place, bytes, v]): Change => [place, bytes, BigInt.asUintN(8 * bytes, v)],
        );
        const file = changed(...clipped);
        expect(elfErrorName(kernelSays(file))).toBe(elfErrorName(elfProblem(file)));
      }),
      { numRuns: 5000 },
    );
  });
});
