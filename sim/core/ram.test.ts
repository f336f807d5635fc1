/**
 * Whatever physical address comes, and by whatever way, nothing but RAM and devices is reached: behind
 * RAM, in the linear memory of the machine, lie the caches of its CPUs (sim/core/memory.ts).
 */
import { beforeAll, describe, expect, test } from "vitest";
import { type Core, RAM_BASE } from "../host/core.ts";
import { Guard } from "../host/hostile/guard.ts";
import { Machine } from "../host/machine.ts";
import { loadModule } from "../host/modules.ts";
import { CODE, CodeBench } from "../host/testing/code.ts";
import { PML4 } from "../host/testing/longmode.ts";
import { configWrite } from "../host/testing/pci.ts";
import { CACHE_FIXED_BYTES, CACHE_FRAME_BYTES } from "../spec/caches.ts";
import { HPET_BASE, IOAPIC_BASE, LAPIC_BASE } from "../spec/platform.ts";

/** What sim-testing.wasm exports of a device's accesses. */
interface DeviceExports {
  dmaPointer(requester: number, address: bigint, bytes: number, write: boolean): number;
  dmaRead(requester: number, address: bigint, to: number, bytes: number): number;
  dmaWrite(requester: number, address: bigint, from: number, bytes: number): number;
}

const PAGE_BYTES = 4096;
const MIB = 1 << 20;
const GIB4 = 2n ** 32n;
const LOW_END = 0x8000_0000n;
const HOST_BRIDGE = 0;
const ALL_ONES = (bytes: number) => (1n << BigInt(8 * bytes)) - 1n;

/**
 * Pages of linear memory behind RAM that aren't all zeroes: of a machine that hasn't run, there are none,
 * but for the table of what is known of each frame, where stores to RAM are noted.
 */
function usedBehind(machine: Machine): number {
  const { sim, memory } = machine.core;
  const behind = RAM_BASE + machine.physical.size;
  const frames = behind + CACHE_FIXED_BYTES;
  const table = (machine.physical.size / PAGE_BYTES) * CACHE_FRAME_BYTES;
  const spans = [
    [behind, frames],
    [Math.ceil((frames + table) / PAGE_BYTES) * PAGE_BYTES, memory.buffer.byteLength],
  ] as const;
  return spans.filter(([from, to]) => sim.nextUsedPage(from, to) >>> 0 < to).length;
}

const read = (core: Core, at: bigint, bytes: number) =>
  BigInt.asUintN(8 * bytes, core.sim.physicalRead(BigInt.asIntN(64, at), bytes));

describe.each([
  ["below the hole at 2 GiB", 4 * MIB, [BigInt(4 * MIB)]],
  ["on both sides of it", 0x8000_0000 + MIB, [LOW_END, GIB4 + BigInt(MIB)]],
])("with RAM %s", (_, memory, ends) => {
  let machine: Machine;
  let device: DeviceExports;
  beforeAll(async () => {
    const modules = { sim: await loadModule("sim-testing"), kernel: await loadModule("kernel") };
    machine = await Machine.create({ memory, start: false, modules });
    device = machine.core.sim as unknown as DeviceExports;
    configWrite(machine, HOST_BRIDGE, 4, 2, 4);
  });

  /** Addresses at which an access of `bytes` bytes isn't all RAM, nor a device's. */
  const outside = (bytes: number): bigint[] => {
    const n = BigInt(bytes);
    const places = [
      ...ends.flatMap((end) => [end - n + 1n, end - 1n, end, end + 1n, end + 4096n]),
      LOW_END + 1n,
      GIB4 - n + 1n - 0x1000n * 0x1000n * 8n,
      GIB4 - 1n,
      2n ** 40n - 1n,
      2n ** 46n,
      2n ** 52n - 1n,
      2n ** 63n,
      2n ** 64n - 1n,
      2n ** 64n - n,
      2n ** 64n - 4096n,
    ];
    return places.filter((at) => bytes > 1 || !ends.includes(at + 1n));
  };

  test("the bus reads ones and drops writes, wholly or not at all", () => {
    for (const bytes of [1, 2, 4, 8])
      for (const at of outside(bytes)) {
        machine.core.sim.physicalWrite(BigInt.asIntN(64, at), bytes, 0x1111_1111_1111_1111n);
        expect(read(machine.core, at, bytes), `${bytes} bytes at ${at.toString(16)}`).toBe(
          ALL_ONES(bytes),
        );
      }
    for (const end of ends) expect(read(machine.core, end - 8n, 8)).toBe(0n);
    expect(usedBehind(machine)).toBe(0);
  });

  test("the last bytes of RAM are RAM", () => {
    for (const end of ends)
      for (const bytes of [1, 2, 4, 8]) {
        const at = end - BigInt(bytes);
        machine.core.sim.physicalWrite(at, bytes, ALL_ONES(bytes) - 1n);
        expect(read(machine.core, at, bytes)).toBe(ALL_ONES(bytes) - 1n);
        machine.core.sim.physicalWrite(at, bytes, 0n);
      }
    expect(usedBehind(machine)).toBe(0);
  });

  test("a device is refused, whether it reads or writes", () => {
    const from = RAM_BASE + 0x20_0000;
    for (const bytes of [1, 8, 512, 4096])
      for (const at of outside(bytes)) {
        const address = BigInt.asIntN(64, at);
        const name = `${bytes} bytes at ${at.toString(16)}`;
        expect(device.dmaWrite(HOST_BRIDGE, address, from, bytes), name).toBe(0);
        expect(device.dmaRead(HOST_BRIDGE, address, from, bytes), name).toBe(0);
        // A span for a device to keep never crosses a page.
        if (Number(at & 4095n) + bytes > 4096) continue;
        expect(device.dmaPointer(HOST_BRIDGE, address, bytes, true), name).toBe(0);
      }
    expect(usedBehind(machine)).toBe(0);
  });

  test("messages go to interrupt controllers or nowhere", () => {
    for (const at of [...outside(4), BigInt(IOAPIC_BASE), BigInt(HPET_BASE), 0xfeef_ffffn])
      for (const data of [0, 5, 15, 0x4000, 0xffff_ffff | 0])
        machine.core.sim.deliverMessage(BigInt.asIntN(64, at), data);
    expect(usedBehind(machine)).toBe(0);
  });
});

