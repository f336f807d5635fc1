/** The specification's calls in the kernel's terms: numbers in registers, structures at the caller's desk. */
import { KIND_CAPABILITY, KIND_OPERATION } from "../object/kinds.ts";
import * as Cap from "../syscall/cap_layouts.ts";
import * as Layout from "../syscall/layouts.ts";
import { UPGRADE_BEGIN, UPGRADE_CONFIRM, UPGRADE_ROLL_BACK } from "../syscall/modes.ts";
import { BASE, type Party, TYPES } from "../testing/ipc-host.ts";
import type { CallName } from "../testing/world-host.ts";
import type { Clone, Spawn, Split } from "./births.ts";
import { payload } from "./communication.ts";
import type { Fault } from "./ends.ts";
import type { Store } from "./memory.ts";
import type { Call } from "./step.ts";
import type { Subject } from "./subject.ts";
import { type Name, NEVER, NOBODY, PAGE } from "./world.ts";

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
/** Where structures, lists and tokens are: behind the payloads. */
export const SCRATCH = BASE + 36 * PAGE;
export const NOTICE_AT = SCRATCH + 512;
export const TOKEN_AT = SCRATCH + 1024;
export const BIRTH_AT = SCRATCH + PAGE;
export const GRANTS_AT = BIRTH_AT + 512;
const RANGES_AT = BIRTH_AT + 1024;
export const INFO_AT = SCRATCH + 2 * PAGE;
export const RECORD_AT = SCRATCH + 2 * PAGE + 2048;
/** Where the results of operations go. */
export const RESULT_AT = BASE + 17 * PAGE;
/** Identifiers that nothing ever has: the last slot, a generation that is far off. */
const neverGiven = (kind: number): number => 0x3f_ffff + kind * 2 ** 22 + 0x3ff_ffff * 2 ** 26;
export const NEVER_GIVEN = neverGiven(KIND_CAPABILITY);

/** A call on its way to the kernel. */
export interface Asked {
  readonly name: CallName;
  readonly capability: Name;
  readonly args: readonly (number | bigint)[];
}

/** What agents do of themselves, without asking the kernel. */
export type Deed = Store | Fault;
export type Asking = Exclude<Call, Deed>;

const time = (ns: number): bigint => (ns === NEVER ? ALL_ONES : BigInt(ns));
const MODES = { begin: UPGRADE_BEGIN, confirm: UPGRADE_CONFIRM, "roll back": UPGRADE_ROLL_BACK };
const READ_WRITE = 3;

/** Puts a call's arguments where the kernel will read them. */
export function prepare(subject: Subject, agent: Name, call: Asking): Asked {
  const party = subject.party(agent);
  const { capability } = call;
  const asked = (name: CallName, ...args: readonly (number | bigint)[]): Asked => ({ name, capability, args });
  switch (call.call) {
    case "CAP_DERIVE":
      return asked(call.call, deriveArguments(subject, party, call));
    case "CAP_REVOKE":
      return asked(call.call, call.itself ? 1 : 0);
    case "SHOW_TOKEN":
      return asked("CAP_INSPECT", TOKEN_AT);
    case "JUDGE_TOKEN": {
      party.write(TOKEN_AT, subject.token(call.token) ?? new Uint8Array(Cap.TOKEN_BYTES));
      return asked("CAP_INSPECT", 0, TOKEN_AT, call.rights, 0, subject.thing(call.shower));
    }
    case "IPC_SEND":
      party.write(BASE, Uint8Array.from(payload(Math.min(call.length, 65536), call.seed)));
      return asked(call.call, BASE, call.length, 0, subject.id(call.along));
    case "IPC_RECV":
      return asked(call.call, BASE, call.room, SCRATCH);
    case "ENDPOINT_CREATE":
      return asked(call.call, TYPES[call.type], call.capacity);
    case "PIPE_WRITE":
      party.write(BASE, Uint8Array.from(payload(Math.min(call.length, 65536), call.seed)));
      return asked(call.call, BASE, call.length);
    case "PIPE_READ":
      return asked(call.call, BASE, call.length);
    case "EVENT_SIGNAL":
      return asked(call.call, call.count);
    case "TIMER_SET":
      return asked(call.call, subject.id(call.timer), time(call.expiry), call.period);
    case "WAIT": {
      const names = call.list.map((name) => subject.id(name));
      const { notices = "none" } = call;
      const flags = (call.mailbox ? 1 : 0) | (notices === "none" ? 0 : 2);
      const list = names.length === 0 ? 0 : party.numbers(names, SCRATCH);
      return asked(call.call, list, names.length, time(call.deadline), flags, notices === "take" ? NOTICE_AT : 0);
    }
    case "DONATE_TO":
      return asked(call.call, time(call.deadline));
    default:
      return prepareLife(subject, party, call);
  }
}

