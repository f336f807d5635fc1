import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { AHCI_FUNCTION, AhciBench, DATA, FRAMES, pattern } from "../../../host/testing/ahci.ts";
import { configRead, configWrite } from "../../../host/testing/pci.ts";

const IMAGE = pattern(1 << 20);
const block = (address: number, bytes: number) => [{ address, bytes }];
const boot = async (options = {}) => (await AhciBench.create({ data: IMAGE, ...options })).start();

/** IDENTIFY DEVICE data as words, the way hdparm reads them. */
function words(bench: AhciBench): number[] {
  expect(bench.execute({ opcode: 0xec, entries: block(DATA, 512) }).status).toBe(0x50);
  const bytes = bench.ram(DATA, 512).slice();
  expect(bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0)).toBe(0);
  return [...new Uint16Array(bytes.buffer)];
}

function ascii(data: number[], first: number, last: number): string {
  const swapped = data.slice(first, last + 1).flatMap((word) => [word >> 8, word & 0xff]);
  return String.fromCharCode(...swapped).trim();
}

const wide = (data: number[], first: number) =>
  [0, 1, 2, 3].reduce((sum, n) => sum + (data[first + n] ?? 0) * 65536 ** n, 0);
const bit = (data: number[], word: number, n: number) => ((data[word] ?? 0) >> n) & 1;

describe("IDENTIFY DEVICE (ACS-2, 7.12)", () => {
  test("names the drive and its capacity in 28 and 48 bits", async () => {
    const data = words(await boot());
    expect(ascii(data, 27, 46)).toBe("AIOS SATA DRIVE");
    expect(ascii(data, 10, 19)).toBe("AIOSAHCI0000");
    expect((data[60] ?? 0) + (data[61] ?? 0) * 65536).toBe(2048);
    expect(wide(data, 100)).toBe(2048);
  });

  test("offers NCQ with 32 tags, 48-bit addresses, FLUSH EXT, FUA, SMART, TRIM and logs", async () => {
    const data = words(await boot());
    expect((data[75] ?? 0) & 31).toBe(31);
    expect(bit(data, 76, 8)).toBe(1);
    expect([bit(data, 83, 10), bit(data, 83, 13), bit(data, 84, 6)]).toEqual([1, 1, 1]);
    expect([bit(data, 82, 0), bit(data, 169, 0), bit(data, 84, 5)]).toEqual([1, 1, 1]);
    // Words 83, 84 and 87 are valid when their top bits are 01b.
    for (const word of [83, 84, 87]) expect((data[word] ?? 0) >> 14).toBe(1);
  });

  test("tells the size of a logical sector", async () => {
    expect((words(await boot())[106] ?? 0) & 0x1000).toBe(0);
    const data = words(await boot({ blockBytes: 4096 }));
    expect((data[106] ?? 0) >> 12).toBe(0b0101);
    expect((data[117] ?? 0) * 2).toBe(4096);
    expect(wide(data, 100)).toBe(256);
  });

  test("shows what SET FEATURES changed", async () => {
    const bench = await boot();
    expect(bit(words(bench), 85, 5)).toBe(1);
    bench.execute({ opcode: 0xef, features: 0x82 });
    expect(bit(words(bench), 85, 5)).toBe(0);
    bench.execute({ opcode: 0xef, features: 0x03, count: 0x42 });
    expect((words(bench)[88] ?? 0) >> 8).toBe(1 << 2);
  });
});

