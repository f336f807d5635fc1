/** EndpointNotify: one message, once, in a place that was kept for it. */
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import * as Layout from "../syscall/ipc_layouts.ts";
import { BASE, bytesOf, Ipc, type Party, pattern } from "../testing/ipc-host.ts";
import { NOTIFY_DATA, NOTIFY_GONE, NOTIFY_ROOM } from "./notify_kinds.ts";

const MESSAGE = 112;
const NAMES = { [NOTIFY_DATA]: "data", [NOTIFY_ROOM]: "room", [NOTIFY_GONE]: "gone" } as const;
const CONDITIONS = { data: NOTIFY_DATA, room: NOTIFY_ROOM } as const;
type On = keyof typeof CONDITIONS;

let ipc: Ipc;
let ann: Party;
let bob: Party;

beforeEach(async () => {
  ipc = await Ipc.create();
  [ann, bob] = [ipc.party(), ipc.party()];
});

const notify = (source: number, queue: number, on: On, tag = 0, least = 1, party = ann) =>
  party.call("ENDPOINT_NOTIFY", source, queue, CONDITIONS[on], tag, least);
const write = (pipe: number, bytes: number, party = ann) =>
  party.call("PIPE_WRITE", pipe, BASE, bytes);
const read = (pipe: number, bytes: number, party = ann) =>
  party.call("PIPE_READ", pipe, BASE, bytes);

/** What the queue's next message says: tag, condition, amount; or why there is none. */
function told(queue: number, party = ann): readonly [number, string, number] | string {
  const message = party.receive(queue);
  if (typeof message === "string") return message;
  expect(message).toMatchObject({ sender: ipc.authority, capability: 0 });
  expect(message.bytes.length).toBe(Layout.NOTIFY_BYTES);
  const view = new DataView(message.bytes.buffer, message.bytes.byteOffset);
  const field = (at: number) => Number(view.getBigUint64(at, true));
  const condition = field(Layout.NOTIFY_CONDITION) as keyof typeof NAMES;
  return [field(Layout.NOTIFY_TAG), NAMES[condition], field(Layout.NOTIFY_AMOUNT)];
}

