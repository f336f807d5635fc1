import fc from "fast-check";
import { expect, test } from "vitest";
import type { DriveBackend } from "./drives.ts";
import { Machine } from "./machine.ts";
import { Snapshot } from "./snapshot.ts";
import { busyMachine, bytesOf } from "./testing/workload.ts";

const image = () => ({ data: bytesOf(256 * 1024, 5) });

/** Hashes of the next steps. */
function ahead(machine: Machine, steps: number): string[] {
  return Array.from({ length: steps }, () => {
    machine.step();
    return machine.stateHash();
  });
}

async function worn(): Promise<Machine> {
  const machine = await busyMachine({ drives: [image(), { ...image(), readOnly: true }] });
  machine.run({ steps: 17 });
  machine.input.serial("some text that waits");
  machine.physical.write(0x5000, bytesOf(5000));
  machine.drives[0]?.write(70_000, bytesOf(600, 9));
  return machine;
}

test("a machine restored from a file goes on as the one it was taken from", async () => {
  const machine = await worn();
  const file = await machine.snapshot().toBytes();
  const here = machine.stateHash();
  const future = ahead(machine, 20);
  const restored = await Machine.restore(await Snapshot.fromBytes(file), {
    drives: [image(), { ...image(), readOnly: true }],
  });
  expect(restored.stateHash()).toBe(here);
  expect([restored.steps, restored.consoleText]).toEqual([17n, ""]);
  expect(ahead(restored, 20)).toEqual(future);
  expect(restored.journal.entries).toEqual(machine.journal.entries);
});

test("the same while kernel code runs, from any step of a boot", async () => {
  const whole = await Machine.create({ memory: 4 * 2 ** 20, cpus: 2 });
  whole.boot();
  const machine = await Machine.create({ memory: 4 * 2 ** 20, cpus: 2 });
  const stride = Math.max(1, Math.floor(Number(whole.steps) / 10));
  do {
    const restored = await Machine.restore(machine.snapshot());
    expect(restored.boot()).toBe(whole.stopReason);
    expect([restored.stateHash(), restored.consoleText]).toEqual([
      whole.stateHash(),
      whole.consoleText,
    ]);
  } while (machine.run({ steps: stride }) === "steps");
});

test("a fork goes on alone: neither side sees what the other does", async () => {
  const parent = await worn();
  const child = parent.fork();
  const here = parent.stateHash();
  expect(child.stateHash()).toBe(here);
  child.drives[0]?.write(0, bytesOf(10, 3));
  child.physical.write(0x9000, Uint8Array.of(1));
  child.run({ steps: 30 });
  expect(parent.stateHash()).toBe(here);
  const other = parent.fork();
  parent.drives[0]?.write(70_100, bytesOf(10, 4));
  parent.run({ steps: 5 });
  expect(other.stateHash()).toBe(here);
  expect(ahead(other, 10)).toEqual(ahead((await worn()).fork(), 10));
});

test("a fork's memory is what is used, not RAM's size", async () => {
  const machine = await Machine.create({ memory: 512 * 2 ** 20, start: false });
  const { pages, contents } = machine.snapshot();
  expect(contents.length).toBe(pages.length * 4096);
  expect(contents.length).toBeLessThan(2 ** 20);
});

test("a drive that is written through to its image can't be copied, and says what would help", async () => {
  const backend: DriveBackend = { bytes: 4096, read: () => {}, write: () => {} };
  const machine = await busyMachine({ drives: [{ data: bytesOf(4096) }, { backend }] });
  for (const act of [() => machine.snapshot(), () => machine.fork()])
    expect(act).toThrowError(expect.objectContaining({ code: "drive-written-through" }));
  const overlaid = await busyMachine({ drives: [{ backend, overlay: true }] });
  overlaid.fork();
});

test("a snapshot of other modules, or with other drives, is refused", async () => {
  const snapshot = (await worn()).snapshot();
  const drives = [image(), { ...image(), readOnly: true }];
  const host = { ...snapshot.host, modules: { ...snapshot.host.modules, kernel: "00" } };
  await expect(
    Machine.restore(new Snapshot({ ...snapshot, host }), { drives }),
  ).rejects.toMatchObject({ code: "snapshot-modules" });
  await expect(Machine.restore(snapshot, { drives: [image()] })).rejects.toMatchObject({
    code: "snapshot-drives",
  });
});

test("any byte altered, any end cut off, any other version: refused by name", async () => {
  const file = await (await Machine.create({ memory: 2 ** 21, start: false })).snapshot().toBytes();
  const refused = async (bytes: Uint8Array) => {
    const error = await Snapshot.fromBytes(bytes).catch((caught: unknown) => caught);
    return (error as { code?: string }).code;
  };
  const flip = (at: number, bits: number) => {
    const altered = file.slice();
    altered[at] = (altered[at] ?? 0) ^ bits;
    return altered;
  };
  for (let at = 0; at < 8; at++) expect(await refused(flip(at, 0x20))).toBe("snapshot-malformed");
  for (let at = 8; at < 12; at++) expect(await refused(flip(at, 1))).toBe("snapshot-version");
  for (let at = 12; at < 248; at++) expect(await refused(flip(at, 0x80))).toBe("snapshot-altered");
  const longer = new Uint8Array(file.length + 1);
  longer.set(file);
  expect(await refused(longer)).toBe("snapshot-altered");
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 248, max: file.length - 1 }),
      fc.integer({ min: 1, max: 255 }),
      async (at, bits) => {
        expect(await refused(flip(at, bits))).toBe("snapshot-altered");
        expect(await refused(file.subarray(0, at))).toMatch(/^snapshot-(truncated|altered)$/);
      },
    ),
    { numRuns: 30 },
  );
  for (const end of [9, 100, 247])
    expect(await refused(file.subarray(0, end))).toBe("snapshot-truncated");
});