describe("reads and writes", () => {
  test("DMA: data arrive, PRDBC counts them, a register FIS ends the command", async () => {
    const bench = await boot();
    const taskFile = bench.execute({ opcode: 0xc8, lba: 3, count: 2, entries: block(DATA, 1024) });
    expect(taskFile).toEqual({ status: 0x50, error: 0 });
    expect(bench.ram(DATA, 1024)).toEqual(IMAGE.subarray(3 * 512, 5 * 512));
    expect(bench.ram32(0x20_0004)).toBe(1024);
    expect([...bench.ram(FRAMES + 0x40, 3)]).toEqual([0x34, 0x40, 0x50]);
    expect(bench.read(0x110) & 3).toBe(1);
  });

  test("PIO: a setup FIS and PSS for each sector, no register FIS at the end", async () => {
    const bench = await boot();
    bench.ram(FRAMES + 0x40, 20).fill(0);
    bench.execute({ opcode: 0x20, lba: 7, count: 3, entries: block(DATA, 1536) });
    expect(bench.ram(DATA, 1536)).toEqual(IMAGE.subarray(7 * 512, 10 * 512));
    const frame = bench.ram(FRAMES + 0x20, 20);
    expect([frame[0], frame[1], frame[15], frame[16], frame[17]]).toEqual([0x5f, 0x60, 0x50, 0, 2]);
    expect(bench.read(0x110) & 3).toBe(2);
    expect(bench.ram(FRAMES + 0x40, 1)[0]).toBe(0);
  });

  test("PIO out writes what it was given", async () => {
    const bench = await boot();
    bench.ram(DATA, 1024).fill(0x5a);
    bench.execute({ opcode: 0x34, lba: 9, count: 2, write: true, entries: block(DATA, 1024) });
    bench.execute({ opcode: 0x25, lba: 9, count: 2, entries: block(DATA + 0x1000, 1024) });
    expect(bench.ram(DATA + 0x1000, 1024)).toEqual(bench.ram(DATA, 1024));
  });

  test("a count of zero is 65,536 sectors: more than this drive has, or all of a larger one", async () => {
    const bench = await boot();
    expect(bench.execute({ opcode: 0x25, count: 0 }).error).toBe(0x10);
    const image = pattern(32 << 20);
    const large = (await AhciBench.create({ data: image })).start();
    const entries = [0, 1, 2, 3].flatMap(() => block(DATA, 4 << 20)).concat(block(DATA, 4 << 20));
    const all = entries.concat(entries).slice(0, 8);
    expect(large.execute({ opcode: 0x25, count: 0, entries: all }).status & 0x80).toBe(0x80);
    large.wait(1_000_000_000n);
    expect(large.read(0x138)).toBe(0);
    expect(large.ram32(0x20_0004)).toBe(32 << 20);
    expect(Buffer.compare(large.ram(DATA, 4 << 20), image.subarray(28 << 20))).toBe(0);
  });

  test("any layout of the PRDT reads and writes what a flat drive would", async () => {
    // Pieces of even length at even addresses, apart from each other; the specification's limits.
    const layout = fc.array(fc.tuple(fc.integer({ min: 1, max: 3000 }), fc.nat(200)), {
      minLength: 1,
      maxLength: 12,
    });
    const step = fc.record({
      write: fc.boolean(),
      lba: fc.nat(40),
      blocks: fc.integer({ min: 1, max: 40 }),
      layout,
      seed: fc.nat(255),
      queued: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(512, 4096),
        fc.array(step, { maxLength: 6 }),
        async (unit, steps) => {
          const bench = await boot({ blockBytes: unit });
          const model = IMAGE.slice();
          for (const { write, lba, blocks, layout: pieces, seed, queued } of steps) {
            const bytes = blocks * unit;
            const entries: { address: number; bytes: number }[] = [];
            let [at, covered] = [DATA, 0];
            for (let n = 0; covered < bytes; n++) {
              const [half, gap] = pieces[n % pieces.length] ?? [1, 0];
              // The last of 248 entries takes whatever is left.
              const length = n < 247 ? half * 2 : bytes;
              entries.push({ address: at, bytes: length });
              at += length + gap * 2;
              covered += length;
            }
            const spans: Uint8Array[] = [];
            let left = bytes;
            for (const entry of entries) {
              spans.push(bench.ram(entry.address, Math.min(left, entry.bytes)));
              left -= Math.min(left, entry.bytes);
            }
            const flat = model.subarray(lba * unit, lba * unit + bytes);
            let position = 0;
            for (const span of spans) {
              for (let n = 0; n < span.length; n++) span[n] = (seed + n * 3) & 0xff;
              if (write) flat.set(span, position);
              position += span.length;
            }
            bench.prepare(0, {
              opcode: queued ? (write ? 0x61 : 0x60) : write ? 0x35 : 0x25,
              lba,
              ...(queued ? { features: blocks, count: 0 } : { count: blocks }),
              write,
              entries,
            });
            if (queued) bench.write(0x134, 1);
            bench.write(0x138, 1);
            bench.wait();
            expect([bench.read(0x120), bench.read(0x134), bench.read(0x138)]).toEqual([0x50, 0, 0]);
            position = 0;
            for (const span of spans) {
              expect(Buffer.compare(span, flat.subarray(position, position + span.length))).toBe(0);
              position += span.length;
            }
          }
        },
      ),
      { numRuns: 25 },
    );
  });
});

