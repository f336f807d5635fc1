import { expect, test } from "vitest";
import { BASE, bytesOf, Ipc, type Party, pattern, type Received } from "../testing/ipc-host.ts";

const MAILBOX_MESSAGES_MAX = 256;
const MAILBOX_BYTES_MAX = 1 << 20;
const MESSAGE_BYTES_MAX = 64 * 1024;

async function pair(): Promise<{ ipc: Ipc; ann: Party; bob: Party; toBob: number }> {
  const ipc = await Ipc.create();
  const [ann, bob] = [ipc.party(), ipc.party()];
  return { ipc, ann, bob, toBob: ann.to(bob) };
}

function received(party: Party, from?: number): Received {
  const message = party.receive(from);
  if (typeof message === "string") throw new Error(message);
  return message;
}

test("a message arrives as it was sent, with its sender, its number and its bytes", async () => {
  const { ann, bob, toBob } = await pair();
  for (const [index, length] of [0, 1, 8, 63, 64, 65, 4095, 4096, 4097, 65536].entries()) {
    const bytes = pattern(length, length + 1);
    expect(ann.send(toBob, bytes)).toEqual({ status: "OK", value: index + 1 });
    expect(received(bob)).toEqual({ sender: ann.id, sequence: index + 1, bytes, capability: 0 });
  }
  expect(bob.receive()).toBe("EMPTY");
});

test("messages of a sender keep their order, whatever others send between", async () => {
  const { ipc, ann, bob, toBob } = await pair();
  const carol = ipc.party();
  const carolToBob = carol.to(bob);
  for (let n = 0; n < 20; n++) {
    ann.send(toBob, bytesOf(n));
    if (n % 3 === 0) carol.send(carolToBob, pattern(100, n));
  }
  const all = Array.from({ length: 27 }, () => received(bob));
  expect(all.filter(({ sender }) => sender === ann.id).map(({ bytes }) => bytes[0])).toEqual(
    Array.from({ length: 20 }, (_, n) => n),
  );
  expect(all.filter(({ sender }) => sender === carol.id).map(({ sequence }) => sequence)).toEqual([
    1, 2, 3, 4, 5, 6, 7,
  ]);
});

test("a mailbox takes 256 messages; the next one is refused, and none is lost", async () => {
  const { ann, bob, toBob } = await pair();
  for (let n = 0; n < MAILBOX_MESSAGES_MAX; n++) ann.send(toBob, bytesOf(n));
  const used = bob.used;
  expect(ann.send(toBob, bytesOf(1)).status).toBe("FULL");
  expect(bob.used).toBe(used);
  expect(received(bob).bytes[0]).toBe(0);
  expect(ann.send(toBob, bytesOf(7))).toEqual({ status: "OK", value: MAILBOX_MESSAGES_MAX + 1 });
  for (let n = 1; n < MAILBOX_MESSAGES_MAX; n++) expect(received(bob).bytes[0]).toBe(n);
  expect(received(bob).bytes[0]).toBe(7);
});

test("a mailbox takes a mebibyte, to the byte", async () => {
  const { ann, bob, toBob } = await pair();
  const large = MAILBOX_BYTES_MAX / MESSAGE_BYTES_MAX;
  for (let n = 0; n < large - 1; n++) ann.send(toBob, pattern(MESSAGE_BYTES_MAX, n));
  expect(ann.send(toBob, pattern(MESSAGE_BYTES_MAX - 1)).status).toBe("OK");
  expect(ann.send(toBob, pattern(2)).status).toBe("FULL");
  expect(ann.send(toBob, pattern(1)).status).toBe("OK");
  expect(ann.send(toBob, pattern(1)).status).toBe("FULL");
  expect(ann.send(toBob, pattern(0)).status).toBe("OK");
  expect(received(bob).bytes).toEqual(pattern(MESSAGE_BYTES_MAX, 0));
});

test("a message has 64 KiB at most", async () => {
  const { ann, bob, toBob } = await pair();
  expect(ann.call("IPC_SEND", toBob, BASE, MESSAGE_BYTES_MAX + 1, 0).status).toBe("TOO_LARGE");
  expect(ann.call("IPC_SEND", toBob, BASE, (1n << 64n) - 1n, 0).status).toBe("TOO_LARGE");
  expect(bob.receive()).toBe("EMPTY");
});

test("the receiver's pool pays from the sending to the receiving, and gets all of it back", async () => {
  const { ann, bob, toBob } = await pair();
  const [before, sender] = [bob.used, ann.used];
  ann.send(toBob, pattern(64));
  const slot = bob.used - before;
  ann.send(toBob, pattern(65));
  ann.send(toBob, pattern(65536));
  expect(bob.used).toBe(before + 3 * slot + 17 * 4096);
  expect(ann.used).toBe(sender);
  for (let n = 0; n < 3; n++) received(bob);
  expect(bob.used).toBe(before);
});

