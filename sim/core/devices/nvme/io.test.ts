import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NvmeHost } from "../../../host/testing/nvme.ts";

const KIB = 1024;
const BYTES = 2048 * KIB;
const IMAGE = new Uint8Array(BYTES).map((_, at) => (at * 13 + (at >> 9)) & 0xff);
const NVM = { flush: 0, write: 1, read: 2, compare: 5, zeroes: 8, dataset: 9 };
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

async function ready(options: object = {}) {
  const host = await NvmeHost.enabled([{ data: IMAGE, ...options }]);
  host.createQueues(1);
  return host;
}
const image = (host: NvmeHost) => host.machine.drives[0]?.image() ?? new Uint8Array();

describe("NVM commands (NVMe 1.4, 6)", () => {
  test.each([512, 4096])(
    "blocks of %i bytes are read and written by number",
    async (blockBytes) => {
      const host = await ready({ blockBytes });
      const page = host.page(2);
      expect(host.run(1, { opcode: NVM.read, nsid: 1, cdw10: 3, prp1: page }).status).toBe(0);
      const expected = IMAGE.subarray(3 * blockBytes, 4 * blockBytes);
      expect(same(host.ram(page, blockBytes), expected)).toBe(true);
      host.ram(page, blockBytes).fill(0x5a);
      expect(host.run(1, { opcode: NVM.write, nsid: 1, cdw10: 7, prp1: page }).status).toBe(0);
      const model = IMAGE.slice();
      model.fill(0x5a, 7 * blockBytes, 8 * blockBytes);
      expect(same(image(host), model)).toBe(true);
    },
  );

  test.each([
    ["an unknown opcode", { opcode: 0x7f }, 0x01],
    ["an opcode of the admin set", { opcode: 6 }, 0x01],
    ["namespace 0", { opcode: 2, nsid: 0 }, 0x0b],
    ["a namespace that does not exist", { opcode: 2, nsid: 2 }, 0x0b],
    ["all namespaces, for a read", { opcode: 2, nsid: 0xffff_ffff }, 0x0b],
    ["a first block at the end", { opcode: 2, cdw10: BYTES / 512 }, 0x80],
    ["a last block behind the end", { opcode: 2, cdw10: BYTES / 512 - 1, cdw12: 1 }, 0x80],
    ["a first block of 64 bits", { opcode: 1, cdw10: 0xffff_ffff, cdw11: 0xffff_ffff }, 0x80],
    ["more than MDTS", { opcode: 2, cdw12: 2048 }, 0x02],
    ["a directive", { opcode: 1, cdw12: 0x10_0000 }, 0x02],
    ["a PRP1 that is not a dword's", { opcode: 2, prp1: 0x80_0002 }, 0x13],
    ["a PRP2 with an offset", { opcode: 2, cdw12: 15, prp1: 0x80_0000, prp2: 0x81_0004 }, 0x13],
    [
      "a list that is not a qword's",
      { opcode: 2, cdw12: 31, prp1: 0x80_0000, prp2: 0x81_0004 },
      0x13,
    ],
  ])("%s is refused for good", async (_, command, status) => {
    const host = await ready();
    const end = host.run(1, { nsid: 1, prp1: 0x80_0000, ...command });
    expect(end).toMatchObject({ status, doNotRetry: true, more: true });
    expect(same(image(host), IMAGE)).toBe(true);
    expect(host.read(0x1c)).toBe(1n);
  });

  test.each([
    ["PRP1", { cdw12: 0, prp1: 0xff00_0000n }],
    ["PRP2", { cdw12: 15, prp1: 0x80_0000, prp2: 0xffff_ffff_ffff_f000n }],
    ["the list", { cdw12: 31, prp1: 0x80_0000, prp2: 0xff00_0000n }],
  ])("%s outside memory is a data transfer error that moves nothing", async (_, pointers) => {
    const host = await ready();
    const end = host.run(1, { opcode: NVM.write, nsid: 1, ...pointers });
    expect(end).toMatchObject({ status: 4, doNotRetry: false });
    expect(same(image(host), IMAGE)).toBe(true);
  });

  test("a write-protected namespace is read and never changed (20h)", async () => {
    const host = await ready({ readOnly: true });
    const page = host.page();
    expect(host.run(1, { opcode: NVM.read, nsid: 1, prp1: page }).status).toBe(0);
    host.view(page, 16).setUint32(4, 1, true);
    for (const opcode of [NVM.write, NVM.zeroes])
      expect(host.run(1, { opcode, nsid: 1, prp1: page }).status).toBe(0x20);
    expect(host.run(1, { opcode: NVM.dataset, nsid: 1, prp1: page, cdw11: 4 }).status).toBe(0x20);
    expect(same(image(host), IMAGE)).toBe(true);
  });

  test("Write Zeroes and deallocation make zeroes of their blocks only", async () => {
    const host = await ready();
    const model = IMAGE.slice();
    expect(host.run(1, { opcode: NVM.zeroes, nsid: 1, cdw10: 5, cdw12: 99 }).status).toBe(0);
    model.fill(0, 5 * 512, 105 * 512);
    expect(same(image(host), model)).toBe(true);
    const page = host.page();
    [200, 300, 400].forEach((lba, n) => {
      host.view(page, 4096).setUint32(n * 16 + 4, n + 1, true);
      host.view(page, 4096).setBigUint64(n * 16 + 8, BigInt(lba), true);
    });
    const dataset = { opcode: NVM.dataset, nsid: 1, cdw10: 2, prp1: page };
    expect(host.run(1, { ...dataset, cdw11: 3 }).status).toBe(0);
    expect(same(image(host), model)).toBe(true);
    expect(host.run(1, { ...dataset, cdw11: 4 }).status).toBe(0);
    for (const [lba, n] of [
      [200, 1],
      [300, 2],
      [400, 3],
    ] as const)
      model.fill(0, lba * 512, (lba + n) * 512);
    expect(same(image(host), model)).toBe(true);
    host.view(page, 4096).setBigUint64(40, BigInt(BYTES), true);
    expect(host.run(1, { ...dataset, cdw11: 4 }).status).toBe(0x80);
  });

  test("Compare tells equal from different, across pieces", async () => {
    const host = await ready();
    const pages = host.page(4);
    host.ram(pages, 12 * KIB).set(IMAGE.subarray(0, 12 * KIB));
    const list = host.page();
    [1, 2].forEach((n) => {
      host.view(list, 16).setBigUint64((n - 1) * 8, BigInt(pages + n * 4096), true);
    });
    const compare = { opcode: NVM.compare, nsid: 1, cdw12: 23, prp1: pages, prp2: list };
    expect(host.run(1, compare).status).toBe(0);
    host.ram(pages + 9000, 1)[0] = 0xee;
    expect(host.run(1, compare).status).toBe(0x285);
  });

  test("what the medium refuses is a media error, counted", async () => {
    const backend = {
      bytes: 64 * KIB,
      read: () => {
        throw new Error("bad sector");
      },
      write: () => {
        throw new Error("bad sector");
      },
      flush: () => {
        throw new Error("bad sector");
      },
    };
    const host = await NvmeHost.enabled([{ backend }]);
    host.createQueues(1);
    const prp1 = host.page();
    const end = host.run(1, { opcode: NVM.read, nsid: 1, prp1 });
    expect(end).toMatchObject({ status: 0x281, doNotRetry: false });
    expect(host.run(1, { opcode: NVM.write, nsid: 1, prp1 }).status).toBe(0x280);
    expect(host.run(1, { opcode: NVM.flush, nsid: 1 }).status).toBe(0x280);
    expect(host.state.mediaErrors).toBe(3n);
  });

  test("FUA and a write cache that is off flush each write, a cached write does not", async () => {
    let flushes = 0;
    const bytes = new Uint8Array(64 * KIB);
    const backend = {
      bytes: bytes.length,
      read: (offset: number, into: Uint8Array) =>
        into.set(bytes.subarray(offset, offset + into.length)),
      write: (offset: number, from: Uint8Array) => bytes.set(from, offset),
      flush: () => void flushes++,
    };
    const host = await NvmeHost.enabled([{ backend }]);
    host.createQueues(1);
    const write = { opcode: NVM.write, nsid: 1, prp1: host.page() };
    host.run(1, write);
    expect(flushes).toBe(0);
    host.run(1, { ...write, cdw12: 0x4000_0000 });
    expect(flushes).toBe(1);
    host.admin({ opcode: 9, cdw10: 6, cdw11: 0 });
    host.run(1, write);
    expect(flushes).toBe(2);
    host.run(1, { opcode: NVM.flush, nsid: 0xffff_ffff });
    expect(flushes).toBe(3);
  });
});

