/**
 * The personality "aios": system calls for WebAssembly agents (aios_calls.ts is the table). A function
 * answers with the kernel's status, 0 for success; what it finds goes where a pointer says. All pointers are
 * checked before anything is done: BAD_ADDRESS; TOO_LARGE for more bytes to be read than a message has.
 *
 * A capability that was given by name is that name's place, below 0; so it means the same in a clone, whose
 * own capabilities have other numbers; and so it means whoever runs under the name (contacts.ts). The others are
 * the kernel's numbers, and worth nothing in a clone.
 */
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import * as ipc from "../../kernel/syscall/ipc_layouts.ts";
import * as statuses from "../../kernel/syscall/status.ts";
import { SCRATCH_HEADER, type Step, Structure } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import { ENDS } from "../../sdk/agent/info.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { WaitFor, Woken } from "../../sdk/agent/waits.ts";
import type { Birth } from "../messages/birth.ts";
import { Arguments } from "./aios_arguments.ts";
import { cloneSelf, isLiving, spawnChild } from "./aios_births.ts";
import * as aios from "./aios_calls.ts";
import { Contacts, GONE } from "./contacts.ts";
import type { Personality, QuickAnswer, StepAnswer } from "./personality.ts";

const { STATUS_OK } = statuses;
/** Bytes of the random stream that one call gives. */
const RANDOM_BYTES_MAX = 256;
const WAIT_FLAGS = aios.WAIT_MAILBOX | aios.WAIT_CHILDREN | aios.WAIT_INPUT;
const RIGHTS_TO_ANSWER = RIGHT_SEND | RIGHT_DERIVE;

type Answer = (sys: Sys, given: Arguments, told: Birth) => Step<number>;

export function aiosPersonality(told: Birth, contacts = new Contacts(told)): Personality {
  const quick = new Map<string, QuickAnswer>();
  const steps = new Map<string, StepAnswer>();
  for (const call of aios.AIOS_CALLS) {
    if (call.name === "capability") {
      quick.set(call.name, (instance, args) => {
        const given = Arguments.of(call, instance, args, []);
        return typeof given === "number" ? given : capability(given, told);
      });
      continue;
    }
    const answer = ANSWERS[call.name];
    if (!answer) throw new Error(`nothing answers "${call.name}"`);
    steps.set(call.name, function* (sys, instance, args) {
      const attempt = (handles: readonly number[]): Step<number> => {
        const given = Arguments.of(call, instance, args, handles);
        if (typeof given === "number") return refusedWith(given);
        return refusable(answer(sys, given, toldNow(told, handles)));
      };
      try {
        const status = yield* contacts.trying(sys, attempt);
        if (call.name !== "clone" || !GONE.includes(status)) return status;
        // All names go along, and some stand for nobody.
        return yield* attempt(yield* contacts.living(sys));
      } finally {
        contacts.settle();
      }
    });
  }
  return { module: aios.AIOS_MODULE, quick, steps, state: contacts.state };
}

const toldNow = (told: Birth, handles: readonly number[]): Birth => ({
  ...told,
  capabilities: told.capabilities.map((it, n) => ({ ...it, handle: handles[n] ?? it.handle })),
});

const ANSWERS: Readonly<Record<string, Answer>> = {
  *id(sys, given) {
    given.structure("agent").setU64(0, sys.id);
    return STATUS_OK;
  },
  *now(sys, given) {
    given.structure("time").setU64(0, yield* sys.now());
    return STATUS_OK;
  },
  *random(sys, given) {
    const room = given.bytes("buffer");
    for (let at = 0; at < room.length; at += RANDOM_BYTES_MAX)
      room.set(yield* sys.random(Math.min(RANDOM_BYTES_MAX, room.length - at)), at);
    return STATUS_OK;
  },
  *send(sys, given) {
    yield* sys.send(given.handle("to"), given.bytes("payload"), given.handle("along"));
    return STATUS_OK;
  },
  *receive(sys, given) {
    return yield* receive(sys, given, given.handle("from") || sys.self);
  },
  request,
  *queue(sys, given) {
    const handle = yield* sys.endpoint("queue", given.number("capacity"));
    given.structure("handle").setU64(0, handle);
    return STATUS_OK;
  },
  *derive(sys, given) {
    const from = given.handle("from") || sys.self;
    const handle = yield* sys.derive(from, { rights: given.number("rights") });
    given.structure("handle").setU64(0, handle);
    return STATUS_OK;
  },
  *drop(sys, given) {
    yield* sys.drop(given.handle("which"));
    return STATUS_OK;
  },
  wait,
  clone: cloneSelf,
  spawn: spawnChild,
  *kill(sys, given) {
    yield* sys.kill(given.handle("child"), given.long("code"));
    return STATUS_OK;
  },
  *exit(sys, given) {
    return yield* sys.exit(given.number("code"));
  },
};