test("a message that the receiver can't pay for is refused, to the byte, and nothing has changed", async () => {
  const { ann, bob, toBob } = await pair();
  const before = bob.used;
  ann.send(toBob, pattern(64));
  const slot = bob.used - before;
  bob.quota = bob.used + slot + 4096 - 1;
  expect(ann.send(toBob, pattern(65)).status).toBe("QUOTA");
  expect(bob.used).toBe(before + slot);
  expect(bob.view.mailboxCount).toBe(1);
  expect(Number(ann.view.sent)).toBe(1);
  bob.quota = bob.used + slot + 4096;
  expect(ann.send(toBob, pattern(65)).status).toBe("OK");
});

test("a receiver with too small a buffer is told the size, and the message stays", async () => {
  const { ann, bob, toBob } = await pair();
  ann.send(toBob, pattern(100));
  expect(bob.call("IPC_RECV", bob.self, BASE, 99, 0)).toEqual({ status: "TOO_LARGE", value: 100 });
  expect(bob.call("IPC_RECV", bob.self, 0, 0, 0)).toEqual({ status: "TOO_LARGE", value: 100 });
  expect(bob.call("IPC_RECV", bob.self, BASE, 100, 0)).toEqual({ status: "OK", value: 1 });
});

test("bad arguments of a sender are refused by name, and change nothing", async () => {
  const { ann, bob, toBob } = await pair();
  const end = BASE + 40 * 4096;
  const refused = (...args: readonly (number | bigint)[]) =>
    ann.call("IPC_SEND", toBob, ...args).status;
  expect(refused(0, 8, 0)).toBe("BAD_ADDRESS");
  expect(refused(end - 7, 8, 0)).toBe("BAD_ADDRESS");
  expect(refused(end - 100, 200, 0)).toBe("BAD_ADDRESS");
  expect(refused((1n << 64n) - 4n, 8, 0)).toBe("BAD_ADDRESS");
  expect(refused(0xffff_8000_0000_0000n, 8, 0)).toBe("BAD_ADDRESS");
  expect(refused(BASE, 8, 2)).toBe("BAD_ARGUMENT");
  expect(refused(BASE, 8, 1n << 40n)).toBe("BAD_ARGUMENT");
  expect(refused(BASE, 8, 0, 12345)).toBe("CAPABILITY_FORGED");
  expect(refused(BASE, 8, 0, bob.self)).toBe("CAPABILITY_FOREIGN");
  expect(bob.view.mailboxCount).toBe(0);
  expect(Number(ann.view.sent)).toBe(0);
});

test("bad arguments of a receiver are refused by name, and the message stays", async () => {
  const { ann, bob, toBob } = await pair();
  ann.send(toBob, pattern(5000));
  const end = BASE + 40 * 4096;
  const refused = (...args: readonly (number | bigint)[]) =>
    bob.call("IPC_RECV", bob.self, ...args).status;
  expect(refused(0, 8000, 0)).toBe("BAD_ADDRESS");
  expect(refused(end - 4096, 8000, 0)).toBe("BAD_ADDRESS");
  expect(refused(BASE, 8000, end)).toBe("BAD_ADDRESS");
  expect(refused(BASE, 8000, BASE + 8004)).toBe("MISALIGNED");
  expect(refused(BASE, 8000, BASE + 4992)).toBe("OVERLAP");
  expect(refused(BASE + 32, 8000, BASE)).toBe("OVERLAP");
  expect(bob.view.mailboxCount).toBe(1);
  expect(refused(BASE + 40, 8000, BASE)).toBe("OK");
});

test("the right to send is needed to send, the right to receive to receive, and only from oneself", async () => {
  const { ann, bob } = await pair();
  const SEND = 2;
  expect(ann.send(ann.to(bob, ~SEND & 0x3fff_ffff), bytesOf(1)).status).toBe("RIGHTS_MISSING");
  expect(ann.receive(ann.to(bob))).toBe("CAPABILITY_KIND");
  expect(ann.receive(ann.pool)).toBe("CAPABILITY_KIND");
});

test("whole pages move: the receiver has the sender's frames, and zeroes are where they were", async () => {
  const { ipc, ann, bob, toBob } = await pair();
  const frame = (party: Party, at: number) =>
    ipc.exports.worldLinear(BigInt(party.id), BigInt(BASE + at));
  for (const length of [4096, 16384, 65536]) {
    ann.write(BASE, pattern(length, length));
    bob.write(BASE, pattern(length, 1));
    const frames = Array.from({ length: length / 4096 }, (_, n) => frame(ann, n * 4096));
    const used = [ann.used, bob.used];
    expect(ann.call("IPC_SEND", toBob, BASE, length, 1).status).toBe("OK");
    expect(ann.read(BASE, length)).toEqual(new Uint8Array(length));
    expect(received(bob).bytes).toEqual(pattern(length, length));
    expect(frames.map((_, n) => frame(bob, n * 4096))).toEqual(frames);
    expect([ann.used, bob.used]).toEqual(used);
  }
});

