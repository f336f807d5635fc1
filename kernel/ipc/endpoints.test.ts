import { expect, test } from "vitest";
import * as Views from "../host/views.generated.ts";
import { BASE, bytesOf, Ipc, NEVER, type Party, pattern } from "../testing/ipc-host.ts";

const END = BASE + 40 * 4096;
const ENDPOINTS_PER_AGENT_MAX = 1024;
const TIMERS_PER_AGENT_MAX = 256;

async function pair(): Promise<{ ipc: Ipc; ann: Party; bob: Party }> {
  const ipc = await Ipc.create();
  return { ipc, ann: ipc.party(), bob: ipc.party() };
}

test("types and capacities of endpoints have limits, each refused by name", async () => {
  const { ann } = await pair();
  const create = (type: number | bigint, capacity: number | bigint) =>
    ann.call("ENDPOINT_CREATE", ann.pool, type, capacity).status;
  const used = ann.used;
  expect([0, 5, 2n ** 32n + 1n].map((type) => create(type, 1))).toEqual(
    Array.from({ length: 3 }, () => "BAD_ARGUMENT"),
  );
  const limits = [
    [1, 1024],
    [2, 65536],
    [3, 2 ** 32 - 1],
    [4, 1],
  ] as const;
  for (const [type, most] of limits) {
    expect([0, most + 1, 2n ** 63n].map((capacity) => create(type, capacity))).toEqual(
      Array.from({ length: 3 }, () => "OUT_OF_RANGE"),
    );
  }
  expect(ann.used).toBe(used);
  for (const [type, most] of limits) expect(create(type, most)).toBe("OK");
});

test("an endpoint is paid when it is made, with a pipe's ring, and all of it comes back", async () => {
  const { ann } = await pair();
  const used = ann.used;
  ann.quota = used + 100;
  expect(ann.call("ENDPOINT_CREATE", ann.pool, 1, 1).status).toBe("QUOTA");
  ann.quota = used + 4 * 4096;
  const event = ann.create("event");
  const one = ann.used - used;
  expect(ann.call("ENDPOINT_CREATE", ann.pool, 2, 3 * 4096).status).toBe("QUOTA");
  expect(ann.used).toBe(used + one);
  const pipe = ann.create("pipe", 2 * 4096);
  expect(ann.used).toBe(used + 2 * one + 2 * 4096);
  for (const endpoint of [event, pipe]) {
    ann.call("ENDPOINT_CLOSE", endpoint);
    ann.ipc.exports.worldDelete(BigInt(endpoint));
  }
  expect(ann.used).toBe(used);
});

test("an agent has 1,024 endpoints and 256 timers at most", async () => {
  const { ipc, ann } = await pair();
  ann.quota = 64 << 20;
  const forget = (capability: number) => ipc.exports.worldDelete(BigInt(capability));
  for (let n = 0; n < ENDPOINTS_PER_AGENT_MAX; n++) forget(ann.create("event"));
  expect(ann.call("ENDPOINT_CREATE", ann.pool, 3, 1).status).toBe("LIMIT");
  for (let n = 0; n < TIMERS_PER_AGENT_MAX; n++)
    forget(ann.call("TIMER_SET", ann.self, 0, NEVER, 0).value);
  expect(ann.call("TIMER_SET", ann.self, 0, NEVER, 0).status).toBe("LIMIT");
});

test("closing a queue gives its messages back, and says how many there were", async () => {
  const { ann, bob } = await pair();
  const queue = ann.create("queue", 10);
  // The table of messages keeps the frames that it once needed.
  ann.send(queue, pattern(65536));
  ann.receive(queue);
  const [used, free] = [ann.used, ann.ipc.exports.framesFree()];
  const bobs = bob.share(queue);
  bob.send(bobs, pattern(10));
  bob.send(bobs, pattern(65536));
  expect(bob.call("ENDPOINT_CLOSE", bob.share(queue, 2)).status).toBe("RIGHTS_MISSING");
  expect(ann.call("ENDPOINT_CLOSE", queue)).toEqual({ status: "OK", value: 2 });
  expect(ann.used).toBeLessThan(used);
  expect(ann.ipc.exports.framesFree()).toBe(free);
  expect(ann.call("ENDPOINT_CLOSE", queue).status).toBe("OBJECT_GONE");
  expect(bob.receive(bobs)).toBe("OBJECT_GONE");
});

