import { expect, test } from "vitest";
import { BASE, bytesOf, Ipc, NEVER, type Party } from "../testing/ipc-host.ts";
import { NOTICE_STARTED } from "./notice_kinds.ts";

const MAILBOX = 16;
const NOTICE = 17;
const WAITERS_MAX = 1024;
const END = BASE + 40 * 4096;

async function parties(count: number): Promise<{ ipc: Ipc; all: Party[] }> {
  const ipc = await Ipc.create({ ramBytes: 64 << 20 });
  return { ipc, all: Array.from({ length: count }, () => ipc.party()) };
}

/** The `index`-th of them, which is there. */
const at = (all: readonly Party[], index: number): Party => all[index] as Party;

test("what is there already is not waited for: the first of the list, then mailbox, then notices", async () => {
  const { ipc, all } = await parties(2);
  const [ann, bob] = [at(all, 0), at(all, 1)];
  const [queue, event] = [ann.create("queue", 2), ann.create("event", 5)];
  const all4 = { list: [queue, event], mailbox: true, notices: true, deadline: 0n };
  ipc.exports.worldNotice(BigInt(ann.id), BigInt(bob.id), NOTICE_STARTED, 3n, 4n);
  expect(ann.wait({ ...all4, notices: false })).toEqual({ status: "TIMED_OUT", value: 0 });
  bob.send(bob.to(ann), bytesOf(1));
  expect(ann.wait(all4).value).toBe(MAILBOX);
  ann.call("EVENT_SIGNAL", event, 2);
  expect(ann.wait(all4)).toEqual({ status: "OK", value: 1 });
  ann.send(queue, bytesOf(1));
  expect(ann.wait(all4).value).toBe(0);
  // The message stays; the event was counted down by each wait that took it.
  expect(ann.wait(all4).value).toBe(0);
  ann.receive(queue);
  expect(ann.wait(all4).value).toBe(1);
  expect(ann.wait(all4).value).toBe(MAILBOX);
  ann.receive();
  expect(ann.wait(all4).value).toBe(NOTICE);
  expect(ann.notice).toEqual({ kind: NOTICE_STARTED, subject: bob.id, status: 3, value: 4 });
  expect(ann.wait(all4).status).toBe("TIMED_OUT");
});

test("a wait ends with what comes first, and with nothing more", async () => {
  const { ipc, all } = await parties(2);
  const [ann, bob] = [at(all, 0), at(all, 1)];
  const [queue, event] = [ann.create("queue", 2), ann.create("event", 5)];
  expect(ann.wait({ list: [queue, event], mailbox: true })).toEqual({ status: "OK", value: 0 });
  expect(ann.waits).toBe(true);
  bob.call("EVENT_SIGNAL", bob.share(event), 1);
  expect(ann.waits).toBe(false);
  expect(ann.result).toEqual({ status: "OK", value: 1 });
  expect(ipc.endpoint(event).count).toBe(0);
  bob.send(bob.to(ann), bytesOf(1));
  expect(ann.result.value).toBe(1);
  expect(ipc.endpoint(queue).waitCount + ipc.endpoint(event).waitCount).toBe(0);
});

test("each message wakes exactly one, the one that has waited longest", async () => {
  const { ipc, all } = await parties(5);
  const queue = at(all, 0).create("queue", 8);
  const waiters = [3, 1, 4, 2].map((index) => at(all, index));
  for (const party of waiters) party.wait({ list: [party.share(queue)] });
  const order: number[] = [];
  for (let n = 0; n < 4; n++) {
    const before = waiters.filter(({ waits }) => waits);
    at(all, 0).send(queue, bytesOf(n));
    const woken = before.filter(({ waits }) => !waits);
    order.push(...woken.map((party) => all.indexOf(party)));
    expect(woken.length).toBe(1);
  }
  expect(order).toEqual([3, 1, 4, 2]);
  expect(ipc.endpoint(queue).count).toBe(4);
});