/** The same for what is about agents' lives, their memory and their services. */
function prepareLife(subject: Subject, party: Party, call: Asking): Asked {
  const { capability } = call;
  const asked = (...args: readonly (number | bigint)[]): Asked => ({ name: call.call as CallName, capability, args });
  switch (call.call) {
    case "AGENT_SPAWN":
    case "AGENT_CLONE":
    case "AGENT_SPLIT":
      return asked(birthArguments(subject, party, call));
    case "AGENT_MERGE":
      return asked(subject.id(call.survivor));
    case "AGENT_UPGRADE":
      return asked(subject.id(call.image), MODES[call.mode], call.argument);
    case "AGENT_SPECIALIZE":
      return asked(call.rights);
    case "AGENT_KILL":
      return asked(call.code);
    case "AGENT_INFO":
      return asked(INFO_AT, Layout.INFO_BYTES);
    case "AGENT_MEM_ALLOC":
      return asked(call.pages * PAGE, call.start, READ_WRITE);
    case "AGENT_MEM_FREE":
    case "REGION_SHARE":
      return asked(call.start, call.pages * PAGE);
    case "REGION_MAP":
      return asked(call.start, call.writable ? READ_WRITE : 1);
    case "REGION_UNMAP":
      return asked(call.start);
    case "PQC_OPERATION":
      party.write(BASE, Uint8Array.from(payload(Math.min(call.length, 65536), call.seed)));
      return asked(call.number, BASE, call.length, RESULT_AT, call.room);
    case "PQC_TAKE":
      return asked(RECORD_AT, BASE, call.room);
    case "PQC_COMPLETE": {
      party.write(BASE, Uint8Array.from(payload(call.length, call.code)));
      const never = neverGiven(KIND_OPERATION);
      return asked(call.operation === NOBODY ? never : subject.thing(call.operation), call.code, BASE, call.length);
    }
    default:
      return asked();
  }
}

/** Whether a call is given, or gives, something at its caller's desk. */
export function needsDesk(call: Call): boolean {
  switch (call.call) {
    case "WAIT":
      return call.list.length > 0 || call.notices === "take";
    case "CAP_REVOKE":
    case "ENDPOINT_CREATE":
    case "ENDPOINT_CLOSE":
    case "EVENT_SIGNAL":
    case "TIMER_SET":
    case "DONATE_TO":
    case "AGENT_MERGE":
    case "AGENT_UPGRADE":
    case "AGENT_SPECIALIZE":
    case "AGENT_SUSPEND":
    case "AGENT_RESUME":
    case "AGENT_KILL":
    case "AGENT_MEM_ALLOC":
    case "AGENT_MEM_FREE":
    case "REGION_SHARE":
    case "REGION_MAP":
    case "REGION_UNMAP":
    case "STORE":
    case "FAULT":
      return false;
    default:
      return true;
  }
}

function deriveArguments(subject: Subject, party: Party, call: Extract<Call, { call: "CAP_DERIVE" }>): number {
  const bytes = Buffer.alloc(Cap.DERIVE_BYTES);
  bytes.writeBigUInt64LE(BigInt(subject.id(call.to)), Cap.DERIVE_HOLDER);
  bytes.writeUInt32LE(call.rights >>> 0, Cap.DERIVE_RIGHTS);
  bytes.writeUInt32LE(call.mask >>> 0, Cap.DERIVE_MASK);
  bytes.writeBigUInt64LE(time(call.expiry), Cap.DERIVE_EXPIRY);
  bytes.writeUInt32LE(call.scope.length, Cap.DERIVE_SCOPE_BYTES);
  bytes.write(call.scope.slice(0, 32), Cap.DERIVE_SCOPE, "latin1");
  party.write(SCRATCH, bytes);
  return SCRATCH;
}

function birthArguments(subject: Subject, party: Party, call: Spawn | Clone | Split): number {
  const bytes = Buffer.alloc(Layout.SPAWN_BYTES);
  bytes.writeBigUInt64LE(BigInt(GRANTS_AT), Layout.SPAWN_GRANTS);
  bytes.writeUInt32LE(call.grants.length, Layout.SPAWN_GRANT_COUNT);
  bytes.writeUInt32LE(call.selfRights, Layout.SPAWN_SELF_RIGHTS);
  bytes.writeUInt32LE(call.poolRights, Layout.SPAWN_POOL_RIGHTS);
  bytes.writeUInt16LE(call.capabilities, Layout.SPAWN_CAPABILITIES);
  bytes.writeUInt16LE(call.messages, Layout.SPAWN_MESSAGES);
  bytes.writeBigUInt64LE(BigInt(call.argument), Layout.SPAWN_ARGUMENT);
  if (call.call === "AGENT_SPAWN") {
    bytes.writeBigUInt64LE(BigInt(subject.id(call.image)), Layout.SPAWN_IMAGE);
    bytes.writeBigUInt64LE(BigInt(call.quota), Layout.SPAWN_QUOTA);
    bytes.writeUInt32LE(1024, Layout.SPAWN_SCHEDULE + Layout.SCHEDULE_WEIGHT);
  } else bytes.writeBigUInt64LE(BigInt(subject.id(call.pool)), Layout.CLONE_POOL);
  if (call.call === "AGENT_SPLIT") {
    bytes.writeBigUInt64LE(BigInt(RANGES_AT), Layout.SPLIT_RANGES);
    bytes.writeBigUInt64LE(BigInt(call.ranges.length), Layout.SPLIT_RANGE_COUNT);
    party.numbers(call.ranges.flatMap(({ start, pages }) => [start, pages * PAGE]), RANGES_AT);
  }
  party.write(BIRTH_AT, bytes);
  for (const [index, { capability, rights }] of call.grants.entries())
    party.numbers([subject.id(capability), rights, 0], GRANTS_AT + index * Layout.GRANT_BYTES);
  return BIRTH_AT;
}