test("a pipe carries bytes in order, around the end of its ring, and says how many it took", async () => {
  const { ann, bob } = await pair();
  const pipe = ann.create("pipe", 10);
  const bobs = bob.share(pipe);
  const write = (...values: readonly number[]) => {
    ann.write(BASE, bytesOf(...values));
    return ann.call("PIPE_WRITE", pipe, BASE, values.length);
  };
  const read = (length: number) => {
    const { value } = bob.call("PIPE_READ", bobs, BASE, length);
    return Array.from(bob.read(BASE, value));
  };
  expect(write(1, 2, 3, 4, 5, 6, 7).value).toBe(7);
  expect(read(5)).toEqual([1, 2, 3, 4, 5]);
  expect(write(8, 9, 10, 11, 12, 13, 14, 15, 16)).toEqual({ status: "OK", value: 8 });
  expect(write(1).status).toBe("FULL");
  expect(read(100)).toEqual([6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
  expect(bob.call("PIPE_READ", bobs, BASE, 1).status).toBe("EMPTY");
  expect(bob.call("PIPE_READ", bobs, 0, 0).status).toBe("OK");
  expect(ann.call("PIPE_WRITE", pipe, 0, 0).status).toBe("OK");
});

test("bad ranges for a pipe are refused by name, and change nothing", async () => {
  const { ann } = await pair();
  const pipe = ann.create("pipe", 100);
  for (const name of ["PIPE_WRITE", "PIPE_READ"] as const) {
    expect(ann.call(name, pipe, BASE, 65537).status).toBe("TOO_LARGE");
    expect(ann.call(name, pipe, 0, 1).status).toBe("BAD_ADDRESS");
    expect(ann.call(name, pipe, END - 10, 11).status).toBe("BAD_ADDRESS");
    expect(ann.call(name, pipe, (1n << 64n) - 1n, 2).status).toBe("BAD_ADDRESS");
  }
  expect(ann.ipc.endpoint(pipe).count).toBe(0);
});

test("what an agent leaves behind when it ends is given back, in bounded steps", async () => {
  const { ipc, ann, bob } = await pair();
  // What the control block costs: all but its two capabilities.
  const before = ann.used - 2 * Views.Capability.size;
  const queue = ann.create("queue", 100);
  const bobs = bob.share(queue);
  const bobToAnn = bob.to(ann);
  ann.create("pipe", 8192);
  ann.call("TIMER_SET", ann.self, 0, NEVER, 0);
  ann.call("PQC_OPERATION", ann.self, 1, BASE, 5000, BASE, 5000);
  for (let n = 0; n < 30; n++) {
    bob.send(bobs, pattern(100 + n));
    bob.send(bobToAnn, pattern(n));
  }
  bob.wait({ list: [bob.share(ann.create("event"))] });
  let steps = 0;
  while (ipc.exports.worldIpcDrop(BigInt(ann.id), 10) <= 0) steps += 1;
  expect(steps).toBeGreaterThanOrEqual(6);
  expect(bob.result.status).toBe("ABANDONED");
  expect([ann.view.mailboxCount, ann.view.endpointCount, ann.view.timerCount]).toEqual([0, 0, 0]);
  // Its capabilities are dropped by the life cycle; nothing else is still paid.
  expect(ipc.exports.worldDrop(BigInt(ann.id), 100)).toBe(0);
  expect(ann.used).toBe(before);
});
