/** What the loaders make of images: by the protocols' own offsets, written out here by hand. */
import { describe, expect, test } from "vitest";
import { MEMORY_RAM, MEMORY_RESERVED } from "../../spec/handoff.ts";
import { MachineError } from "../errors.ts";
import { type Firmware, type GuestLoad, type GuestOptions, loadGuest } from "./guest.ts";

const MIB = 1024 * 1024;
const firmware: Firmware = {
  rsdp: 0xe_0000,
  map: [
    { address: 0, bytes: 0xa_0000, type: MEMORY_RAM },
    { address: 0xa_0000, bytes: 0x6_0000, type: MEMORY_RESERVED },
    { address: MIB, bytes: 63 * MIB, type: MEMORY_RAM },
  ],
};

const load = (options: GuestOptions) => loadGuest(options, firmware);
const pieceOf = ({ pieces }: GuestLoad, name: string) => {
  const piece = pieces.find((each) => each.name === name);
  if (!piece) throw new Error(`no piece ${name}`);
  return piece;
};
const viewOf = (loaded: GuestLoad, name: string) => {
  const { bytes } = pieceOf(loaded, name);
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
};
const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);

type Fields = Readonly<Record<number, readonly [width: 1 | 2 | 4 | 8, value: number]>>;
function image(bytes: number, fields: Fields): Uint8Array {
  const view = new DataView(new ArrayBuffer(bytes));
  for (const [at, [width, value]] of Object.entries(fields)) {
    if (width === 1) view.setUint8(+at, value);
    else if (width === 2) view.setUint16(+at, value, true);
    else if (width === 4) view.setUint32(+at, value, true);
    else view.setBigUint64(+at, BigInt(value), true);
  }
  return new Uint8Array(view.buffer);
}

const LINUX: Fields = {
  497: [1, 1],
  510: [2, 0xaa55],
  513: [1, 0x6a],
  514: [4, 0x5372_6448],
  518: [2, 0x20f],
  529: [1, 1],
  556: [4, 0x7fff_ffff],
  560: [4, 0x20_0000],
  564: [1, 1],
  566: [2, 0x3f],
  568: [4, 2047],
  600: [8, 0x100_0000],
  608: [4, 0x20_0000],
  1024: [4, 0xc0de_c0de],
};
const linux = (fields: Fields = {}, bytes = 0x3000) => image(bytes, { ...LINUX, ...fields });

/** One segment at 1 MiB, and a note with the PVH entry. */
const PVH: Fields = {
  0: [4, 0x464c_457f],
  4: [1, 2],
  5: [1, 1],
  6: [1, 1],
  16: [2, 2],
  18: [2, 62],
  24: [8, 0xffff_ffff],
  32: [8, 64],
  54: [2, 56],
  56: [2, 2],
  64: [4, 1],
  72: [8, 0x200],
  88: [8, MIB],
  96: [8, 0x100],
  104: [8, 0x1000],
  120: [4, 4],
  128: [8, 0x100],
  152: [8, 20],
  256: [4, 4],
  260: [4, 4],
  264: [4, 18],
  268: [4, 0x006e_6558],
  272: [4, MIB + 0x10],
};
const pvh = (fields: Fields = {}, bytes = 0x400) => image(bytes, { ...PVH, ...fields });

const MULTIBOOT: Fields = {
  64: [4, 0x1bad_b002],
  68: [4, 0x1_0003],
  72: [4, 2 ** 32 - 0x1bad_b002 - 0x1_0003],
  76: [4, MIB + 0x40],
  80: [4, MIB],
  84: [4, MIB + 0x100],
  88: [4, MIB + 0x2000],
  92: [4, MIB + 0x60],
};
const multiboot = (fields: Fields = {}, bytes = 0x100) => image(bytes, { ...MULTIBOOT, ...fields });

