/** What the kernel tells, in the specification's terms. */
import { END_MERGED } from "../agent/states.ts";
import * as Views from "../host/views.generated.ts";
import { NOTICE_ENDED } from "../ipc/notice_kinds.ts";
import { MAPPING_ANONYMOUS } from "../mm/protection.ts";
import * as Ipc from "../syscall/ipc_layouts.ts";
import * as Layout from "../syscall/layouts.ts";
import { BASE, type Party } from "../testing/ipc-host.ts";
import { BIRTH_AT, GRANTS_AT, INFO_AT, NOTICE_AT, RECORD_AT, SCRATCH } from "./asking.ts";
import { CONTENTS } from "./desk.ts";
import type { Subject } from "./subject.ts";
import { type Born, type Info, type Message, NOBODY, type Notice, PAGE, type Taken } from "./world.ts";

const STATES = ["NONE", "SPAWNING", "READY", "RUNNING", "WAITING", "SUSPENDED", "DEAD", "DYING", "KEPT"];
export const stateName = (state: number): string => STATES[state] ?? String(state);

/** The code of an end: for one that went into another agent, that one. */
const codeOf = (subject: Subject, reason: number, code: number): number =>
  reason === END_MERGED ? subject.nameOf(code) : code;

export function message(subject: Subject, party: Party, expected: Message | undefined): Message {
  const field = (offset: number) => party.number(SCRATCH + offset);
  const capability = expected?.capability ?? NOBODY;
  return {
    sender: subject.nameOf(field(Ipc.HEADER_SENDER)),
    sequence: field(Ipc.HEADER_SEQUENCE),
    bytes: [...party.read(BASE, field(Ipc.HEADER_PAYLOAD_BYTES))],
    capability: field(Ipc.HEADER_CAPABILITY) === subject.id(capability) ? capability : -1,
    // Of who pays, the receiver sees nothing; the pools are compared elsewhere.
    pool: expected?.pool ?? NOBODY,
    cost: expected?.cost ?? 0,
  };
}

export function notice(subject: Subject, party: Party): Notice {
  const field = (offset: number) => party.number(NOTICE_AT + offset);
  const kind = field(Ipc.NOTICE_KIND);
  const status = field(Ipc.NOTICE_STATUS);
  const value = field(Ipc.NOTICE_VALUE);
  return {
    kind,
    subject: subject.nameOf(field(Ipc.NOTICE_SUBJECT)),
    status,
    value: kind === NOTICE_ENDED ? codeOf(subject, status, value) : value,
  };
}

/** `expected` names what has come to be; where the kernel has something else, that is -1. */
export function born(subject: Subject, party: Party, id: number, expected: Born): Born {
  const { exports, world } = subject.ipc;
  const block = Math.ceil(Views.Agent.size / 8) * 8;
  const { rax, rdi, rsi, rdx, r14 } = new Views.Context(world.data, exports.worldObject(BigInt(id)) + block);
  subject.arrived(expected.agent, id, Number(rdi), Number(rsi));
  const grants = expected.grants.map((name, index) => {
    const at = GRANTS_AT + index * Layout.GRANT_BYTES + Layout.GRANT_HANDLE;
    return subject.known(name, party.number(at));
  });
  return {
    agent: subject.nameOf(Number(r14)),
    child: subject.known(expected.child, party.number(BIRTH_AT + Layout.SPAWN_CHILD)),
    self: subject.known(expected.self, Number(rdi)),
    purse: subject.known(expected.purse, Number(rsi)),
    grants,
    argument: rax === 0n ? Number(rdx) : -1,
  };
}

export function info(subject: Subject, party: Party): Info {
  const view = new DataView(Uint8Array.from(party.read(INFO_AT, Layout.INFO_BYTES)).buffer);
  const word = (offset: number) => view.getUint32(offset, true);
  const long = (offset: number) => Number(view.getBigUint64(offset, true));
  const reason = word(Layout.INFO_END_REASON);
  return {
    agent: subject.nameOf(long(Layout.INFO_ID)),
    parent: subject.nameOf(long(Layout.INFO_PARENT)),
    state: stateName(word(Layout.INFO_STATE)),
    reason,
    code: codeOf(subject, reason, long(Layout.INFO_END_CODE)),
    children: word(Layout.INFO_CHILDREN),
    depth: word(Layout.INFO_DEPTH),
    capabilities: word(Layout.INFO_CAPABILITIES),
    rightsLeft: word(Layout.INFO_RIGHTS_LEFT),
    capabilityLimit: word(Layout.INFO_CAPABILITY_LIMIT),
    mailboxLimit: word(Layout.INFO_MESSAGE_LIMIT),
    messages: word(Layout.INFO_MESSAGES),
    notices: word(Layout.INFO_NOTICES),
    mapped: long(Layout.INFO_MAPPED),
    quota: long(Layout.INFO_QUOTA),
    used: long(Layout.INFO_USED),
    image: subject.nameOf(long(Layout.INFO_IMAGE)),
    tree: long(Layout.INFO_TREE),
  };
}

