/** Each named invariant of communication is broken on purpose, and caught. */
import { beforeEach, expect, test } from "vitest";
import { AGENT_READY, AGENT_WAITING } from "../agent/states.ts";
import * as Views from "../host/views.generated.ts";
import * as invariants from "../invariant_names.ts";
import { BASE, bytesOf, Ipc, type Party, pattern } from "../testing/ipc-host.ts";
import { NOTICE_STARTED } from "./notice_kinds.ts";
import { NOTIFY_DATA } from "./notify_kinds.ts";

let ipc: Ipc;
let [ann, bob, carol]: Party[] = [];
let queue: Views.Endpoint;
let event: Views.Endpoint;
let mutex: Views.Endpoint;
let timer: Views.IntervalTimer;
let operation: Views.Operation;
let watched: Views.Endpoint;

/** The fixture's agents are there. */
const the = (party: Party | undefined): Party => party as Party;

beforeEach(async () => {
  ipc = await Ipc.create();
  [ann, bob, carol] = [ipc.party(), ipc.party(), ipc.party()];
  const named = the(ann).create("queue", 4);
  queue = ipc.endpoint(named);
  the(ann).send(named, pattern(10));
  the(ann).send(named, pattern(100));
  the(bob).send(the(bob).to(the(ann)), bytesOf(1));
  const events = the(bob).create("event", 4);
  event = ipc.endpoint(events);
  const { value } = the(ann).call("TIMER_SET", the(ann).self, 0, 5000, 0);
  const at = ipc.exports.worldObject(BigInt(ipc.objectOf(value)));
  timer = new Views.IntervalTimer(ipc.world.data, at);
  const mutexes = the(bob).create("mutex");
  mutex = ipc.endpoint(mutexes);
  the(bob).wait({ list: [mutexes] });
  const asked = the(bob).call("PQC_OPERATION", the(bob).self, 1, BASE, 10, BASE, 0);
  const found = ipc.exports.worldObject(BigInt(asked.value));
  operation = new Views.Operation(ipc.world.data, found);
  const pipe = the(bob).create("pipe", 10);
  watched = ipc.endpoint(pipe);
  the(bob).call("ENDPOINT_NOTIFY", pipe, the(bob).create("queue", 2), NOTIFY_DATA, 1, 5);
  const { id } = the(ann);
  ipc.exports.worldNotice(BigInt(id), BigInt(the(bob).id), NOTICE_STARTED, 0n, 0n);
  the(carol).wait({ list: [the(carol).share(events)], deadline: 1000n });
  expect(ipc.broken).toBe(0);
});

const message = () => queue.firstAt(0);