describe("a Linux bzImage", () => {
  test("is entered in 64 bits, 0x200 behind its code's begin, with RSI at the zero page", () => {
    const loaded = load({ kernel: linux(), commandLine: "quiet" });
    expect(loaded).toMatchObject({ rip: 0x100_0200, rsi: 0x1_0000, cr3: 0x8000 });
    expect(pieceOf(loaded, "kernel")).toMatchObject({ address: 0x100_0000, size: 0x20_0000 });
    expect(viewOf(loaded, "kernel").getUint32(0, true)).toBe(0xc0de_c0de);
  });
  test("finds its header, command line, memory map and ACPI root in the zero page", () => {
    const loaded = load({ kernel: linux(), commandLine: "quiet" });
    const page = viewOf(loaded, "zero page");
    expect(page.getUint32(0x202, true)).toBe(0x5372_6448);
    expect(page.getUint8(0x210)).toBe(0xff);
    expect(page.getUint32(0x70, true)).toBe(0xe_0000);
    expect(page.getUint8(0x1e8)).toBe(3);
    const third = 0x2d0 + 2 * 20;
    expect([page.getUint32(third, true), page.getUint32(third + 8, true)]).toEqual([MIB, 63 * MIB]);
    expect(page.getUint32(third + 16, true)).toBe(1);
    const line = pieceOf(loaded, "command line");
    expect(page.getUint32(0x228, true)).toBe(line.address);
    expect(text(line.bytes)).toBe("quiet\0");
  });
  test("has its initial RAM disk as high as RAM and initrd_addr_max allow", () => {
    const initrd = new Uint8Array(5000).fill(7);
    const page = (kernel: Uint8Array) => viewOf(load({ kernel, initrd }), "zero page");
    const top = page(linux());
    expect([top.getUint32(0x218, true), top.getUint32(0x21c, true)]).toEqual([
      64 * MIB - 8192,
      5000,
    ]);
    const limited = page(linux({ 556: [4, 32 * MIB - 1] }));
    expect(limited.getUint32(0x218, true)).toBe(32 * MIB - 8192);
  });
  test("goes elsewhere when it is relocatable and RAM ends below its preferred address", () => {
    const kernel = linux({ 600: [8, 0x1000_0000] });
    expect(load({ kernel }).rip).toBe(0x20_0200);
    const fixed = linux({ 600: [8, 0x1000_0000], 564: [1, 0] });
    expect(() => load({ kernel: fixed })).toThrow("kernel at 0x10000000 to 0x10200000: not in");
  });
  test("has segments and page tables for the first 512 GiB", () => {
    const loaded = load({ kernel: linux() });
    const tables = viewOf(loaded, "page tables");
    expect(tables.getBigUint64(0, true)).toBe(0x9003n);
    expect(tables.getBigUint64(4096 + 3 * 8, true)).toBe(0xc000_0083n);
    const gdt = viewOf(loaded, "descriptor table");
    expect((gdt.getBigUint64(0x10, true) >> 53n) & 1n).toBe(1n);
  });
});

describe("an ELF kernel with a PVH entry", () => {
  test("is entered in 32 bits at its note's address, with RBX at the start info", () => {
    const initrd = Uint8Array.of(1, 2, 3);
    const loaded = load({ kernel: pvh(), initrd, commandLine: "a b" });
    expect(loaded).toMatchObject({ rip: MIB + 0x10, rbx: 0x1_0000, cr3: 0 });
    expect(pieceOf(loaded, "segment 0")).toMatchObject({ address: MIB, size: 0x1000 });
    const info = viewOf(loaded, "start info");
    expect(info.getUint32(0, true)).toBe(0x336e_c578);
    expect([info.getUint32(4, true), info.getUint32(12, true)]).toEqual([1, 1]);
    expect(info.getUint32(32, true)).toBe(0xe_0000);
    expect([info.getUint32(40, true), info.getUint32(48, true)]).toEqual([0x6100, 3]);
    const list = info.getUint32(16, true) - 0x1_0000;
    expect(info.getUint32(list, true)).toBe(pieceOf(loaded, "initrd").address);
    expect(info.getUint32(list + 8, true)).toBe(3);
  });
});

describe("a Multiboot image", () => {
  test("that tells its addresses is loaded there, with EAX and EBX as specified", () => {
    const loaded = load({ kernel: multiboot(), commandLine: "x" });
    expect(loaded).toMatchObject({ rip: MIB + 0x60, rax: 0x2bad_b002, rbx: 0x1_0000, cr3: 0 });
    expect(pieceOf(loaded, "kernel")).toMatchObject({ address: MIB, size: 0x2000 });
    expect(pieceOf(loaded, "kernel").bytes.length).toBe(0x100);
  });
  test("finds memory, command line, module and map in its information", () => {
    const initrd = new Uint8Array(10);
    const loaded = load({ kernel: multiboot(), initrd, commandLine: "x" });
    const info = viewOf(loaded, "boot information");
    expect(info.getUint32(0, true)).toBe(0b10_0100_1101);
    expect([info.getUint32(4, true), info.getUint32(8, true)]).toEqual([640, 63 * 1024]);
    expect(info.getUint32(20, true)).toBe(1);
    const module = info.getUint32(24, true) - 0x1_0000;
    expect(info.getUint32(module + 4, true) - info.getUint32(module, true)).toBe(10);
    const map = info.getUint32(48, true) - 0x1_0000;
    expect(info.getUint32(44, true)).toBe(3 * 24);
    expect([info.getUint32(map, true), info.getUint32(map + 20, true)]).toEqual([20, 1]);
  });
  test("may be ELF, of 32 or 64 bits, entered at e_entry", () => {
    const header: Fields = {
      768: [4, 0x1bad_b002],
      772: [4, 0],
      776: [4, 2 ** 32 - 0x1bad_b002],
      24: [8, MIB + 4],
    };
    expect(load({ kernel: pvh(header) }).rip).toBe(MIB + 4);
  });
});