test("an event's signals are used up, one a waiter, and what is left is counted", async () => {
  const { ipc, all } = await parties(4);
  const owner = at(all, 0);
  const event = owner.create("event", 3);
  for (const index of [2, 1, 3]) at(all, index).wait({ list: [at(all, index).share(event)] });
  expect(owner.call("EVENT_SIGNAL", event, 2)).toEqual({ status: "OK", value: 2 });
  expect(all.map(({ waits }) => waits)).toEqual([false, false, false, true]);
  expect(owner.call("EVENT_SIGNAL", event, 5).status).toBe("FULL");
  expect(at(all, 3).waits).toBe(true);
  expect(owner.call("EVENT_SIGNAL", event, 4)).toEqual({ status: "OK", value: 1 });
  expect(ipc.endpoint(event).count).toBe(3);
  expect(owner.call("EVENT_SIGNAL", event, 1).status).toBe("FULL");
  expect(owner.call("EVENT_SIGNAL", event, 0).status).toBe("OUT_OF_RANGE");
  expect(owner.call("EVENT_SIGNAL", event, 2n ** 32n).status).toBe("OUT_OF_RANGE");
});

test("deadlines end waits in their order, ties by identifier, and not a nanosecond early", async () => {
  const { ipc, all } = await parties(5);
  const deadlines = [500n, 300n, 500n, 300n, 400n];
  ipc.time = 100;
  all.forEach((party, index) => {
    party.wait({ deadline: deadlines[index] ?? 0n });
  });
  ipc.timer(299);
  expect(all.every(({ waits }) => waits)).toBe(true);
  const woken = () => all.flatMap(({ waits }, index) => (waits ? [] : [index]));
  ipc.timer(300);
  expect(woken()).toEqual([1, 3]);
  ipc.timer(499);
  expect(woken()).toEqual([1, 3, 4]);
  ipc.timer(1000);
  expect(woken()).toEqual([0, 1, 2, 3, 4]);
  expect(at(all, 0).result).toEqual({ status: "TIMED_OUT", value: 0 });
  expect(at(all, 0).wait({ deadline: 1000n })).toEqual({ status: "TIMED_OUT", value: 0 });
});

test("an agent that is woken in time leaves the heap of deadlines", async () => {
  const { ipc, all } = await parties(2);
  const [ann, bob] = [at(all, 0), at(all, 1)];
  ann.wait({ mailbox: true, deadline: 1000n });
  bob.send(bob.to(ann), bytesOf(1));
  expect(ann.result).toEqual({ status: "OK", value: MAILBOX });
  ipc.timer(2000);
  expect(ann.result).toEqual({ status: "OK", value: MAILBOX });
  expect(ann.view.waitPosition).toBe(0);
});

test("a periodic timer expires at first + n * period, however late it is looked at", async () => {
  const { ipc, all } = await parties(1);
  const ann = at(all, 0);
  ipc.time = 0;
  const { value: timer } = ann.call("TIMER_SET", ann.self, 0, 1000, 300);
  expect(ann.wait({ list: [timer], deadline: 0n }).status).toBe("TIMED_OUT");
  ann.wait({ list: [timer] });
  ipc.timer(999);
  expect(ann.waits).toBe(true);
  ipc.timer(1007);
  expect(ann.result).toEqual({ status: "OK", value: 0 });
  ipc.time = 1299;
  expect(ann.wait({ list: [timer], deadline: 0n }).status).toBe("TIMED_OUT");
  // 1300, 1600, 1900 and 2200 have passed: three besides the first.
  ipc.time = 2300;
  expect(ann.wait({ list: [timer] })).toEqual({ status: "OK", value: 3 * 2 ** 32 });
  ann.wait({ list: [timer] });
  ipc.timer(2499);
  expect(ann.waits).toBe(true);
  ipc.timer(2500);
  expect(ann.result).toEqual({ status: "OK", value: 0 });
});

