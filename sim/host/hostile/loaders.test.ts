/** Damaged kernels are refused by name, or loaded into RAM and nowhere else. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { MEMORY_RAM, MEMORY_RESERVED } from "../../spec/handoff.ts";
import { type Firmware, type GuestLoad, loadGuest } from "../boot/guest.ts";
import { MachineError } from "../errors.ts";
import { Machine } from "../machine.ts";
import { loadModules } from "../modules.ts";
import { debianKernel } from "../testing/debian.ts";
import { guestImage } from "../testing/guest64.ts";
import type { Random } from "../testing/isa-draw.ts";
import { randomFrom } from "../testing/random.ts";
import { Guard } from "./guard.ts";
import { type Kernel, multibootImage, pvhImage } from "./kernel.ts";

const MIB = 1 << 20;
const RAM_END = 64 * MIB;
const FIRMWARE: Firmware = {
  rsdp: 0xe_0000,
  map: [
    { address: 0, bytes: 0xa_0000, type: MEMORY_RAM },
    { address: 0xa_0000, bytes: 0x6_0000, type: MEMORY_RESERVED },
    { address: MIB, bytes: RAM_END - MIB, type: MEMORY_RAM },
  ],
};
const IDLE: Kernel = {
  mode: "32",
  records: [],
  code: new Uint8Array(16).fill(0xf4),
  data: new Uint8Array(),
};
const EDGES = [
  0, 1, 0x7f, 0xff, 0xfff, 0x1000, 0xffff, 0x9_ffff, 0x10_0000, 0x7fff_ffff, 0x8000_0000,
  0xffff_f000, 0xffff_ffff,
];
const MUTATIONS = 1500;
/** One in so many of those that are loaded is run as well. */
const RUN = 40;

/** Changes one to four fields among the first `head` bytes, calls `use` with some of the file, undoes it. */
function mutated(
  random: Random,
  file: Uint8Array,
  head: number,
  use: (bytes: Uint8Array) => void,
): void {
  const kept = file.slice(0, head);
  const view = new DataView(file.buffer, file.byteOffset);
  for (let n = 1 + random(4); n > 0; n--) {
    const at = random(head - 8);
    const edge = EDGES[random(EDGES.length)] ?? 0;
    const width = random(4);
    if (width < 2) file[at] = random(256);
    else if (width === 2) view.setUint32(at & ~3, random(2) ? edge : random(2 ** 32), true);
    else view.setBigUint64(at & ~7, (BigInt(random(2) ? edge : 0) << 32n) | BigInt(edge), true);
  }
  try {
    use(random(5) === 0 ? file.subarray(0, random(random(2) ? head : file.length)) : file);
  } finally {
    file.set(kept);
  }
}

/** What a loader promises of what it has accepted. */
function check({ pieces, rip }: GuestLoad): void {
  const inRam = (from: number, bytes: number) =>
    FIRMWARE.map.some(
      ({ address, bytes: size, type }) =>
        type === MEMORY_RAM && from >= address && from + bytes <= address + size,
    );
  expect(inRam(rip, 1)).toBe(true);
  const sorted = [...pieces].sort((a, b) => a.address - b.address);
  sorted.forEach(({ address, size, bytes }, n) => {
    expect(Number.isSafeInteger(address) && bytes.length <= size).toBe(true);
    expect(inRam(address, size)).toBe(true);
    const next = sorted[n + 1];
    if (next) expect(address + size).toBeLessThanOrEqual(next.address);
  });
}

interface Fate {
  refused: number;
  loaded: number;
  readonly kept: Uint8Array[];
}

function fates(file: Uint8Array, head: number, seed: number, count: number): Fate {
  const random = randomFrom(seed);
  const fate: Fate = { refused: 0, loaded: 0, kept: [] };
  for (let n = 0; n < count; n++)
    mutated(random, file, head, (kernel) => {
      try {
        check(loadGuest({ kernel, initrd: new Uint8Array(random(3) * 5000) }, FIRMWARE));
        fate.loaded += 1;
        if (fate.loaded % RUN === 0) fate.kept.push(kernel.slice());
      } catch (error) {
        if (!(error instanceof MachineError))
          throw new Error(`seed ${seed}, mutation ${n}: ${error}`);
        expect(error.code).toBe("bad-guest");
        expect(error.message).toMatch(/^[^\n]{10,200}$/);
        fate.refused += 1;
      }
    });
  return fate;
}

describe.each<[string, () => Uint8Array, number]>([
  ["a bzImage", () => guestImage("eb fe"), 0x280],
  ["an ELF file with a PVH entry", () => pvhImage(IDLE), 0xd0],
  ["a Multiboot image", () => multibootImage(IDLE), 0x240],
])("%s", (_, make, head) => {
  test("is refused by name or lies in RAM, wherever it is damaged", async () => {
    const { refused, loaded, kept } = fates(make(), head, 1, MUTATIONS);
    expect(refused).toBeGreaterThan(MUTATIONS / 20);
    expect(loaded).toBeGreaterThan(MUTATIONS / 20);
    const modules = await loadModules();
    for (const kernel of kept.slice(0, 5)) {
      const machine = await Machine.create({ memory: RAM_END, modules, guest: { kernel } });
      const guard = new Guard(machine);
      machine.run({ until: 20_000n });
      guard.check();
    }
  });
});

test("Debian's kernel is refused by name or lies in RAM, wherever its header is damaged", () => {
  const file = new Uint8Array(readFileSync(debianKernel()));
  const { refused, loaded } = fates(file, 0x280, 2, MUTATIONS);
  expect(refused).toBeGreaterThan(MUTATIONS / 20);
  expect(loaded).toBeGreaterThan(MUTATIONS / 20);
});