describe("a bad image is refused by name:", () => {
  test.each<[string, GuestOptions, string]>([
    ["nothing known", { kernel: new Uint8Array(100) }, "kernel: neither a Linux bzImage"],
    ["empty", { kernel: new Uint8Array() }, "kernel: neither"],
    ["an old boot protocol", { kernel: linux({ 518: [2, 0x20b] }) }, "boot protocol 2.11"],
    ["a zImage", { kernel: linux({ 529: [1, 0] }) }, "a zImage"],
    ["a 32-bit kernel", { kernel: linux({ 566: [2, 0] }) }, "no 64-bit entry"],
    ["a truncated bzImage", { kernel: linux().slice(0, 0x480) }, "truncated: its code"],
    ["a truncated setup header", { kernel: linux().subarray(0, 0x250) }, "truncated: the setup"],
    ["a boot_flag", { kernel: linux({ 510: [2, 0] }) }, "boot_flag"],
    ["a long command line", { kernel: linux(), commandLine: "x".repeat(2048) }, "takes 2047"],
    ["a zero in it", { kernel: linux(), commandLine: "a\0b" }, "zero character"],
    [
      "an initrd too large",
      { kernel: linux(), initrd: new Uint8Array(64 * MIB) },
      "initrd: no room",
    ],
    ["a kernel too large", { kernel: linux({ 608: [4, 0x4000_0000] }) }, "needs 1073741824 bytes"],
    ["a truncated ELF", { kernel: pvh().slice(0, 0x280) }, "truncated: segment 0"],
    ["an ELF header alone", { kernel: pvh().slice(0, 80) }, "truncated: p_filesz of segment 0"],
    ["no PVH entry", { kernel: pvh({ 264: [4, 17] }) }, "without a PVH entry"],
    ["an entry outside of RAM", { kernel: pvh({ 272: [4, 0xf000_0000] }) }, "entry 0xf0000000"],
    ["a segment outside", { kernel: pvh({ 88: [8, 0xf000_0000] }) }, "segment 0 at 0xf0000000"],
    ["memsz below filesz", { kernel: pvh({ 104: [8, 1] }) }, "p_memsz 1 is less"],
    ["a huge offset", { kernel: pvh({ 72: [8, 2 ** 52] }) }, "truncated"],
    ["another machine", { kernel: pvh({ 18: [2, 40] }) }, "e_machine is 40"],
    ["big-endian", { kernel: pvh({ 5: [1, 2] }) }, "EI_DATA is 2"],
    ["a relocatable object", { kernel: pvh({ 16: [2, 1] }) }, "e_type is 1"],
    ["an odd e_phentsize", { kernel: pvh({ 54: [2, 57] }) }, "e_phentsize is 57"],
    ["too many segments", { kernel: pvh({ 56: [2, 0xffff] }) }, "e_phnum is 65535"],
    [
      "overlapping segments",
      { kernel: pvh({ 56: [2, 3], 176: [4, 1], 184: [8, 0x200], 200: [8, MIB], 216: [8, 9] }) },
      "segment 1 at 0x100000 to 0x100009: overlaps segment 0",
    ],
    [
      "unknown Multiboot flags",
      { kernel: multiboot({ 68: [4, 0x1_0013], 72: [4, 2 ** 32 - 0x1bad_b002 - 0x1_0013] }) },
      "requires 0x13",
    ],
    ["a Multiboot entry outside", { kernel: multiboot({ 92: [4, 0xa_0000] }) }, "entry 0xa0000"],
    ["load_addr above", { kernel: multiboot({ 80: [4, 2 * MIB] }) }, "load_addr is above"],
    ["bss_end below", { kernel: multiboot({ 88: [4, MIB + 1] }) }, "bss_end_addr is below"],
    ["a truncated Multiboot image", { kernel: multiboot({ 84: [4, MIB + 0x200] }) }, "truncated"],
  ])("%s", (_, options, message) => {
    expect(() => load(options)).toThrow(MachineError);
    expect(() => load(options)).toThrow(message);
  });
});

test("a loader reads no byte beyond a file, however it is cut", () => {
  for (const kernel of [linux(), pvh(), multiboot()])
    for (let length = 0; length < kernel.length; length += 3) {
      try {
        load({ kernel: kernel.slice(0, length) });
      } catch (error) {
        expect(error).toBeInstanceOf(MachineError);
      }
    }
});
