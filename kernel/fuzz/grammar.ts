/**
 * What each system call takes, drawn so that it is right more often than not: enough of the grammar to
 * get past every check, and none of what the calls mean.
 */
import { ENDPOINT_EVENT, ENDPOINT_MUTEX, ENDPOINT_PIPE, ENDPOINT_QUEUE } from "../ipc/endpoint_kinds.ts";
import { SEND_MOVE, WAIT_NOTICES } from "../ipc/flags.ts";
import { MAPPING_ANONYMOUS, MAPPING_FRAME, MAPPING_REGION, MEMORY_DISCARDABLE, MEMORY_GUARD } from "../mm/protection.ts";
import {
  KIND_AGENT,
  KIND_ENDPOINT,
  KIND_FRAME,
  KIND_IMAGE,
  KIND_KERNEL,
  KIND_POOL,
  KIND_REGION,
  KIND_TIMER,
} from "../object/kinds.ts";
import { RIGHTS_ALL } from "../cap/rights.ts";
import * as cap from "../syscall/cap_layouts.ts";
import * as ipc from "../syscall/ipc_layouts.ts";
import * as layouts from "../syscall/layouts.ts";
import { UPGRADE_BEGIN, UPGRADE_CONFIRM, UPGRADE_ROLL_BACK } from "../syscall/modes.ts";
import type { CallName } from "../testing/world-host.ts";
import type { Draft, Integer } from "./draft.ts";
import type { Handle } from "./sight.ts";
import * as structures from "./structures.ts";

/** Draws arguments that stand one behind the other. */
type Arguments = (draft: Draft) => readonly Integer[];

/** What a call takes: a capability that it could name, and its arguments. */
export interface Shape {
  /** Undefined when the caller has none that would do. */
  readonly named: (draft: Draft) => Handle | undefined;
  readonly arguments: readonly Arguments[];
}

const PAGE = 4096;
const READ_WRITE = 3;
/** Bytes of what is copied: none, within a message's slot, a page and around it, pages, the most. */
const LENGTHS = [0, 1, 8, 40, 64, 65, 500, PAGE - 1, PAGE, PAGE + 1, 3 * PAGE, 65_536];

/** To an object of one of the kinds; of any, when there are none. */
const to =
  (...kinds: readonly number[]) =>
  (...list: readonly Arguments[]): Shape => ({ named: (draft) => draft.held(...kinds), arguments: list });
const agent = to(KIND_AGENT);
const pool = to(KIND_POOL);
/** To an endpoint of one of the types. */
const endpoint =
  (...types: readonly number[]) =>
  (...list: readonly Arguments[]): Shape => ({ named: (draft) => draft.endpoint(...types), arguments: list });
const kernel = to(KIND_KERNEL);
/** About the caller alone. */
const self = (...list: readonly Arguments[]): Shape => ({ named: (draft) => draft.self(), arguments: list });
/** To another agent, or a queue. */
const mail = (...list: readonly Arguments[]): Shape => ({
  named: (draft) => (draft.random.once(2) ? draft.held(KIND_AGENT) : draft.endpoint(ENDPOINT_QUEUE)),
  arguments: list,
});
/** The caller's mailbox, or a queue. */
const inbox = (...list: readonly Arguments[]): Shape => ({
  named: (draft) => (draft.random.once(2) ? draft.self() : draft.endpoint(ENDPOINT_QUEUE)),
  arguments: list,
});

const one =
  (draw: (draft: Draft) => Integer): Arguments =>
  (draft) => [draw(draft)];
const among = (...values: readonly number[]): Arguments => one(({ random }) => random.pick(values));
const below = (limit: number): Arguments => one(({ random }) => random.below(limit));
const handle = (...kinds: readonly number[]): Arguments => one((draft) => draft.handleTo(...kinds));
const perhaps = (draw: Arguments): Arguments => (draft) => (draft.random.once(3) ? draw(draft) : draw(draft).map(() => 0));
const time: Arguments = one((draft) => draft.time());
/** Address of a structure that the call reads. */
const structure = (draw: structures.Structure): Arguments => one((draft) => draft.put(draw(draft)));
/** Address of room for one that it writes. */
const out = (bytes: number): Arguments => one((draft) => draft.room(bytes));
/** Address and length of a buffer of one of these lengths. */
const buffer =
  (...lengths: readonly number[]): Arguments =>
  (draft) => {
    const length = draft.random.pick(lengths);
    return [draft.room(length), length];
  };