test("a timer without a period expires once, one set to NEVER not at all", async () => {
  const { ipc, all } = await parties(1);
  const ann = at(all, 0);
  const { value: timer } = ann.call("TIMER_SET", ann.self, 0, 50, 0);
  ipc.time = 60;
  expect(ann.wait({ list: [timer] }).status).toBe("OK");
  ann.wait({ list: [timer], deadline: 10_000n });
  ipc.timer(9_999);
  expect(ann.waits).toBe(true);
  ipc.timer(10_000);
  expect(ann.result.status).toBe("TIMED_OUT");
});

test("a timer that is set while somebody waits for it ends that wait at the new time", async () => {
  const { ipc, all } = await parties(2);
  const [ann, bob] = [at(all, 0), at(all, 1)];
  const { value: timer } = ann.call("TIMER_SET", ann.self, 0, NEVER, 0);
  const bobs = bob.capability(6, ipc.objectOf(timer));
  bob.wait({ list: [bobs] });
  ipc.timer(10_000);
  expect(bob.waits).toBe(true);
  ann.call("TIMER_SET", ann.self, timer, 20_000, 0);
  ipc.timer(19_999);
  expect(bob.waits).toBe(true);
  ipc.timer(20_000);
  expect(bob.result).toEqual({ status: "OK", value: 0 });
});

test("one expiry wakes one of those that wait for a timer: ties go by identifier", async () => {
  const { ipc, all } = await parties(3);
  const { value: timer } = at(all, 0).call("TIMER_SET", at(all, 0).self, 0, 100, 100);
  const waiters = [2, 1].map((index) => at(all, index));
  for (const party of waiters) {
    party.wait({ list: [party.capability(6, ipc.objectOf(timer))] });
  }
  ipc.timer(100);
  expect(waiters.map(({ waits }) => waits)).toEqual([true, false]);
  ipc.timer(200);
  expect(waiters.map(({ waits }) => waits)).toEqual([false, false]);
});

test("a notice ends a wait and is written where the agent wants it; without a place it stays", async () => {
  const { ipc, all } = await parties(2);
  const [ann, bob] = [at(all, 0), at(all, 1)];
  const post = (value: bigint) =>
    ipc.exports.worldNotice(BigInt(ann.id), BigInt(bob.id), NOTICE_STARTED, 1n, value);
  ann.wait({ notices: true });
  post(2n);
  expect(ann.result).toEqual({ status: "OK", value: NOTICE });
  expect(ann.notice).toEqual({ kind: NOTICE_STARTED, subject: bob.id, status: 1, value: 2 });
  expect(ann.view.noticeCount).toBe(0);
  ann.wait({ notices: true, notice: 0 });
  post(3n);
  expect([ann.result.value, ann.view.noticeCount]).toEqual([NOTICE, 1]);
  // An object has one notice: the later one takes the place of the one before.
  post(4n);
  expect(ann.wait({ notices: true }).value).toBe(NOTICE);
  expect([ann.notice.value, ann.view.noticeCount]).toEqual([4, 0]);
});

test("a wait for what is closed ends by name, with its place in the list", async () => {
  const { all } = await parties(3);
  const [ann, bob, carol] = [at(all, 0), at(all, 1), at(all, 2)];
  const [queue, event] = [ann.create("queue"), ann.create("event")];
  bob.wait({ list: [bob.share(event), bob.share(queue)] });
  carol.wait({ list: [carol.share(queue)] });
  expect(ann.call("ENDPOINT_CLOSE", queue).status).toBe("OK");
  expect(bob.result).toEqual({ status: "ABANDONED", value: 1 });
  expect(carol.result).toEqual({ status: "ABANDONED", value: 0 });
  expect(ann.send(queue, bytesOf(1)).status).toBe("OBJECT_GONE");
  const { value: timer } = ann.call("TIMER_SET", ann.self, 0, NEVER, 0);
  ann.wait({ list: [timer] });
  bob.call("ENDPOINT_CLOSE", bob.capability(6, ann.ipc.objectOf(timer)));
  expect(ann.result).toEqual({ status: "ABANDONED", value: 0 });
});