export function taken(subject: Subject, party: Party): Taken {
  const field = (offset: number) => party.number(RECORD_AT + offset);
  return {
    requester: subject.nameOf(field(Ipc.OPERATION_REQUESTER)),
    number: field(Ipc.OPERATION_NUMBER),
    bytes: [...party.read(BASE, field(Ipc.OPERATION_INPUT_BYTES))],
    room: field(Ipc.OPERATION_RESULT_BYTES_MAX),
  };
}

/** The same as AgentInfo, of any agent, from the control block itself. */
export function described(subject: Subject, { view }: Party): Info {
  const pool = view.poolAt(0);
  const over = stateName(view.state).startsWith("D");
  return {
    agent: subject.nameOf(Number(view.id)),
    parent: view.parent === 0 ? NOBODY : subject.nameOf(Number(view.parentAt(0).id)),
    state: stateName(view.state),
    reason: view.endReason,
    code: codeOf(subject, view.endReason, Number(view.endCode)),
    children: view.childCount,
    depth: view.depth,
    capabilities: view.capabilityCount,
    rightsLeft: view.rightsLeft,
    capabilityLimit: view.capabilityLimit,
    mailboxLimit: view.mailboxLimit,
    messages: view.mailboxCount,
    notices: view.noticeCount,
    mapped: Number(view.mappedBytes),
    quota: Number(pool.quota),
    used: Number(pool.used),
    image: subject.nameOf(Number(view.imageAt(0).id)),
    tree: over ? 0 : view.treeCount,
  };
}

/** Each range of an agent with its pages, as the page tables and the regions have them: nothing is touched. */
export function memoryOf(subject: Subject, party: Party): string {
  const told: string[] = [];
  const { data } = subject.ipc.world;
  for (let at = party.view.mappings; at !== 0; ) {
    const mapping = new Views.Mapping(data, at);
    at = mapping.next;
    const start = Number(mapping.start);
    const count = (Number(mapping.end) - start) / PAGE;
    const own = mapping.type === MAPPING_ANONYMOUS;
    const pages = Array.from({ length: count }, (_, page) => {
      if (start < CONTENTS) return 0;
      const frame = own ? walk(subject, party, start + page * PAGE) : regionFrame(subject, mapping, page);
      return frame === 0n ? 0 : contents(subject, frame);
    });
    const writable = (mapping.protection & 2) !== 0;
    told.push(show(start, own, writable, subject.nameOf(Number(mapping.poolAt(0).id)), pages));
  }
  return told.join(" ");
}

/** A range, and what is in its pages where that is known. */
export function show(start: number, own: boolean, writable: boolean, pool: number, pages: readonly number[]): string {
  const told = start < CONTENTS ? `${pages.length} pages` : pages.join();
  return `${start.toString(16)}${own ? "" : " shared"}${writable ? "" : " read-only"} paid by ${pool}: ${told};`;
}

/** Physical address of the page at `address`; 0 where nobody has touched it. */
function walk(subject: Subject, party: Party, address: number): bigint {
  const { exports, world } = subject.ipc;
  let table = exports.worldRoot(BigInt(party.id));
  for (const shift of [39n, 30n, 21n, 12n]) {
    const at = exports.linear(table) + Number((BigInt(address) >> shift) & 0x1ffn) * 8;
    const entry = world.data.getBigUint64(at, true);
    if ((entry & 1n) === 0n) return 0n;
    table = entry & 0x000f_ffff_ffff_f000n;
  }
  return table;
}

function regionFrame(subject: Subject, mapping: Views.Mapping, page: number): bigint {
  const { data } = subject.ipc.world;
  return data.getBigUint64(new Views.Region(data, mapping.object).frames + page * 8, true);
}

/** The number that fills a page; -1 when it isn't filled by one. */
function contents(subject: Subject, frame: bigint): number {
  const { exports, world } = subject.ipc;
  const words = new Uint32Array(world.data.buffer as ArrayBuffer, exports.linear(frame), PAGE / 4);
  const [first = 0] = words;
  return words[PAGE / 8] === first && words[PAGE / 4 - 1] === first ? first : -1;
}