describe("a watch", () => {
  test("tells once that bytes are there, and wakes who waits for its queue", () => {
    const [pipe, queue] = [ann.create("pipe", 100), ann.create("queue", 2)];
    expect(notify(pipe, queue, "data", 7)).toEqual({ status: "OK", value: 0 });
    ann.wait({ list: [queue] });
    write(bob.share(pipe), 5, bob);
    expect([ann.waits, told(queue)]).toEqual([false, [7, "data", 5]]);
    write(pipe, 5);
    expect(told(queue)).toBe("EMPTY");
    // What is there already is told at once.
    expect(notify(pipe, queue, "data", 8)).toEqual({ status: "OK", value: 1 });
    expect([told(queue), ipc.broken]).toEqual([[8, "data", 10], 0]);
  });

  test("waits for so many bytes, and for so much room", () => {
    const [pipe, queue] = [ann.create("pipe", 10), ann.create("queue", 4)];
    notify(pipe, queue, "data", 1, 6);
    write(pipe, 5);
    expect(told(queue)).toBe("EMPTY");
    write(pipe, 5);
    expect(told(queue)).toEqual([1, "data", 10]);
    notify(pipe, queue, "room", 2, 4);
    notify(pipe, queue, "room", 3, 3);
    read(pipe, 2);
    expect(told(queue)).toBe("EMPTY");
    read(pipe, 1);
    expect([told(queue), told(queue)]).toEqual([[3, "room", 3], "EMPTY"]);
    read(pipe, 7);
    expect(told(queue)).toEqual([2, "room", 10]);
  });

  test("follows the messages of a queue, and room for them", () => {
    const [source, queue] = [ann.create("queue", 2), ann.create("queue", 4)];
    notify(source, queue, "data", 1);
    ann.send(source, bytesOf(1));
    expect(told(queue)).toEqual([1, "data", 1]);
    ann.send(source, bytesOf(2));
    notify(source, queue, "room", 2);
    ann.receive(source);
    expect(told(queue)).toEqual([2, "room", 1]);
  });

  test("follows frames of the network too", () => {
    const [link, queue] = [ann.create("queue", 2), ann.create("queue", 2)];
    ann.call("LINK_OPEN", ann.kernel(), link, 2);
    notify(link, queue, "data", 9);
    const at = 0x0200_0000 + (3 << 20);
    new Uint8Array(ipc.world.data.buffer as ArrayBuffer, at, 60).set([2]);
    ipc.exports.worldFrame(at, 60);
    expect(told(queue)).toEqual([9, "data", 1]);
  });

  test("keeps its place in the queue: nobody else gets it, and nothing is lost", () => {
    const [pipe, queue] = [ann.create("pipe", 10), ann.create("queue", 2)];
    notify(pipe, queue, "data", 1);
    expect(ann.send(queue, bytesOf(1)).status).toBe("OK");
    expect(ann.send(queue, bytesOf(2)).status).toBe("FULL");
    expect(notify(pipe, queue, "room", 2).status).toBe("FULL");
    ann.quota = ann.used;
    write(pipe, 3);
    expect(ann.receive(queue)).toMatchObject({ sender: ann.id });
    expect([told(queue), ipc.broken]).toEqual([[1, "data", 3], 0]);
  });

  test("is paid when it is armed, and given back with the message or when it is taken back", () => {
    const [pipe, queue] = [ann.create("pipe", 10), ann.create("queue", 4)];
    const before = ann.used;
    for (let n = 0; n < 3; n++) notify(pipe, queue, "data", 5);
    notify(pipe, queue, "data", 6);
    expect(ann.used).toBe(before + 4 * MESSAGE);
    expect(notify(pipe, queue, "data", 5, 0)).toEqual({ status: "OK", value: 3 });
    expect(notify(pipe, queue, "room", 6, 0)).toEqual({ status: "OK", value: 0 });
    expect(ann.used).toBe(before + MESSAGE);
    write(pipe, 1);
    expect([told(queue), told(queue)]).toEqual([[6, "data", 1], "EMPTY"]);
    expect(ann.used).toBe(before);
  });

  test("tells of the end of what it watches", () => {
    const queue = ann.create("queue", 4);
    const closed = ann.create("pipe", 10);
    notify(closed, queue, "data", 1);
    ann.call("ENDPOINT_CLOSE", closed);
    expect(told(queue)).toEqual([1, "gone", 0]);
    const left = ann.share(bob.create("pipe", 10));
    notify(left, queue, "data", 2);
    ipc.exports.worldIpcDrop(BigInt(bob.id), 1000);
    expect([told(queue), ipc.broken]).toEqual([[2, "gone", 0], 0]);
  });

  test("ends with its queue", () => {
    const [pipe, queue] = [ann.create("pipe", 10), ann.create("queue", 4)];
    const before = ann.used;
    notify(pipe, queue, "data");
    const endpoint = ipc.endpoint(pipe);
    ann.call("ENDPOINT_CLOSE", queue);
    expect([endpoint.watchCount, ann.used < before, ipc.broken]).toEqual([0, true, 0]);
    expect(write(pipe, 5).status).toBe("OK");
  });

  test("is refused by name, and nothing changes", () => {
    const [pipe, queue] = [ann.create("pipe", 10), ann.create("queue", 4)];
    const before = ann.used;
    const status = (...args: Parameters<typeof notify>) => notify(...args).status;
    expect(status(ann.create("event", 1), queue, "data")).toBe("CAPABILITY_KIND");
    expect(status(pipe, ann.create("pipe", 1), "data")).toBe("CAPABILITY_KIND");
    expect(ann.call("ENDPOINT_NOTIFY", pipe, queue, NOTIFY_GONE, 0, 1).status).toBe("BAD_ARGUMENT");
    expect(status(pipe, queue, "data", 0, 11)).toBe("OUT_OF_RANGE");
    expect(status(pipe, 77, "data")).toBe("CAPABILITY_FORGED");
    expect(status(pipe, ann.share(bob.create("queue", 1)), "data")).toBe("NOT_OWNER");
    const [SEND, RECEIVE] = [1 << 1, 1 << 2];
    expect(status(ann.share(pipe, SEND), queue, "data")).toBe("RIGHTS_MISSING");
    expect(status(ann.share(pipe, RECEIVE), queue, "room")).toBe("RIGHTS_MISSING");
    expect(status(queue, queue, "data")).toBe("TOO_DEEP");
    expect(ipc.endpoint(queue).reserved).toBe(0);
    expect(ann.used).toBeGreaterThan(before);
    ann.quota = ann.used + MESSAGE - 1;
    expect([status(pipe, queue, "data"), ipc.broken]).toEqual(["QUOTA", 0]);
  });

  test("is of what no watch tells: one message sets off no other", () => {
    const [pipe, one, two] = [
      ann.create("pipe", 10),
      ann.create("queue", 4),
      ann.create("queue", 4),
    ];
    notify(pipe, one, "data");
    expect(notify(one, two, "data").status).toBe("TOO_DEEP");
    notify(ann.create("queue", 4), two, "data");
    notify(pipe, one, "data", 0, 0);
    expect(notify(one, two, "data").status).toBe("OK");
    expect(notify(pipe, one, "data").status).toBe("TOO_DEEP");
  });
});