test("a mutex has one holder, and is handed on in the order of waiting", async () => {
  const { ipc, all } = await parties(4);
  const mutex = at(all, 0).create("mutex");
  const shares = all.map((party) => party.share(mutex));
  const lock = (index: number) => at(all, index).wait({ list: [shares[index] ?? 0] });
  const unlock = (index: number) => at(all, index).call("EVENT_SIGNAL", shares[index] ?? 0, 0);
  const holder = () => all.findIndex(({ view }) => view.address === ipc.endpoint(mutex).holder);
  expect(unlock(0).status).toBe("NOT_OWNER");
  expect(lock(0)).toEqual({ status: "OK", value: 0 });
  expect(lock(0).status).toBe("CYCLE");
  for (const index of [3, 1, 2]) lock(index);
  expect(unlock(1).status).toBe("NOT_OWNER");
  for (const next of [3, 1, 2]) {
    expect(unlock(holder())).toEqual({ status: "OK", value: 1 });
    expect([holder(), at(all, next).waits]).toEqual([next, false]);
  }
  expect(unlock(2)).toEqual({ status: "OK", value: 0 });
  expect(holder()).toBe(-1);
  expect(unlock(2).status).toBe("NOT_OWNER");
});

test("mutexes whose waits would form a ring are refused, and so is a chain that is too long", async () => {
  const { all } = await parties(11);
  const mutexes = all.map((party) => party.create("mutex"));
  const lock = (index: number, mutex: number) =>
    at(all, index).wait({ list: [at(all, index).share(mutexes[mutex] ?? 0)] }).status;
  all.forEach((_, index) => {
    expect(lock(index, index)).toBe("OK");
  });
  expect(lock(0, 1)).toBe("OK");
  expect(lock(1, 2)).toBe("OK");
  expect(lock(2, 0)).toBe("CYCLE");
  for (let index = 2; index < 8; index++) expect(lock(index, index + 1)).toBe("OK");
  expect(lock(9, 0)).toBe("TOO_DEEP");
  expect(at(all, 9).waits).toBe(false);
});

test("a mutex whose holder ends goes to the next one, who is told", async () => {
  const { ipc, all } = await parties(3);
  const [ann, bob, carol] = [at(all, 0), at(all, 1), at(all, 2)];
  const mutex = carol.create("mutex");
  ann.wait({ list: [ann.share(mutex)] });
  const bobs = bob.share(mutex);
  bob.wait({ list: [bobs] });
  ipc.exports.worldIpcDrop(BigInt(ann.id), 1000);
  expect(bob.result).toEqual({ status: "OK", value: 2 ** 32 });
  bob.call("EVENT_SIGNAL", bobs, 0);
  expect(carol.wait({ list: [mutex] })).toEqual({ status: "OK", value: 0 });
});

test("an answer ends DonateTo; other messages, and messages before it, don't", async () => {
  const { all } = await parties(3);
  const [ann, bob, carol] = [at(all, 0), at(all, 1), at(all, 2)];
  const [bobToAnn, carolToAnn, annToBob] = [bob.to(ann), carol.to(ann), ann.to(bob)];
  carol.send(carolToAnn, bytesOf(1));
  expect(ann.call("DONATE_TO", annToBob, NEVER).status).toBe("OK");
  expect([ann.waits, ann.view.donee]).toEqual([true, bob.view.address]);
  carol.send(carolToAnn, bytesOf(2));
  expect(ann.waits).toBe(true);
  bob.send(bobToAnn, bytesOf(3));
  expect([ann.result, ann.view.donee]).toEqual([{ status: "OK", value: MAILBOX }, 0]);
  expect(ann.call("DONATE_TO", annToBob, NEVER)).toEqual({ status: "OK", value: MAILBOX });
  expect(ann.call("DONATE_TO", ann.to(carol), 0)).toEqual({ status: "OK", value: MAILBOX });
});

