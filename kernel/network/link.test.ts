/** Links without a controller: whose a frame is, who pays for it, and what ends a link. */
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { Network } from "../host/views.generated.ts";
import { BASE, Ipc, type Party } from "../testing/ipc-host.ts";

const LINKS = 64;
const MESSAGE = 112;
const PAGE = 4096;
/** Behind what a world of this size uses. */
const FRAME_AT = 0x0200_0000 + (6 << 20);

let ipc: Ipc;
let ann: Party;
let kernel: number;

beforeEach(async () => {
  ipc = await Ipc.create({ ramBytes: 7 << 20 });
  ann = ipc.party();
  kernel = ann.kernel();
});

const counters = () => {
  const { delivered, dropped } = new Network(ipc.world.data, ipc.world.kernel.root.network);
  return [Number(delivered), Number(dropped)];
};
const open = (party: Party, queue: number, address: number) =>
  party.call("LINK_OPEN", party === ann ? kernel : party.kernel(), queue, address);

/** An Ethernet frame to the address, of which the last bytes are `seed`. */
function frameTo(address: number, bytes = 60, seed = 0): Uint8Array {
  const frame = new Uint8Array(bytes).fill(seed);
  for (let n = 0; n < 6; n++) frame[n] = Math.floor(address / 2 ** (8 * n)) & 0xff;
  return frame;
}

/** The controller takes the frame. */
function arrive(frame: Uint8Array): void {
  new Uint8Array(ipc.world.data.buffer as ArrayBuffer, FRAME_AT, frame.length).set(frame);
  ipc.exports.worldFrame(FRAME_AT, frame.length);
}

describe("a link", () => {
  test.each([14, 60, 64, 65, 1514, 1518])("makes a frame of %d bytes a message", (bytes) => {
    const queue = ann.create("queue", 4);
    expect(open(ann, queue, 0xa2)).toEqual({ status: "OK", value: 0xa2 });
    const frame = frameTo(0xa2, bytes, 7);
    arrive(frame);
    const message = ann.receive(queue);
    expect(message).toMatchObject({
      sender: ipc.authority,
      sequence: 1,
      bytes: frame,
      capability: 0,
    });
    expect([counters(), ipc.broken]).toEqual([[1, 0], 0]);
  });

  test("wakes who waits for its queue", () => {
    const queue = ann.create("queue", 4);
    open(ann, queue, 0xa2);
    ann.wait({ list: [queue] });
    expect(ann.waits).toBe(true);
    arrive(frameTo(0xa4));
    expect(ann.waits).toBe(true);
    arrive(frameTo(0xa2));
    expect([ann.waits, ann.result]).toEqual([false, { status: "OK", value: 0 }]);
  });

  test("drops and counts what is for nobody, for a group, and what has no room or nobody who pays", () => {
    const queue = ann.create("queue", 2);
    open(ann, queue, 0xa2);
    arrive(frameTo(0xa3));
    arrive(frameTo(0xffff_ffff_ffff));
    expect(counters()).toEqual([0, 2]);
    for (let n = 0; n < 3; n++) arrive(frameTo(0xa2));
    expect(counters()).toEqual([2, 3]);
    for (let n = 0; n < 2; n++) ann.receive(queue);
    // The receiver sees in the numbers that one was lost.
    ann.quota = ann.used + MESSAGE + PAGE - 1;
    arrive(frameTo(0xa2, 100));
    arrive(frameTo(0xa2));
    expect(ann.receive(queue)).toMatchObject({ sequence: 5 });
    expect([counters(), ipc.broken]).toEqual([[3, 4], 0]);
  });

  test("is refused by name", () => {
    const queue = ann.create("queue", 4);
    const status = (address: number, at = queue) => open(ann, at, address).status;
    expect(status(2 ** 48)).toBe("OUT_OF_RANGE");
    expect(status(0xa1)).toBe("BAD_ARGUMENT");
    expect(status(0xa2, ann.create("pipe", 4))).toBe("CAPABILITY_KIND");
    expect(status(0xa2, ann.self)).toBe("CAPABILITY_KIND");
    expect(status(0xa2, ann.share(queue, 1 << 1))).toBe("RIGHTS_MISSING");
    expect(status(0xa2, 77)).toBe("CAPABILITY_FORGED");
    expect(ann.call("LINK_SEND", queue, BASE, 60).status).toBe("WRONG_STATE");
    expect(status(0xa2)).toBe("OK");
    expect(status(0xa4)).toBe("WRONG_STATE");
    expect(status(0xa2, ann.create("queue", 4))).toBe("IN_USE");
    expect(ann.call("LINK_SEND", queue, BASE, 13).status).toBe("OUT_OF_RANGE");
    expect(ann.call("LINK_SEND", queue, BASE, 1519).status).toBe("TOO_LARGE");
    expect(ann.call("LINK_SEND", queue, 8, 60).status).toBe("BAD_ADDRESS");
    // This world's controller never becomes ready.
    expect(ann.call("LINK_SEND", queue, BASE, 60).status).toBe("FULL");
    new Network(ipc.world.data, ipc.world.kernel.root.network).nic = 0;
    expect(ann.call("LINK_SEND", queue, BASE, 60).status).toBe("NO_DEVICE");
    expect(status(0xa6, ann.create("queue", 4))).toBe("NO_DEVICE");
  });
});

test("64 links are open at once, and never 65; a closed queue gives its address back", () => {
  const queues = Array.from({ length: LINKS }, (_, n) => {
    const queue = ann.create("queue", 1);
    expect(open(ann, queue, 0x100 + 2 * n).status).toBe("OK");
    return queue;
  });
  const another = ann.create("queue", 1);
  expect(open(ann, another, 2).status).toBe("LIMIT");
  ann.call("ENDPOINT_CLOSE", queues[10] ?? 0);
  arrive(frameTo(0x114));
  expect(counters()).toEqual([0, 1]);
  expect(open(ann, another, 0x114).status).toBe("OK");
  expect(ipc.broken).toBe(0);
});

test("in any order of opening, closing and frames, each frame is where a plain list says", () => {
  const act = fc.record({
    do: fc.constantFrom("open", "close", "frame", "frame", "receive"),
    at: fc.nat({ max: 3 }),
    address: fc.constantFrom(2, 4, 6),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const queues = Array.from({ length: 4 }, () => ({
        id: ann.create("queue", 2),
        link: 0,
        held: [] as number[],
      }));
      let seed = 0;
      for (const { do: what, at, address } of acts) {
        const queue = queues[at] as (typeof queues)[number];
        const taken = queues.find(({ link }) => link === address);
        if (what === "open") {
          const expected = queue.link !== 0 ? "WRONG_STATE" : taken ? "IN_USE" : "OK";
          expect(open(ann, queue.id, address).status).toBe(expected);
          if (expected === "OK") queue.link = address;
        } else if (what === "close") {
          ann.call("ENDPOINT_CLOSE", queue.id);
          Object.assign(queue, { id: ann.create("queue", 2), link: 0, held: [] });
        } else if (what === "frame") {
          arrive(frameTo(address, 60, ++seed % 256));
          if (taken && taken.held.length < 2) taken.held.push(seed % 256);
        } else {
          const found = ann.receive(queue.id);
          expect(typeof found === "string" ? undefined : found.bytes[59]).toBe(queue.held.shift());
        }
        expect(ipc.broken).toBe(0);
      }
      for (const { id } of queues) ann.call("ENDPOINT_CLOSE", id);
    }),
    { numRuns: 60 },
  );
});