/** Two pages next to each other: the last of RAM, and one that a test chooses. */
const SEAM = 0x4000_1000n;
const TABLES = 0x50_0000;
const NOWHERE: readonly (readonly [string, bigint])[] = [
  ["the first page behind RAM", 16n * BigInt(MIB)],
  ["a page of the caches, as far behind RAM as they are", 16n * BigInt(MIB) + 0x30_0000n],
  ["the hole", 0xa000_0000n],
  ["the local APIC", BigInt(LAPIC_BASE)],
  ["4 GiB", GIB4],
  ["the last page that there can be", 2n ** 40n - 4096n],
];
/** Each reaches from before SEAM to behind it by way of RDI (and RSI). */
const INSTRUCTIONS: readonly (readonly [string, string, bigint])[] = [
  ["mov [rdi], ax", "66 89 07", 1n],
  ["mov [rdi], eax", "89 07", 3n],
  ["mov [rdi], rax", "48 89 07", 5n],
  ["mov rax, [rdi]", "48 8b 07", 7n],
  ["add [rdi], rax", "48 01 07", 4n],
  ["lock xadd [rdi], rax", "f0 48 0f c1 07", 2n],
  ["movups [rdi], xmm0", "0f 11 07", 9n],
  ["movups xmm0, [rdi]", "0f 10 07", 15n],
  ["maskmovdqu, by way of RDI", "66 0f 74 c0 66 0f f7 c0", 8n],
  ["fxsave [rdi]", "0f ae 07", 256n],
  ["fnsave [rdi]", "dd 37", 50n],
  ["fstp tbyte [rdi]", "db 3f", 6n],
  ["rep stosq", "b9 40 00 00 00 f3 48 ab", 64n],
  ["rep movsb", "b9 40 00 00 00 48 89 fe 48 83 ee 10 f3 a4", 32n],
  ["std; rep stosb", "b9 40 00 00 00 fd 48 83 c7 20 f3 aa", 8n],
  ["push by way of RSP", "48 89 fc 48 83 c4 08 50", 0n],
  ["sgdt [rdi]", "0f 01 07", 4n],
  ["cmpxchg16b [rdi]", "48 0f c7 0f", 0n],
  ["a store beyond, after one that fits", "88 47 ff 48 89 07", 0n],
];

describe.each(NOWHERE)("where RAM ends and %s follows", (_, physical) => {
  test.each(INSTRUCTIONS)("%s", async (__, code, before) => {
    const on = await seam(physical);
    const guard = new Guard(on.on.bench.machine);
    const end = RAM_BASE + 16 * MIB;
    const behind = on.bytes.slice(end - 4096 - 512, end - 4096);
    on.execute(code, { rdi: SEAM - before, rax: 0x1122_3344_5566_7788n });
    guard.check();
    expect(on.bytes.slice(end - 4096 - 512, end - 4096)).toEqual(behind);
  });

  test("code that runs from one into the other", async () => {
    const on = await seam(physical);
    const guard = new Guard(on.on.bench.machine);
    const end = 16 * MIB;
    // nop; the first bytes of mov rax, imm64
    on.put("90 48 b8 01", end - 4);
    Object.assign(on.cpu, { rip: SEAM - 4n, activity: 1 });
    on.run(100);
    guard.check();
    expect(on.cpu.retired).toBeGreaterThan(0n);
  });

  test("page tables that lead there", async () => {
    const on = await seam(physical);
    const { bench } = on.on;
    const guard = new Guard(bench.machine);
    const entries = [PML4 + 8, PML4 + 0x1000 + 8, TABLES, TABLES + 0x1008];
    for (const at of entries) {
      const kept = bench.read64(at);
      bench.write64(at, physical | 7n);
      bench.do.writeControl(3, BigInt(PML4));
      for (const access of [0, 2, 16]) bench.do.translateFor(0, SEAM, access);
      bench.do.peekTranslate(0, SEAM);
      on.execute("48 89 07 48 8b 07", { rdi: SEAM, rsi: SEAM });
      bench.write64(at, kept);
    }
    bench.do.writeControl(3, physical & (2n ** 40n - 1n));
    bench.do.translateFor(0, SEAM, 2);
    bench.do.peekTranslate(0, SEAM);
    on.run(100);
    guard.check();
  });
});

async function seam(physical: bigint): Promise<CodeBench> {
  const on = await CodeBench.create({ memory: 16 * MIB });
  const { bench } = on.on;
  bench.write64(PML4 + 0x1008, BigInt(TABLES) | 7n);
  bench.write64(TABLES, BigInt(TABLES + 0x1000) | 7n);
  bench.write64(TABLES + 0x1000, BigInt(15 * MIB + (MIB - 4096)) | 7n);
  bench.write64(TABLES + 0x1008, physical | 7n);
  on.cpu.cr4 |= 0x600n;
  on.cpu.rip = BigInt(CODE);
  return on;
}