test.each<[string, number, () => void]>([
  [
    "a queue that counts one too many",
    invariants.MESSAGE_IN_ONE_QUEUE,
    () => {
      queue.count += 1;
    },
  ],
  [
    "a queue that runs in a circle",
    invariants.MESSAGE_IN_ONE_QUEUE,
    () => {
      message().nextAt(0).next = queue.first;
    },
  ],
  [
    "a queue beyond its capacity",
    invariants.MESSAGE_IN_ONE_QUEUE,
    () => {
      queue.capacity = 1;
    },
  ],
  [
    "a message in two queues",
    invariants.MESSAGE_IN_ONE_QUEUE,
    () => {
      the(bob).view.mailboxFirst = the(ann).view.mailboxFirst;
      the(bob).view.mailboxLast = the(ann).view.mailboxLast;
      the(bob).view.mailboxCount = 1;
      the(bob).view.mailboxBytes = 1;
    },
  ],
  [
    "bytes that nobody counted",
    invariants.MESSAGE_IN_ONE_QUEUE,
    () => {
      message().bytes += 1;
    },
  ],
  [
    "a message that another pool pays",
    invariants.MESSAGE_PAID,
    () => {
      message().pool = the(bob).view.pool;
    },
  ],
  [
    "frames that the size doesn't need",
    invariants.MESSAGE_PAID,
    () => {
      message().pageCount = 1;
    },
  ],
  [
    "a message from nowhere",
    invariants.MESSAGE_HAS_SENDER,
    () => {
      message().sender = 0n;
    },
  ],
  [
    "a message that its sender has not sent yet",
    invariants.MESSAGE_HAS_SENDER,
    () => {
      message().nextAt(0).sequence = the(ann).view.sent + 1n;
    },
  ],
  [
    "messages of one sender out of order",
    invariants.MESSAGE_HAS_SENDER,
    () => {
      message().nextAt(0).sequence = message().sequence;
    },
  ],
  [
    "an endpoint of somebody else",
    invariants.ENDPOINT_OWNED,
    () => {
      queue.owner = the(bob).view.address;
    },
  ],
  [
    "a timer that its owner doesn't count",
    invariants.ENDPOINT_OWNED,
    () => {
      the(ann).view.timerCount = 0;
    },
  ],
  [
    "an event above its highest count",
    invariants.ENDPOINT_OWNED,
    () => {
      event.count = 5;
    },
  ],
  [
    "a node that points back to itself",
    invariants.WAIT_NODE_LINKED,
    () => {
      event.waitFirstAt(0).previous = event.waitFirst;
    },
  ],
  [
    "a node for another object",
    invariants.WAIT_NODE_LINKED,
    () => {
      event.waitFirstAt(0).object = queue.id;
    },
  ],
  [
    "a node in a queue that doesn't count it",
    invariants.WAIT_NODE_LINKED,
    () => {
      event.waitCount = 0;
    },
  ],
  [
    "an agent that can run in a queue of waiters",
    invariants.WAIT_ONLY_WAITING,
    () => {
      the(carol).view.state = AGENT_READY;
    },
  ],
  [
    "an agent that waits for nothing",
    invariants.WAIT_ONLY_WAITING,
    () => {
      the(bob).view.state = AGENT_WAITING;
    },
  ],
  [
    "a deadline that nobody files",
    invariants.WAIT_DEADLINE_IN_ONE_HEAP,
    () => {
      the(carol).view.waitPosition = 0;
    },
  ],
  [
    "an end in the heap that is later than the wait's",
    invariants.WAIT_DEADLINE_IN_ONE_HEAP,
    () => {
      the(carol).view.waitDeadline = 999n;
    },
  ],
  [
    "a wait for an event that is there",
    invariants.WAIT_FOR_WHAT_IS_NOT_THERE,
    () => {
      event.count = 1;
    },
  ],
  [
    "a mutex that is held by nobody",
    invariants.MUTEX_HOLDER_LIVES,
    () => {
      mutex.holder = 0;
    },
  ],
  [
    "a mutex that its holder doesn't know of",
    invariants.MUTEX_HOLDER_LIVES,
    () => {
      the(bob).view.mutexes = 0;
    },
  ],
  [
    "an operation in no state",
    invariants.OPERATION_IN_ITS_LIST,
    () => {
      operation.state = 0;
    },
  ],
  [
    "an operation of somebody else",
    invariants.OPERATION_IN_ITS_LIST,
    () => {
      operation.requester = the(ann).view.address;
    },
  ],
  [
    "a watch that its queue doesn't count",
    invariants.WATCH_LISTED,
    () => {
      watched.watchFirstAt(0).queueAt(0).reserved = 0;
    },
  ],
  [
    "a watch of something else",
    invariants.WATCH_LISTED,
    () => {
      watched.watchFirstAt(0).source = queue.address;
    },
  ],
  [
    "a watch that has something to tell",
    invariants.WATCH_FOR_WHAT_IS_NOT_THERE,
    () => {
      watched.count = 5;
    },
  ],
  [
    "a notice that its agent doesn't count",
    invariants.NOTICE_LISTED,
    () => {
      the(ann).view.noticeCount = 0;
    },
  ],
  [
    "a notice for somebody else",
    invariants.NOTICE_LISTED,
    () => {
      the(ann).view.noticeFirstAt(0).agent = the(bob).view.address;
    },
  ],
])("%s", (_, number, breakIt) => {
  breakIt();
  expect(ipc.broken).toBe(number);
});

test("a timer of the fixture is off the heaps while nobody waits for it", () => {
  expect([Number(timer.expiry), timer.waitCount]).toEqual([5000, 0]);
});