/** Builds the PRPs of a transfer over scattered pages, as the specification's figure has them. */
function scatter(host: NvmeHost, pages: number[], offset: number, listOffset: number) {
  const prp1 = (pages[0] ?? 0) + offset;
  if (pages.length === 1) return { prp1 };
  if (pages.length === 2) return { prp1, prp2: pages[1] ?? 0 };
  const first = host.page() + listOffset;
  let at = first;
  pages.slice(1).forEach((page, index) => {
    const left = pages.length - 1 - index;
    if (at % 4096 === 4088 && left > 1) {
      const next = host.page();
      host.view(at, 8).setBigUint64(0, BigInt(next), true);
      at = next;
    }
    host.view(at, 8).setBigUint64(0, BigInt(page), true);
    at += 8;
  });
  return { prp1, prp2: first };
}

test("any layout of PRPs moves the bytes that a flat copy would (4.3)", async () => {
  const layout = fc.record({
    blocks: fc.integer({ min: 1, max: 600 }),
    lba: fc.nat(3000),
    offset: fc.nat(1023).map((n) => n * 4),
    listOffset: fc.constantFrom(0, 8, 4080, 4088, 2048),
    seed: fc.nat(1000),
    toHost: fc.boolean(),
  });
  const host = await ready();
  const arena = 0x80_0000;
  const model = IMAGE.slice();
  fc.assert(
    fc.property(layout, ({ blocks, lba, offset, listOffset, seed, toHost }) => {
      const bytes = blocks * 512;
      const count = Math.ceil((offset + bytes) / 4096);
      // A permutation of pages: neighbours are sometimes contiguous, mostly not.
      const pages = Array.from({ length: count }, (_, n) => arena + ((n * 7 + seed) % 1021) * 4096);
      const flat = new Uint8Array(bytes).map((_, n) => (n * 3 + seed) & 0xff);
      const spans = pages.map((page, n) => {
        const from = n === 0 ? 0 : n * 4096 - offset;
        const start = n === 0 ? page + offset : page;
        return { start, from, bytes: Math.min(4096 - (start % 4096), bytes - from) };
      });
      if (!toHost)
        for (const span of spans)
          host.ram(span.start, span.bytes).set(flat.subarray(span.from, span.from + span.bytes));
      const pointers = scatter(host, pages, offset, listOffset);
      const opcode = toHost ? NVM.read : NVM.write;
      const command = { opcode, nsid: 1, cdw10: lba, cdw12: blocks - 1, ...pointers };
      expect(host.run(1, command).status).toBe(0);
      const onDrive = model.subarray(lba * 512, lba * 512 + bytes);
      if (!toHost) onDrive.set(flat);
      else
        for (const span of spans)
          expect(
            same(
              host.ram(span.start, span.bytes),
              onDrive.subarray(span.from, span.from + span.bytes),
            ),
          ).toBe(true);
    }),
    { numRuns: 60 },
  );
  expect(same(image(host), model)).toBe(true);
});