test("DonateTo ends at its deadline, and when the other one ends; to oneself it is a ring", async () => {
  const { ipc, all } = await parties(3);
  const [ann, bob, carol] = [at(all, 0), at(all, 1), at(all, 2)];
  expect(ann.call("DONATE_TO", ann.self, NEVER).status).toBe("CYCLE");
  ann.call("DONATE_TO", ann.to(bob), 500);
  ipc.timer(500);
  expect(ann.result.status).toBe("TIMED_OUT");
  ann.call("DONATE_TO", ann.to(bob), NEVER);
  carol.call("DONATE_TO", carol.to(ann), NEVER);
  expect(bob.call("DONATE_TO", bob.to(carol), NEVER).status).toBe("CYCLE");
  ipc.exports.worldIpcDrop(BigInt(bob.id), 1000);
  expect(ann.result.status).toBe("ABANDONED");
  expect(carol.waits).toBe(true);
});

test("who was woken and doesn't come hands the wake on; nobody sleeps beside a message", async () => {
  const { ipc, all } = await parties(4);
  const [owner, ann, bob, carol] = [at(all, 0), at(all, 1), at(all, 2), at(all, 3)];
  const queue = owner.create("queue", 8);
  const shares = new Map(all.map((party) => [party, party.share(queue)]));
  const wait = (party: Party) => party.wait({ list: [shares.get(party) ?? 0] });
  for (const party of [ann, bob, carol]) wait(party);
  owner.send(queue, bytesOf(1));
  expect([ann.waits, bob.waits]).toEqual([false, true]);
  // Ann waits for something else instead.
  ann.wait({ deadline: 100n });
  expect([bob.waits, carol.waits]).toEqual([false, true]);
  ipc.exports.worldIpcDrop(BigInt(bob.id), 1000);
  expect(carol.waits).toBe(false);
});

test("a pipe that is left half read wakes the next reader", async () => {
  const { all } = await parties(3);
  const [ann, bob, carol] = [at(all, 0), at(all, 1), at(all, 2)];
  const pipe = ann.create("pipe", 100);
  const [bobs, carols] = [bob.share(pipe), carol.share(pipe)];
  bob.wait({ list: [bobs] });
  carol.wait({ list: [carols] });
  ann.call("PIPE_WRITE", pipe, BASE, 10);
  expect([bob.waits, carol.waits]).toEqual([false, true]);
  bob.call("PIPE_READ", bobs, BASE, 4);
  expect(carol.waits).toBe(false);
});

test("a suspended agent leaves the queues; resumed, it takes what is there or what its deadline says", async () => {
  const { ipc, all } = await parties(3);
  const [ann, bob, carol] = [at(all, 0), at(all, 1), at(all, 2)];
  const event = carol.create("event", 4);
  ann.wait({ list: [ann.share(event)], deadline: 1000n });
  bob.wait({ list: [bob.share(event)] });
  ipc.exports.worldPark(BigInt(ann.id));
  carol.call("EVENT_SIGNAL", event, 1);
  expect([ann.waits, bob.waits]).toEqual([true, false]);
  expect(ipc.exports.worldUnpark(BigInt(ann.id))).toBe(1);
  ipc.exports.worldPark(BigInt(ann.id));
  carol.call("EVENT_SIGNAL", event, 1);
  ipc.time = 5000;
  expect(ipc.exports.worldUnpark(BigInt(ann.id))).toBe(0);
  expect(ann.result).toEqual({ status: "OK", value: 0 });
});