function capability(given: Arguments, { capabilities }: Birth): number {
  const name = given.text("name");
  const place = capabilities.findIndex(({ text }) => text === name);
  if (place < 0) return statuses.STATUS_UNKNOWN_NAME;
  given.structure("handle").setU64(0, -1 - place);
  return STATUS_OK;
}

function* refusedWith(status: number): Step<number> {
  return status;
}

function* refusable(steps: Step<number>): Step<number> {
  try {
    return yield* steps;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return error.code;
  }
}

/** The first message; one that is larger than the room stays where it is: TOO_LARGE, and its size is told. */
function* receive(sys: Sys, given: Arguments, from: number): Step<number> {
  const room = given.bytes("buffer");
  const message = given.structure("message");
  const deadline = given.long("deadline");
  const waiting: WaitFor =
    from === sys.self ? { mailbox: true, deadline } : { on: [from], deadline };
  const header = (yield* sys.scratch()) + SCRATCH_HEADER;
  const at = yield* sys.room(Math.max(1, room.length));
  while (true) {
    const reply = yield* sys.attempt("IPC_RECV", from, at, room.length, header);
    if (reply.error === statuses.STATUS_EMPTY) {
      const woken = yield* sys.wait(waiting);
      if (woken.what === "deadline") return statuses.STATUS_TIMED_OUT;
      continue;
    }
    if (reply.error === statuses.STATUS_TOO_LARGE)
      message.setU64(aios.MESSAGE_PAYLOAD_BYTES, reply.bits);
    if (reply.error !== STATUS_OK) return reply.error;
    const told = new Structure(yield* sys.load(header, ipc.HEADER_BYTES));
    const bytes = told.id(ipc.HEADER_PAYLOAD_BYTES);
    if (bytes > 0) room.set(yield* sys.load(at, bytes));
    message
      .setU64(aios.MESSAGE_SENDER, told.u64(ipc.HEADER_SENDER))
      .setU64(aios.MESSAGE_SEQUENCE, told.u64(ipc.HEADER_SEQUENCE))
      .setU64(aios.MESSAGE_PAYLOAD_BYTES, bytes)
      .setU64(aios.MESSAGE_CAPABILITY, told.u64(ipc.HEADER_CAPABILITY));
    return STATUS_OK;
  }
}

/** The answer comes to a queue of its own, which goes with the request: what comes later is refused. */
function* request(sys: Sys, given: Arguments): Step<number> {
  const queue = yield* sys.endpoint("queue");
  try {
    const back = yield* sys.derive(queue, { rights: RIGHTS_TO_ANSWER });
    yield* sys.send(given.handle("to"), given.bytes("payload"), back);
    return yield* receive(sys, given, queue);
  } finally {
    yield* sys.close(queue);
    yield* sys.drop(queue);
  }
}

/** For the first of several things; that a child has begun is none of them. */
function* wait(sys: Sys, given: Arguments, { streams }: Birth): Step<number> {
  const list = given.structure("list");
  const on = Array.from({ length: list.bytes.length / 8 }, (_, n) =>
    given.handleOf(list.u64(8 * n)),
  );
  const flags = given.number("flags");
  if ((flags & ~WAIT_FLAGS) !== 0) return statuses.STATUS_BAD_ARGUMENT;
  const mailbox = (flags & aios.WAIT_MAILBOX) !== 0;
  const notices = (flags & aios.WAIT_CHILDREN) !== 0;
  const event = given.structure("event");
  event.bytes.fill(0);
  const objects = on.length;
  const input = (flags & aios.WAIT_INPUT) === 0 ? null : (streams[0] ?? 0);
  if (input === 0) return told(event, aios.EVENT_INPUT);
  if (input !== null) on.push(input);
  while (true) {
    const woken = yield* orGone(
      sys,
      sys.wait({ on, mailbox, notices, deadline: given.long("deadline") }),
      input,
    );
    if (woken === null) return told(event, aios.EVENT_INPUT);
    if (woken.what === "deadline") return statuses.STATUS_TIMED_OUT;
    if (woken.what === "message") return told(event, aios.EVENT_MESSAGE);
    if (woken.what === "object") {
      if (woken.index === objects) return told(event, aios.EVENT_INPUT);
      event.setU32(aios.EVENT_INDEX, woken.index);
      return STATUS_OK;
    }
    const { notice } = woken;
    if (notice.kind !== "ended") continue;
    event
      .setU64(aios.EVENT_AGENT, notice.agent)
      .setU64(aios.EVENT_REASON, ENDS.indexOf(notice.reason))
      .setU64(aios.EVENT_CODE, notice.code);
    return told(event, aios.EVENT_ENDED);
  }
}

/** Null when standard input is what is gone: what reads from it finds its end. */
function* orGone(sys: Sys, steps: Step<Woken>, input: number | null): Step<Woken | null> {
  try {
    return yield* steps;
  } catch (error) {
    if (!(error instanceof SyscallError) || input === null) throw error;
    if (yield* isLiving(sys, input)) throw error;
    return null;
  }
}

function told(event: Structure, kind: number): number {
  event.setU32(aios.EVENT_KIND, kind);
  return STATUS_OK;
}