test("pages that are received at an odd address, or with an odd end, are copied where they must be", async () => {
  const { ann, bob, toBob } = await pair();
  const bytes = pattern(8192, 5);
  ann.write(BASE, bytes);
  ann.call("IPC_SEND", toBob, BASE, 8192, 1);
  expect(bob.call("IPC_RECV", bob.self, BASE + 8, 8192, 0).status).toBe("OK");
  expect(bob.read(BASE + 8, 8192)).toEqual(bytes);
  bob.write(BASE, pattern(12288, 9));
  ann.send(toBob, pattern(5000, 6));
  expect(bob.call("IPC_RECV", bob.self, BASE, 8192, 0).status).toBe("OK");
  expect(bob.read(BASE, 5000)).toEqual(pattern(5000, 6));
  expect(bob.read(BASE + 5000, 12288 - 5000)).toEqual(pattern(12288, 9).subarray(5000));
});

test("only whole pages of one's own writable memory can move; what is refused stays", async () => {
  const { ann, bob, toBob } = await pair();
  const move = (address: number, bytes: number) =>
    ann.call("IPC_SEND", toBob, address, bytes, 1).status;
  ann.write(BASE, pattern(8192, 3));
  expect(move(BASE + 8, 4096)).toBe("MISALIGNED");
  expect(move(BASE, 4095)).toBe("MISALIGNED");
  expect(move(BASE, 0)).toBe("OUT_OF_RANGE");
  expect(move(BASE + 39 * 4096, 8192)).toBe("BAD_ADDRESS");
  expect(move(0, 4096)).toBe("BAD_ADDRESS");
  bob.quota = bob.used + 4096;
  expect(move(BASE, 4096)).toBe("QUOTA");
  expect(ann.read(BASE, 8192)).toEqual(pattern(8192, 3));
  expect(bob.view.mailboxCount).toBe(0);
});

test("a capability goes along: the receiver's own, with no more rights, and paid by it", async () => {
  const { ipc, ann, bob, toBob } = await pair();
  const queue = ann.create("queue", 4);
  const used = bob.used;
  expect(ann.send(toBob, bytesOf(1), queue).status).toBe("OK");
  expect(bob.used).toBeGreaterThan(used);
  const { capability } = received(bob);
  expect(ipc.objectOf(capability)).toBe(ipc.objectOf(queue));
  expect(bob.send(capability, bytesOf(42)).status).toBe("OK");
  expect(received(ann, queue)).toMatchObject({ sender: bob.id, bytes: bytesOf(42) });
  const weak = ann.share(queue, 1 << 22);
  ann.send(toBob, bytesOf(1), weak);
  expect(bob.send(received(bob).capability, bytesOf(1)).status).toBe("RIGHTS_MISSING");
  const fixed = ann.share(queue, 2);
  expect(ann.send(toBob, bytesOf(1), fixed).status).toBe("RIGHTS_MISSING");
});

test("a capability that the receiver can't pay for takes the message with it, and nothing has changed", async () => {
  const { ann, bob, toBob } = await pair();
  const queue = ann.create("queue", 4);
  const before = bob.used;
  ann.send(toBob, bytesOf(1));
  bob.quota = bob.used + (bob.used - before) + 8;
  const used = bob.used;
  expect(ann.send(toBob, bytesOf(2), queue).status).toBe("QUOTA");
  ann.write(BASE, pattern(4096, 8));
  bob.quota = bob.used + (bob.used - before) + 4096;
  expect(ann.call("IPC_SEND", toBob, BASE, 4096, 1, queue).status).toBe("QUOTA");
  expect(ann.read(BASE, 4096)).toEqual(pattern(4096, 8));
  expect([bob.used, bob.view.mailboxCount]).toEqual([used, 1]);
});

test("a queue is an endpoint of its own: to its capacity, first in first out, and no capabilities", async () => {
  const { ipc, ann, bob } = await pair();
  const queue = bob.create("queue", 3);
  const annQueue = ann.share(queue);
  for (let n = 0; n < 3; n++) expect(ann.send(annQueue, bytesOf(n)).status).toBe("OK");
  expect(ann.send(annQueue, bytesOf(9)).status).toBe("FULL");
  expect(ipc.endpoint(queue).count).toBe(3);
  expect(ann.send(annQueue, bytesOf(1), ann.self).status).toBe("BAD_ARGUMENT");
  expect([0, 1, 2].map(() => received(bob, queue).bytes[0])).toEqual([0, 1, 2]);
  expect(bob.receive(queue)).toBe("EMPTY");
  expect(bob.receive()).toBe("EMPTY");
});

test("messages go to queues and bytes to pipes: the wrong type of endpoint is refused", async () => {
  const { ann } = await pair();
  for (const type of ["pipe", "event", "mutex"] as const) {
    const endpoint = ann.create(type);
    expect(ann.send(endpoint, bytesOf(1)).status).toBe("CAPABILITY_KIND");
    expect(ann.receive(endpoint)).toBe("CAPABILITY_KIND");
  }
  const queue = ann.create("queue");
  expect(ann.call("PIPE_WRITE", queue, BASE, 1).status).toBe("CAPABILITY_KIND");
  expect(ann.call("PIPE_READ", queue, BASE, 1).status).toBe("CAPABILITY_KIND");
  expect(ann.call("EVENT_SIGNAL", queue, 1).status).toBe("CAPABILITY_KIND");
});