/** Address and length of whole pages of a mapping of that type. */
const pages =
  (type: number): Arguments =>
  (draft) =>
    draft.pages(type);
/** Where the mapping of what the call's capability names begins, or another one. */
const begin = (type: number): Arguments => one(({ random, caller }) => {
  const fit = caller.ranges.filter((range) => range.type === type);
  return fit.length === 0 ? 0 : random.pick(fit).start;
});
const free: Arguments = one((draft) => draft.free());
const protection = among(1, READ_WRITE, READ_WRITE, READ_WRITE, 5);

/** A message's payload: copied, or whole pages that move; then the capability that goes along. */
const message: Arguments = (draft) => {
  const moves = draft.random.once(4);
  const [address = 0, length = 0] = moves ? draft.pages(MAPPING_ANONYMOUS) : buffer(...LENGTHS)(draft);
  return [address, length, moves ? SEND_MOVE : 0, draft.random.once(4) ? draft.handleTo() : 0];
};

/** Waits: for some of what can be waited for, with a deadline, and perhaps for messages and notices. */
const wait: Arguments = (draft) => {
  const { random } = draft;
  const count = random.below(4);
  const list = Array.from({ length: count }, () => draft.handleTo(KIND_ENDPOINT, KIND_TIMER));
  const flags = random.below(4);
  const notice = (flags & WAIT_NOTICES) !== 0 && random.once(2) ? draft.room(ipc.NOTICE_BYTES) : 0;
  return [count === 0 ? 0 : draft.list([...new Set(list)]), new Set(list).size, draft.time(), flags, notice];
};

/** CapInspect shows a token, or judges one. */
const inspection: Arguments = (draft) => {
  if (draft.random.once(2)) return [draft.room(cap.TOKEN_BYTES)];
  // A token that was shown may still be there: then it is a real one.
  const shown = draft.random.once(2) ? draft.put(structures.token(draft)) : draft.room(cap.TOKEN_BYTES);
  const scope = draft.random.once(3) ? draft.put(structures.scope(draft)) : 0;
  return [0, shown, draft.rights(RIGHTS_ALL), scope, draft.random.once(2) ? draft.caller.id : 0];
};

const upgrade: Arguments = (draft) => {
  const mode = draft.random.pick([UPGRADE_BEGIN, UPGRADE_BEGIN, UPGRADE_CONFIRM, UPGRADE_ROLL_BACK]);
  return [mode === UPGRADE_BEGIN ? draft.handleTo(KIND_IMAGE) : 0, mode, draft.random.next()];
};

const prediction: Arguments = (draft) => {
  const [bytes, count] = structures.predictions(draft);
  return [draft.put(bytes), count];
};

const name: Arguments = (draft) => {
  const bytes = new TextEncoder().encode(draft.scene.image);
  return [draft.put(bytes), bytes.length];
};

/** Another agent than the call's capability names. */
const other: Arguments = one((draft) => {
  const { handles } = draft.caller;
  const object = handles.find(({ id }) => id === draft.handle)?.object;
  const fit = handles.filter((held) => held.kind === KIND_AGENT && held.object !== object);
  return fit.length === 0 ? draft.handleTo(KIND_AGENT) : draft.random.pick(fit).id;
});

const operation: Arguments = one(({ random, scene: { operations } }) =>
  operations.length === 0 ? 0 : random.pick(operations),
);

const endpointKind: Arguments = (draft) => {
  const type = draft.random.pick([ENDPOINT_QUEUE, ENDPOINT_PIPE, ENDPOINT_EVENT, ENDPOINT_MUTEX]);
  return [type, type === ENDPOINT_MUTEX ? 1 : draft.random.pick([1, 4, 100, 1024])];
};