describe("native command queuing (AHCI 1.3.1, 5.6.4)", () => {
  test("32 tags in flight; CI is free at once, SActive when each is done", async () => {
    const bench = await boot();
    for (let tag = 0; tag < 32; tag++)
      bench.prepare(tag, {
        opcode: 0x60,
        lba: tag * 10,
        features: 1,
        count: tag << 3,
        entries: block(DATA + tag * 512, 512),
      });
    bench.write(0x134, 0xffff_ffff);
    bench.write(0x138, 0xffff_ffff);
    bench.wait(50_000n);
    expect([bench.read(0x138), bench.read(0x134), bench.read(0x120)]).toEqual([
      0, 0xffff_ffff, 0x50,
    ]);
    bench.wait();
    expect(bench.read(0x134)).toBe(0);
    expect(bench.read(0x110) & 0x8).toBe(8);
    expect(bench.ram(FRAMES + 0x58, 1)[0]).toBe(0xa1);
    for (let tag = 0; tag < 32; tag++)
      expect(bench.ram(DATA + tag * 512, 512)).toEqual(
        IMAGE.subarray(tag * 5120, tag * 5120 + 512),
      );
  });

  test("an error names its tag in log 10h, and until that is read everything is aborted", async () => {
    const bench = await boot();
    const read = (tag: number, lba: number) =>
      bench.prepare(tag, {
        opcode: 0x60,
        lba,
        features: 1,
        count: tag << 3,
        entries: block(DATA, 512),
      });
    read(4, 0x12_3456);
    read(9, 1);
    bench.write(0x134, (1 << 4) | (1 << 9));
    bench.write(0x138, (1 << 4) | (1 << 9));
    bench.wait();
    expect(bench.read(0x120)).toBe(0x1051);
    expect(bench.read(0x134)).toBe((1 << 4) | (1 << 9));
    bench.restart();
    expect(bench.execute({ opcode: 0xe5 }).error).toBe(4);
    bench.restart();
    const log = { opcode: 0x2f, lba: 0x10, count: 1, entries: block(DATA, 512) };
    expect(bench.execute(log).status).toBe(0x50);
    const page = bench.ram(DATA, 512);
    expect([page[0], page[2], page[3]]).toEqual([4, 0x51, 0x10]);
    expect([...page.subarray(4, 7)]).toEqual([0x56, 0x34, 0x12]);
    expect(page.reduce((sum, byte) => (sum + byte) & 0xff, 0)).toBe(0);
    expect(bench.execute({ opcode: 0xe5 }).status).toBe(0x50);
  });

  test("a tag that isn't its slot is aborted", async () => {
    const bench = await boot();
    bench.prepare(2, { opcode: 0x60, features: 1, count: 5 << 3, entries: block(DATA, 512) });
    bench.write(0x134, 4);
    bench.write(0x138, 4);
    bench.wait();
    expect(bench.read(0x120)).toBe(0x0451);
  });
});