test("random doorbells, registers and commands never trap, hang or break an invariant", async () => {
  const word = fc.oneof(fc.nat(70), fc.nat(0xffff), fc.integer({ min: 0, max: 0xffff_ffff }));
  const act = fc.oneof(
    fc.record({ kind: fc.constant("doorbell"), a: fc.nat(520), b: word, c: word }),
    fc.record({
      kind: fc.constant("register"),
      a: fc.nat(0x40),
      b: word,
      c: fc.constantFrom(1, 2, 4, 8),
    }),
    fc.record({ kind: fc.constant("command"), a: fc.nat(3), b: fc.nat(0x1a), c: word }),
    fc.record({ kind: fc.constant("time"), a: fc.nat(100), b: word, c: word }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(act, { maxLength: 60 }),
      fc.infiniteStream(word),
      async (acts, words) => {
        const host = await NvmeHost.enabled([{ data: new Uint8Array(64 * KIB) }]);
        host.createQueues(1, 4);
        host.createQueues(2, 16, 1);
        const next = () => words.next().value ?? 0;
        for (const { kind, a, b, c } of acts) {
          if (kind === "doorbell") host.write(0x1000 + a * 4, b);
          else if (kind === "register") host.write(a, b, c);
          else if (kind === "time") host.machine.run(host.machine.state.now + BigInt(a * 1000));
          else if (host.submissions.has(a)) {
            const command = { opcode: b, flags: c % 50 === 0 ? 1 : 0, nsid: c % 4 };
            const [prp1, prp2] = [next() * 4, next() * 8];
            host.put(a, { ...command, prp1, prp2, cdw10: next(), cdw11: next(), cdw12: next() });
            host.ring(a);
          }
          checkInvariants(host);
        }
        host.settle(1000n);
        checkInvariants(host);
        // Whatever happened, a reset brings the controller back.
        host.write(0x14, 0);
        host.settle();
        host.enable();
        expect(host.admin({ opcode: 6, cdw10: 1, prp1: host.page() }).status).toBe(0);
      },
    ),
    { numRuns: 25 },
  );
});