export const GRAMMAR: Readonly<Record<CallName, Shape>> = {
  AGENT_SPAWN: pool(structure(structures.spawn)),
  AGENT_CLONE: agent(structure(structures.clone)),
  AGENT_MERGE: agent(other),
  AGENT_SPLIT: agent(structure(structures.split)),
  AGENT_UPGRADE: agent(upgrade),
  AGENT_SPECIALIZE: agent(one(({ random }) => RIGHTS_ALL & ~(1 << random.below(30)))),
  AGENT_SUSPEND: agent(),
  AGENT_RESUME: agent(),
  AGENT_KILL: agent(below(256)),
  AGENT_INFO: agent(out(layouts.INFO_BYTES), among(layouts.INFO_BYTES, layouts.INFO_BYTES, 0)),
  AGENT_SCHEDULE: agent(structure(structures.schedule)),
  SCHED_CONFIGURE: kernel(structure(structures.configuration)),
  IPC_SEND: mail(message),
  IPC_RECV: inbox(buffer(64, PAGE, 65_536), perhaps(out(ipc.HEADER_BYTES))),
  ENDPOINT_CREATE: pool(endpointKind),
  ENDPOINT_CLOSE: to(KIND_ENDPOINT, KIND_TIMER)(),
  PIPE_READ: endpoint(ENDPOINT_PIPE)(buffer(...LENGTHS)),
  PIPE_WRITE: endpoint(ENDPOINT_PIPE)(buffer(...LENGTHS)),
  EVENT_SIGNAL: endpoint(ENDPOINT_EVENT, ENDPOINT_MUTEX)(among(1, 1, 0, 5)),
  ENDPOINT_NOTIFY: endpoint(ENDPOINT_PIPE, ENDPOINT_QUEUE)(
    one((draft) => draft.endpoint(ENDPOINT_QUEUE)?.id ?? 0),
    among(1, 2, 2, 1, 3),
    below(4),
    among(1, 1, 4, 100, 0),
  ),
  KERNEL_INFO: kernel(out(layouts.KERNEL_INFO_BYTES), among(layouts.KERNEL_INFO_BYTES, 0, 8)),
  LINK_OPEN: kernel(handle(KIND_ENDPOINT), among(0, 2, 4, 5, 0x1234_5678_9a02)),
  LINK_SEND: endpoint(ENDPOINT_QUEUE)(buffer(14, 60, 1518)),
  REGION_SHARE: pool(pages(MAPPING_ANONYMOUS)),
  REGION_MAP: to(KIND_REGION)(free, protection),
  REGION_UNMAP: to(KIND_REGION)(begin(MAPPING_REGION)),
  FRAME_ALLOC: pool(below(4)),
  FRAME_FREE: to(KIND_FRAME)(),
  PAGE_MAP: to(KIND_FRAME)(free, protection),
  PAGE_UNMAP: self(pages(MAPPING_FRAME)),
  PAGE_PROTECT: self(pages(MAPPING_ANONYMOUS), protection),
  AGENT_POOL_ALLOC: pool(among(PAGE, 65_536, 300_000)),
  AGENT_MEM_ALLOC: pool(
    among(1, PAGE, 3 * PAGE, 20 * PAGE, 600 * PAGE),
    free,
    one(({ random }) => READ_WRITE | random.pick([0, 0, 0, MEMORY_GUARD, MEMORY_DISCARDABLE])),
  ),
  AGENT_MEM_FREE: pool(pages(MAPPING_ANONYMOUS)),
  PREDICTION_WRITE: kernel(prediction),
  CAP_DERIVE: to()(structure(structures.derivation)),
  CAP_REVOKE: to()(among(cap.REVOKE_DESCENDANTS, cap.REVOKE_ITSELF)),
  CAP_INSPECT: to()(inspection),
  TIMER_SET: self(perhaps(handle(KIND_TIMER)), time, among(0, 0, 100_000, 2_000_000)),
  WAIT: self(wait),
  YIELD: self(),
  DONATE_TO: agent(time),
  PQC_OPERATION: self(below(16), buffer(0, 8, 500, 2 * PAGE), buffer(0, 8, 64, 5000)),
  PQC_TAKE: kernel(out(ipc.OPERATION_BYTES), buffer(64, 5000, 65_536)),
  PQC_COMPLETE: kernel(operation, below(3), buffer(0, 8, 64)),
  RANDOM_GET: self(buffer(1, 64, 256)),
  AUDIT_APPEND: kernel(buffer(1, 8, cap.APPEND_BYTES_MAX)),
  AUDIT_DRAIN: kernel(buffer(cap.RECORD_BYTES, 64 * cap.RECORD_BYTES)),
  IMAGE_OPEN: kernel(name),
  IMAGE_CREATE: kernel(handle(KIND_POOL), among(64, 164, 5000, 200_000)),
  IMAGE_APPEND: to(KIND_IMAGE)(buffer(64, 100, 5000, 65_536)),
  IMAGE_SEAL: to(KIND_IMAGE)(),
  CONSOLE_WRITE: kernel(buffer(1, 8, 256)),
};