test("16 watches of one endpoint are armed, and never 17", () => {
  const [pipe, queue] = [ann.create("pipe", 10), ann.create("queue", 100)];
  for (let tag = 0; tag < 16; tag++) expect(notify(pipe, queue, "data", tag).status).toBe("OK");
  expect(notify(pipe, queue, "data", 16).status).toBe("LIMIT");
  write(pipe, 1);
  // The oldest first.
  for (let tag = 0; tag < 16; tag++) expect(told(queue)).toEqual([tag, "data", 1]);
  expect(ipc.broken).toBe(0);
});

test("one agent follows 1,000 pipes with one wait", () => {
  const queue = ann.create("queue", 1000);
  ann.quota = 1 << 30;
  const pipes = Array.from({ length: 1000 }, () => ann.create("pipe", 10));
  for (const [tag, pipe] of pipes.entries()) notify(pipe, queue, "data", tag);
  for (let n = 0; n < 1000; n += 37) {
    ann.wait({ list: [queue] });
    expect(ann.waits).toBe(true);
    write(pipes[n] ?? 0, 3);
    expect([ann.waits, told(queue)]).toEqual([false, [n, "data", 3]]);
    read(pipes[n] ?? 0, 3);
    notify(pipes[n] ?? 0, queue, "data", n);
  }
});

/** The same in plain lists: a watch is looked at after every act, oldest first. */
class Model {
  readonly sources = [10, 4].map((capacity) => ({ capacity, count: 0 }));
  readonly queues = [3, 2].map((capacity) => ({
    capacity,
    held: [] as (readonly [number, string, number])[],
  }));
  watches: { source: number; queue: number; on: On; tag: number; least: number }[] = [];

  amount(source: number, on: On): number {
    const { capacity, count } = this.sources[source] as Model["sources"][number];
    return on === "data" ? count : capacity - count;
  }

  look(): void {
    for (const watch of [...this.watches]) {
      const amount = this.amount(watch.source, watch.on);
      if (amount < watch.least) continue;
      this.watches = this.watches.filter((other) => other !== watch);
      this.queues[watch.queue]?.held.push([watch.tag, watch.on, amount]);
    }
  }

  arm(source: number, queue: number, on: On, tag: number, least: number): string {
    const { capacity, held } = this.queues[queue] as Model["queues"][number];
    if (least > (this.sources[source]?.capacity ?? 0)) return "OUT_OF_RANGE";
    if (held.length + this.watches.filter((one) => one.queue === queue).length >= capacity)
      return "FULL";
    this.watches.push({ source, queue, on, tag, least });
    this.look();
    return "OK";
  }
}

test("in any order of calls, watches tell what plain lists that are looked at again and again tell", () => {
  const act = fc.record({
    do: fc.constantFrom("write", "read", "arm", "arm", "cancel", "told"),
    source: fc.nat({ max: 1 }),
    queue: fc.nat({ max: 1 }),
    on: fc.constantFrom<On>("data", "room"),
    amount: fc.integer({ min: 1, max: 6 }),
    tag: fc.nat({ max: 2 }),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 80 }), (acts) => {
      const model = new Model();
      const pipes = model.sources.map(({ capacity }) => ann.create("pipe", capacity));
      const queues = model.queues.map(({ capacity }) => ann.create("queue", capacity));
      ann.write(BASE, pattern(16));
      for (const { do: what, source, queue, on, amount, tag } of acts) {
        const [pipe = 0, to = 0] = [pipes[source], queues[queue]];
        const modelled = model.sources[source] as Model["sources"][number];
        if (what === "write") {
          const moved = Math.min(amount, modelled.capacity - modelled.count);
          expect(write(pipe, amount).value).toBe(moved);
          modelled.count += moved;
        } else if (what === "read") {
          const moved = Math.min(amount, modelled.count);
          expect(read(pipe, amount).value).toBe(moved);
          modelled.count -= moved;
        } else if (what === "arm")
          expect(notify(pipe, to, on, tag, amount).status).toBe(
            model.arm(source, queue, on, tag, amount),
          );
        else if (what === "cancel") {
          const kept = model.watches.filter(
            (one) =>
              one.source !== source || one.queue !== queue || one.on !== on || one.tag !== tag,
          );
          expect(notify(pipe, to, on, tag, 0).value).toBe(model.watches.length - kept.length);
          model.watches = kept;
        } else expect(told(to)).toEqual(model.queues[queue]?.held.shift() ?? "EMPTY");
        model.look();
        expect(ipc.broken).toBe(0);
      }
      for (const each of [...pipes, ...queues]) ann.call("ENDPOINT_CLOSE", each);
      expect(ipc.broken).toBe(0);
    }),
    { numRuns: 100 },
  );
});