/** What must hold between any two events. */
function checkInvariants(host: NvmeHost): void {
  const { state } = host;
  const slots = Array.from({ length: 128 }, (_, n) => state.slotsAt(n));
  const used = slots.filter((slot) => slot.state !== 0);
  expect(used.filter((slot) => slot.state === 2).length).toBe(state.asyncWaiting);
  expect(used.length).toBe(state.working + state.asyncWaiting);
  const reserved = new Map<number, number>();
  for (const slot of used) {
    const queue = state.submissionQueuesAt(slot.queue);
    expect(queue.entries).toBeGreaterThan(0);
    if (slot.state === 2) continue;
    reserved.set(queue.completionQueue, (reserved.get(queue.completionQueue) ?? 0) + 1);
  }
  for (let n = 0; n < 8; n++) {
    const queue = state.completionQueuesAt(n);
    if (queue.entries === 0) continue;
    expect(queue.head).toBeLessThan(queue.entries);
    expect(queue.tail).toBeLessThan(queue.entries);
    expect(queue.reserved).toBe(reserved.get(n) ?? 0);
    const held = (queue.tail - queue.head + queue.entries) % queue.entries;
    expect(held + queue.reserved).toBeLessThan(queue.entries);
  }
}

test("queues behave as a model of rings does: order of heads, phases, and a full queue holds", async () => {
  const shape = fc.record({
    entries: fc.integer({ min: 2, max: 9 }),
    steps: fc.array(fc.tuple(fc.nat(8), fc.nat(8)), { minLength: 1, maxLength: 25 }),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ entries, steps }) => {
      const host = await NvmeHost.enabled([{ data: new Uint8Array(4096) }]);
      host.createQueues(1, entries);
      const waiting: number[] = []; // submitted, in order; Flush takes the same time each
      let inQueue = 0; // submitted, not yet fetched by the model
      let posted = 0; // completions that the host has not taken
      let head = 0;
      let takenInAll = 0;
      for (const [submit, take] of steps) {
        const room = entries - 1 - inQueue;
        const count = Math.min(submit, room);
        for (let n = 0; n < count; n++) waiting.push(host.put(1, { opcode: NVM.flush, nsid: 1 }));
        if (count > 0) host.ring(1);
        inQueue += count;
        host.settle(10n);
        const moved = Math.min(inQueue, entries - 1 - posted);
        inQueue -= moved;
        posted += moved;
        head = (head + moved) % entries;
        if (take === 0) continue;
        const taken = host.take(1);
        expect(taken.map(({ id, status, queue }) => [id, status, queue])).toEqual(
          waiting.splice(0, posted).map((id) => [id, 0, 1]),
        );
        for (const completion of taken)
          expect(completion.phase).toBe(1 ^ (Math.floor(takenInAll++ / entries) & 1));
        if (taken.length > 0) expect(taken.at(-1)?.head).toBe(head);
        posted = 0;
        host.settle(10n);
        const freed = Math.min(inQueue, entries - 1);
        inQueue -= freed;
        posted += freed;
        head = (head + freed) % entries;
      }
    }),
    { numRuns: 30 },
  );
});

test("a host that takes no completions holds up its own queue and nobody else's", async () => {
  const host = await ready();
  host.createQueues(2, 4);
  for (let n = 0; n < 3; n++) host.put(2, { opcode: NVM.flush, nsid: 1 });
  host.ring(2);
  host.settle();
  for (let n = 0; n < 3; n++) host.put(2, { opcode: NVM.flush, nsid: 1 });
  host.ring(2);
  host.settle();
  expect(host.take(2, false).length).toBe(3);
  for (let n = 0; n < 200; n++) expect(host.run(1, { opcode: NVM.flush, nsid: 1 }).status).toBe(0);
});

test("round robin: each queue gets its turn, a burst at a time (4.13.1)", async () => {
  const order = async (burst: number) => {
    const host = await ready();
    host.createQueues(2, 64, 1);
    host.admin({ opcode: 9, cdw10: 1, cdw11: burst });
    for (const number of [1, 2])
      for (let n = 0; n < 4; n++) host.put(number, { opcode: NVM.flush, nsid: 1 });
    host.ring(1);
    host.ring(2);
    host.settle();
    return host.take(1).map((entry) => entry.queue);
  };
  expect(await order(0)).toEqual([1, 2, 1, 2, 1, 2, 1, 2]);
  expect(await order(1)).toEqual([1, 1, 2, 2, 1, 1, 2, 2]);
  expect(await order(7)).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
});

test("two commands of a queue with one identifier: the second is refused (03h)", async () => {
  const host = await ready();
  host.put(1, { opcode: NVM.flush, nsid: 1, id: 77 });
  host.put(1, { opcode: NVM.flush, nsid: 1, id: 77 });
  host.ring(1);
  host.settle();
  expect(host.take(1).map((entry) => entry.status)).toEqual([0, 3]);
});