describe("the other commands", () => {
  test("TRIM makes ranges read as zeroes", async () => {
    const bench = await boot();
    bench.ram(DATA, 512).fill(0);
    bench.ram(DATA, 16).set([5, 0, 0, 0, 0, 0, 2, 0, 100, 0, 0, 0, 0, 0, 1, 0]);
    const trim = { opcode: 0x06, features: 1, count: 1, write: true, entries: block(DATA, 512) };
    expect(bench.execute(trim).status).toBe(0x50);
    bench.execute({ opcode: 0x25, lba: 4, count: 4, entries: block(DATA, 2048) });
    const expected = IMAGE.slice(4 * 512, 8 * 512);
    expected.fill(0, 512, 3 * 512);
    expect(bench.ram(DATA, 2048)).toEqual(expected);
  });

  test("SMART reports health and a page whose bytes sum to zero", async () => {
    const bench = await boot();
    const key = 0xc24f00;
    expect(bench.execute({ opcode: 0xb0, features: 0xda, lba: key }).status).toBe(0x50);
    expect([...bench.ram(FRAMES + 0x45, 2)]).toEqual([0x4f, 0xc2]);
    bench.execute({ opcode: 0xb0, features: 0xd0, lba: key, entries: block(DATA, 512) });
    expect(bench.ram(DATA, 512).reduce((sum, byte) => (sum + byte) & 0xff, 0)).toBe(0);
    bench.execute({ opcode: 0xb0, features: 0xd9, lba: key });
    expect(bench.execute({ opcode: 0xb0, features: 0xda, lba: key }).error).toBe(4);
  });

  test("power modes: standby and idle are reported, a read makes the drive active", async () => {
    const bench = await boot();
    const mode = () => {
      bench.execute({ opcode: 0xe5 });
      return bench.ram(FRAMES + 0x40 + 12, 1)[0];
    };
    expect(mode()).toBe(0xff);
    bench.execute({ opcode: 0xe0 });
    expect(mode()).toBe(0);
    bench.execute({ opcode: 0xe3 });
    expect(mode()).toBe(0x80);
    bench.execute({ opcode: 0xc8, count: 1, entries: block(DATA, 512) });
    expect(mode()).toBe(0xff);
  });

  test("flushes reach the backend: on command, with FUA, and always without a write cache", async () => {
    let flushes = 0;
    const backend = {
      bytes: 1 << 20,
      read: (_offset: number, into: Uint8Array) => void into.fill(0),
      write: () => undefined,
      flush: () => void flushes++,
    };
    const bench = (await AhciBench.create({ backend, overlay: false })).start();
    const write = { count: 1, write: true, entries: block(DATA, 512) };
    bench.execute({ ...write, opcode: 0x35 });
    expect(flushes).toBe(0);
    bench.execute({ opcode: 0xea });
    expect(flushes).toBe(1);
    bench.execute({ ...write, opcode: 0x3d });
    expect(flushes).toBe(2);
    bench.execute({ opcode: 0xef, features: 0x82 });
    flushes = 0;
    bench.execute({ ...write, opcode: 0xca });
    expect(flushes).toBe(1);
  });
});

test("whatever a guest writes to the registers and the structures, the machine goes on", async () => {
  const write = fc.record({
    offset: fc.oneof(fc.nat(0x1ff), fc.nat(0x1ff8)),
    bytes: fc.constantFrom(1, 2, 4, 8),
    value: fc.oneof(
      fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
      fc.constantFrom(1n, 0x11n, 0xffff_ffffn),
    ),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(write, { maxLength: 60 }),
      fc.uint8Array({ minLength: 64, maxLength: 512 }),
      async (writes, garbage) => {
        const bench = await boot();
        for (let at = 0; at < 0x8000; at += garbage.length)
          bench.ram(0x20_0000 + at, garbage.length).set(garbage);
        // Plausible headers, so that garbage gets as far as the device.
        for (let slot = 0; slot < 32; slot++)
          bench.setRam32(0x20_0008 + slot * 32, 0x20_2000 + slot * 128);
        for (let slot = 0; slot < 32; slot++)
          bench.ram(0x20_2000 + slot * 128, 2).set([0x27, 0x80]);
        for (const { offset, bytes, value } of writes) {
          const aligned = BigInt(Math.min(offset, 0x2000 - bytes));
          bench.machine.core.sim.physicalWrite(bench.base + aligned, bytes, value);
          bench.wait(3_000n);
        }
        bench.wait(1_000_000n);
        bench.write(0x04, 1);
        bench.wait();
        expect(bench.start().execute({ opcode: 0xec, entries: block(DATA, 512) }).status).toBe(
          0x50,
        );
      },
    ),
    { numRuns: 60 },
  );
});

test("a reset of the function in D3hot and back leaves a working controller", async () => {
  const bench = await boot();
  const power = 0x40;
  expect(configRead(bench.machine, AHCI_FUNCTION, power, 1)).toBe(1);
  configWrite(bench.machine, AHCI_FUNCTION, power + 4, 2, 3);
  expect(bench.read(0x00)).toBe(0xffff_ffff);
  configWrite(bench.machine, AHCI_FUNCTION, power + 4, 2, 0);
  expect(bench.execute({ opcode: 0xec, entries: block(DATA, 512) }).status).toBe(0x50);
});