test("resumed after its deadline or the end of what it waited for, it is told", async () => {
  const { ipc, all } = await parties(2);
  const [ann, bob] = [at(all, 0), at(all, 1)];
  const [event, other] = [bob.create("event", 4), bob.create("event", 4)];
  ann.wait({ list: [ann.share(other), ann.share(event)], deadline: 1000n });
  ipc.exports.worldPark(BigInt(ann.id));
  ipc.timer(1000);
  expect(ipc.exports.worldUnpark(BigInt(ann.id))).toBe(0);
  expect(ann.result).toEqual({ status: "TIMED_OUT", value: 0 });
  bob.wait({ list: [other, event], deadline: 9000n });
  ipc.exports.worldPark(BigInt(bob.id));
  ann.call("ENDPOINT_CLOSE", ann.share(event));
  expect(ipc.exports.worldUnpark(BigInt(bob.id))).toBe(0);
  expect(bob.result).toEqual({ status: "ABANDONED", value: 1 });
});

test("1,024 agents wait for one object at most; closing it wakes all of them", async () => {
  const ipc = await Ipc.create({ ramBytes: 384 << 20 });
  const owner = ipc.party();
  const event = owner.create("event", 9);
  const waiters = Array.from({ length: WAITERS_MAX }, () => ipc.party());
  for (const party of waiters) expect(party.wait({ list: [party.share(event)] }).status).toBe("OK");
  const late = ipc.party();
  expect(late.wait({ list: [late.share(event)] }).status).toBe("LIMIT");
  expect(late.waits).toBe(false);
  owner.call("ENDPOINT_CLOSE", event);
  expect(waiters.every(({ result }) => result.status === "ABANDONED")).toBe(true);
});

test("nodes for several objects are paid before the agent blocks, once, and refused by name", async () => {
  const { all } = await parties(1);
  const ann = at(all, 0);
  const list = Array.from({ length: 16 }, () => ann.create("event"));
  const used = ann.used;
  ann.quota = used;
  expect(ann.wait({ list }).status).toBe("QUOTA");
  expect([ann.waits, ann.used]).toEqual([false, used]);
  expect(ann.wait({ list, deadline: 0n }).status).toBe("TIMED_OUT");
  expect(ann.wait({ list: list.slice(0, 1), deadline: 5n }).status).toBe("OK");
  expect(ann.waits).toBe(true);
});

test("bad arguments of Wait are refused by name", async () => {
  const { all } = await parties(2);
  const [ann, bob] = [at(all, 0), at(all, 1)];
  const event = ann.create("event");
  const wait = (...args: readonly (number | bigint)[]) =>
    ann.call("WAIT", ann.self, ...args).status;
  const list = ann.numbers([event]);
  expect(wait(list, 17, 0, 0)).toBe("TOO_LARGE");
  expect(wait(list, 1, 0, 4)).toBe("BAD_ARGUMENT");
  expect(wait(0, 0, NEVER, 0)).toBe("BAD_ARGUMENT");
  expect(wait(list, 1, 0, 0, BASE)).toBe("BAD_ARGUMENT");
  expect(wait(list, 1, 0, 2, BASE + 4)).toBe("MISALIGNED");
  expect(wait(list, 1, 0, 2, END - 24)).toBe("BAD_ADDRESS");
  expect(wait(list + 4, 1, 0, 0)).toBe("MISALIGNED");
  expect(wait(0, 1, 0, 0)).toBe("BAD_ADDRESS");
  expect(wait(END, 1, 0, 0)).toBe("BAD_ADDRESS");
  expect(wait(ann.numbers([ann.pool]), 1, 0, 0)).toBe("CAPABILITY_KIND");
  expect(wait(ann.numbers([event, 0]), 2, 0, 0)).toBe("CAPABILITY_FORGED");
  expect(wait(ann.numbers([bob.self]), 1, 0, 0)).toBe("CAPABILITY_FOREIGN");
  expect(wait(ann.numbers([ann.share(event, 2)]), 1, 0, 0)).toBe("RIGHTS_MISSING");
  expect(ann.call("WAIT", ann.to(bob), list, 1, 0, 0).status).toBe("CAPABILITY_KIND");
  expect(ann.call("TIMER_SET", ann.self, event, 0, 0).status).toBe("CAPABILITY_KIND");
  expect(ann.call("TIMER_SET", ann.self, 0, 0, NEVER).status).toBe("BAD_ARGUMENT");
});
