/**
 * System calls for agents whose code is TypeScript. Each is a step: `yield*` gives its result, and a
 * refusal is a `SyscallError` with the status's name.
 *
 *   machine.agents.program("echo", agent(function* (sys) {
 *     while (true) {
 *       const { bytes, capability } = yield* sys.receive();
 *       if (capability !== 0) yield* sys.send(capability, bytes);
 *     }
 *   }));
 *
 * docs/syscalls.md says what each call requires and refuses.
 */
import { RIGHTS_ALL } from "../../kernel/cap/rights.ts";
import * as endpoints from "../../kernel/ipc/endpoint_kinds.ts";
import { READY_MAILBOX, READY_NOTICE, WAIT_MAILBOX, WAIT_NOTICES } from "../../kernel/ipc/flags.ts";
import * as notices from "../../kernel/ipc/notice_kinds.ts";
import {
  DEFAULT_AGEING,
  DEFAULT_EPOCH,
  DEFAULT_FAIR_RESERVE,
  DEFAULT_FOREGROUND,
  DEFAULT_QUANTUM,
} from "../../kernel/sched/defaults.ts";
import * as cap from "../../kernel/syscall/cap_layouts.ts";
import * as ipc from "../../kernel/syscall/ipc_layouts.ts";
import * as layouts from "../../kernel/syscall/layouts.ts";
import { UPGRADE_BEGIN, UPGRADE_CONFIRM, UPGRADE_ROLL_BACK } from "../../kernel/syscall/modes.ts";
import { SYSCALL_IPC_RECV, SYSCALL_IPC_SEND, SYSCALL_WAIT } from "../../kernel/syscall/numbers.ts";
import { STATUS_TOO_LARGE } from "../../kernel/syscall/status.ts";
import type { AgentStart, CallReply, Integer, ProgramFunction } from "../../sim/host/programs.ts";
import { Births, type Schedule, type SchedulerConfiguration, writeSchedule } from "./births.ts";
import { type Step, Structure } from "./calls.ts";
import { SyscallError } from "./error.ts";

/** No deadline; no expiry. */
export const NEVER = 0xffff_ffff_ffff_ffffn;
/** Largest message. */
const MESSAGE_BYTES_MAX = 64 * 1024;
/** Places in the scratch page. Behind a message's header is room for a small payload. */
const HEADER = 1024;
const NOTICE = 2048;
const SMALL_BYTES = NOTICE - HEADER - ipc.HEADER_BYTES;
/** Bytes of a payload that are loaded together with the header. */
const LOADED_BYTES = 64;
/** So many times whoever found nothing to receive waits before it looks; then it looks once again. */
const WAITS_FIRST = 64;

const ENDPOINT_TYPES = {
  queue: endpoints.ENDPOINT_QUEUE,
  pipe: endpoints.ENDPOINT_PIPE,
  event: endpoints.ENDPOINT_EVENT,
  mutex: endpoints.ENDPOINT_MUTEX,
} as const;
export type EndpointType = keyof typeof ENDPOINT_TYPES;

const STATES = [
  "none",
  "spawning",
  "ready",
  "running",
  "waiting",
  "suspended",
  "dead",
  "dying",
] as const;
export type AgentState = (typeof STATES)[number];

const ENDS = ["none", "exited", "killed", "fault", "merged", "spawn-failed"] as const;
export type EndReason = (typeof ENDS)[number];
const CLASSES = ["fair", "realtime", "idle"] as const;

export interface AgentInfo {
  readonly id: number;
  readonly parent: number;
  readonly state: AgentState;
  readonly class: (typeof CLASSES)[number];
  readonly weight: number;
  readonly flags: number;
  readonly endReason: EndReason;
  /** What it or its killer said; for a fault, error code << 8 | vector. */
  readonly endCode: bigint;
  readonly faultAddress: bigint;
  readonly children: number;
  /** Agents in its tree that are not over, itself included. */
  readonly tree: number;
  readonly depth: number;
  readonly capabilities: number;
  readonly rightsLeft: number;
  readonly messages: number;
  readonly notices: number;
  readonly cpu: number;
  /** Bytes: mapped by it; of its pool, and of those in use. */
  readonly mapped: number;
  readonly quota: number;
  readonly used: number;
  readonly syscalls: number;
  readonly image: number;
  /** Virtual time of the call, ns. */
  readonly time: bigint;
}

export interface Message {
  readonly sender: number;
  /** Which of the sender's messages it is, from 1. */
  readonly sequence: number;
  readonly bytes: Uint8Array;
  /** The capability that came along; 0 for none. */
  readonly capability: number;
}

/** What has become of something that the agent started. */
export type Notice =
  | { readonly kind: "started"; readonly agent: number }
  | {
      readonly kind: "ended";
      readonly agent: number;
      readonly reason: EndReason;
      readonly code: bigint;
    }
  | {
      readonly kind: "completed";
      readonly operation: number;
      readonly status: number;
      readonly value: bigint;
    };

export interface WaitFor {
  /** Capabilities to endpoints and timers; up to 16. */
  readonly on?: readonly number[];
  readonly mailbox?: boolean;
  readonly notices?: boolean;
  /** Virtual time in ns; default never. */
  readonly deadline?: Integer;
}

/** What a wait has ended with. */
export type Woken =
  | { readonly what: "message" }
  | { readonly what: "notice"; readonly notice: Notice }
  /** Place in the list, and what its object says beside (kernel/ipc/flags.ts). */
  | { readonly what: "object"; readonly index: number; readonly detail: number }
  | { readonly what: "deadline" };

export interface Derivation {
  /** Capability to the agent that gets it; default the caller. */
  readonly holder?: number;
  readonly rights?: number;
  /** Virtual time in ns; default the same as the old one's. */
  readonly expiry?: Integer;
  /** For a scope: text that begins with the old one's, and a mask within the old one's. */
  readonly scope?: { readonly bytes: Uint8Array; readonly mask: number };
}

export class Sys extends Births {
  /** How often `receive` is to wait before it looks: messages have been slower than their receiver. */
  private waitsFirst = 0;
  /** Of the message that came last: its header, and the payload when that is small. */
  private readonly told = new Structure(ipc.HEADER_BYTES + LOADED_BYTES);
  /** A message was too large for the scratch page: a refusal that the audit notes, so it is the only one. */
  private hasLarge = false;

  // --- lives ---

  /** What can be known of an agent, also of one that is over. */
  *info(agent: number): Step<AgentInfo> {
    const at = yield* this.scratch();
    yield* this.call("AGENT_INFO", agent, at, layouts.INFO_BYTES);
    return readInfo(new Structure(yield* this.load(at, layouts.INFO_BYTES)));
  }

  /** Virtual time, ns. */
  *now(): Step<bigint> {
    return (yield* this.info(this.self)).time;
  }

  /** Ends an agent and all below it; how many agents that are. */
  *kill(agent: number, code: Integer = 0): Step<number> {
    return (yield* this.call("AGENT_KILL", agent, code)).value;
  }

  /** Ends the caller; nothing comes after it. */
  *exit(code: Integer = 0): Step<never> {
    yield* this.call("AGENT_KILL", this.self, code);
    throw new Error("an agent that has ended goes on");
  }

  *suspend(agent: number): Step<void> {
    yield* this.call("AGENT_SUSPEND", agent);
  }

  *resume(agent: number): Step<void> {
    yield* this.call("AGENT_RESUME", agent);
  }

  /** Gives up all rights but these, for good. */
  *specialize(agent: number, rights: number): Step<void> {
    yield* this.call("AGENT_SPECIALIZE", agent, rights);
  }

  /** Puts an agent into another one: how many mappings and messages have moved. */
  *merge(agent: number, survivor: number): Step<number> {
    return (yield* this.call("AGENT_MERGE", agent, survivor)).value;
  }

  /** Starts another image in an agent; it can be taken back until it is confirmed. */
  *upgrade(agent: number, image: number, argument: Integer = 0): Step<void> {
    yield* this.call("AGENT_UPGRADE", agent, image, UPGRADE_BEGIN, argument);
  }

  *confirmUpgrade(agent: number): Step<void> {
    yield* this.call("AGENT_UPGRADE", agent, 0, UPGRADE_CONFIRM);
  }

  /** Goes back to the image, the registers and the memory before an upgrade. */
  *rollBack(agent: number, reason: Integer = 0): Step<void> {
    yield* this.call("AGENT_UPGRADE", agent, 0, UPGRADE_ROLL_BACK, reason);
  }

  /** A capability to an image of the boot bundle; `kernel` is what the first agent has as argument. */
  *image(name: string, kernel: Integer = this.argument): Step<number> {
    const bytes = new TextEncoder().encode(name);
    const at = yield* this.put(bytes);
    return (yield* this.call("IMAGE_OPEN", kernel, at, bytes.length)).value;
  }

  /** How an agent is scheduled from now on. */
  *schedule(agent: number, schedule: Schedule): Step<void> {
    const structure = new Structure(layouts.SCHEDULE_BYTES);
    writeSchedule(structure, 0, schedule);
    yield* this.call("AGENT_SCHEDULE", agent, yield* this.put(structure.bytes));
  }

  /**
   * How agents are scheduled: for the first agent, before it makes others. `kernel` is what it has as
   * argument; what isn't said is as kernel/sched/defaults.ts has it.
   */
  *configureScheduler(
    { epoch, quantum, foreground, fairReserve, ageing }: SchedulerConfiguration,
    kernel: Integer = this.argument,
  ): Step<void> {
    const longest = quantum ?? DEFAULT_QUANTUM;
    const structure = new Structure(layouts.CONFIGURE_BYTES)
      .setU64(layouts.CONFIGURE_EPOCH, epoch ?? DEFAULT_EPOCH)
      .setU32(layouts.CONFIGURE_QUANTUM, longest)
      .setU32(layouts.CONFIGURE_FOREGROUND, foreground ?? Math.min(DEFAULT_FOREGROUND, longest))
      .setU32(layouts.CONFIGURE_FAIR_RESERVE, fairReserve ?? DEFAULT_FAIR_RESERVE)
      .setU32(layouts.CONFIGURE_AGEING, ageing ?? DEFAULT_AGEING);
    yield* this.call("SCHED_CONFIGURE", kernel, yield* this.put(structure.bytes));
  }

  // --- communication ---

  /** Sends a message to an agent or a queue, with a capability if one is given; its number. */
  *send(to: number, bytes: Uint8Array, capability = 0): Step<number> {
    const { length } = bytes;
    const at = yield* this.room(Math.max(1, length));
    if (length !== 0) yield { store: [at, bytes] };
    const sent = (yield this.operation(SYSCALL_IPC_SEND, [
      to,
      at,
      length,
      0,
      capability,
    ])) as CallReply;
    if (sent.error !== 0) throw new SyscallError("IPC_SEND", sent.error);
    return sent.value;
  }

  /** The next message of the mailbox or a queue; waits until there is one. */
  *receive(from: number = this.self): Step<Message> {
    const header = (yield* this.scratch()) + HEADER;
    let at = header + ipc.HEADER_BYTES;
    let room = SMALL_BYTES;
    if (this.hasLarge) {
      room = MESSAGE_BYTES_MAX;
      at = yield* this.room(room);
    }
    if (this.waitsFirst !== 0) {
      this.waitsFirst -= 1;
      yield* this.content(from);
    }
    while (true) {
      const reply = (yield this.operation(SYSCALL_IPC_RECV, [from, at, room, header])) as CallReply;
      if (reply.error === 0) return yield* this.message(header, at);
      if (reply.error === STATUS_TOO_LARGE) {
        this.hasLarge = true;
        room = MESSAGE_BYTES_MAX;
        at = yield* this.room(room);
      } else {
        this.refusedBut("receive", reply.error, "EMPTY");
        this.waitsFirst = WAITS_FIRST;
        yield* this.content(from);
      }
    }
  }

  /** Waits until the mailbox or a queue has a message. */
  private *content(from: number): Step<void> {
    if (from !== this.self) {
      yield* this.wait({ on: [from] });
      return;
    }
    const args = [from, 0, 0, -1, WAIT_MAILBOX];
    const { error } = (yield this.operation(SYSCALL_WAIT, args)) as CallReply;
    if (error !== 0) throw new SyscallError("wait", error);
  }

  /** The message whose header is at `header` and whose payload, most often behind it, at `at`. */
  private *message(header: number, at: number): Step<Message> {
    const { told } = this;
    yield { load: [header, ipc.HEADER_BYTES + LOADED_BYTES, told.bytes] };
    const length = told.id(ipc.HEADER_PAYLOAD_BYTES);
    const isLoaded = at === header + ipc.HEADER_BYTES && length <= LOADED_BYTES;
    return {
      sender: told.id(ipc.HEADER_SENDER),
      sequence: told.id(ipc.HEADER_SEQUENCE),
      capability: told.id(ipc.HEADER_CAPABILITY),
      bytes: isLoaded
        ? told.bytes.slice(ipc.HEADER_BYTES, ipc.HEADER_BYTES + length)
        : yield* this.load(at, length),
    };
  }

  /** Makes an endpoint: of messages, of bytes, of counts, or a mutex. */
  *endpoint(type: EndpointType, capacity = 1): Step<number> {
    return (yield* this.call("ENDPOINT_CREATE", this.pool, ENDPOINT_TYPES[type], capacity)).value;
  }

  *close(endpoint: number): Step<void> {
    yield* this.call("ENDPOINT_CLOSE", endpoint);
  }

  /** Writes to a pipe: how many bytes it took. */
  *write(pipe: number, bytes: Uint8Array): Step<number> {
    const at = yield* this.room(Math.max(1, bytes.length));
    yield* this.store(at, bytes);
    return (yield* this.call("PIPE_WRITE", pipe, at, bytes.length)).value;
  }

  /** Reads what a pipe has, up to so many bytes. */
  *read(pipe: number, bytes: number): Step<Uint8Array> {
    const at = yield* this.room(bytes);
    const { value } = yield* this.call("PIPE_READ", pipe, at, bytes);
    return yield* this.load(at, value);
  }

  /** Counts an event up, or releases a mutex. */
  *signal(endpoint: number, count = 1): Step<void> {
    yield* this.call("EVENT_SIGNAL", endpoint, count);
  }

  /** Waits for the first of several things. */
  *wait(options: WaitFor): Step<Woken> {
    const { on = [], deadline = NEVER } = options;
    const scratch = yield* this.scratch();
    if (on.length !== 0) {
      const list = new Structure(8 * on.length);
      on.forEach((capability, index) => {
        list.setU64(8 * index, capability);
      });
      yield* this.store(scratch, list.bytes);
    }
    const flags = (options.mailbox ? WAIT_MAILBOX : 0) | (options.notices ? WAIT_NOTICES : 0);
    const notice = options.notices ? scratch + NOTICE : 0;
    const reply = yield* this.attempt(
      "WAIT",
      this.self,
      scratch,
      on.length,
      deadline,
      flags,
      notice,
    );
    if (reply.error !== 0) {
      this.refusedBut("wait", reply.error, "TIMED_OUT");
      return { what: "deadline" };
    }
    const index = Number(reply.bits & 0xffff_ffffn);
    if (index === READY_MAILBOX) return { what: "message" };
    if (index !== READY_NOTICE) return { what: "object", index, detail: Number(reply.bits >> 32n) };
    const told = new Structure(yield* this.load(notice, ipc.NOTICE_BYTES));
    return { what: "notice", notice: readNotice(told) };
  }

  /** Waits for the next notice. */
  *notice(): Step<Notice> {
    const woken = yield* this.wait({ notices: true });
    if (woken.what !== "notice") throw new Error(`a wait for notices ended with ${woken.what}`);
    return woken.notice;
  }

  /** Waits for the end of a child; other notices are passed over. */
  *ended(child: number): Step<Notice & { readonly kind: "ended" }> {
    while (true) {
      const notice = yield* this.notice();
      if (notice.kind === "ended" && notice.agent === child) return notice;
    }
  }

  /** Does nothing for so many nanoseconds. */
  *sleep(nanoseconds: Integer): Step<void> {
    yield* this.sleepUntil((yield* this.now()) + BigInt(nanoseconds));
  }

  /** Does nothing until a time, ns. */
  *sleepUntil(time: Integer): Step<void> {
    yield* this.wait({ deadline: time });
  }

  /** Lets others go first whose turn it could be. */
  *yield(): Step<void> {
    yield* this.call("YIELD", this.self);
  }

  /** A timer: expires at `first`, ns, and then each `period`. With `timer` it sets an old one anew. */
  *timer(first: Integer, period: Integer = 0, timer = 0): Step<number> {
    return (yield* this.call("TIMER_SET", this.self, timer, first, period)).value;
  }

  /** Lets an agent run on the caller's time until it sends to the caller, or the deadline. */
  *donate(to: number, deadline: Integer = NEVER): Step<void> {
    yield* this.call("DONATE_TO", to, deadline);
  }

  // --- authority ---

  /** A capability with at most the rights, time and scope of another one. */
  *derive(from: number, options: Derivation = {}): Step<number> {
    const { holder = 0, rights = RIGHTS_ALL, expiry = 0, scope } = options;
    const wanted = new Structure(cap.DERIVE_BYTES)
      .setU64(cap.DERIVE_HOLDER, holder)
      .setU32(cap.DERIVE_RIGHTS, rights)
      .setU64(cap.DERIVE_EXPIRY, expiry);
    if (scope) {
      wanted.setU32(cap.DERIVE_MASK, scope.mask).setU32(cap.DERIVE_SCOPE_BYTES, scope.bytes.length);
      wanted.bytes.set(scope.bytes.subarray(0, 32), cap.DERIVE_SCOPE);
    }
    return (yield* this.call("CAP_DERIVE", from, yield* this.put(wanted.bytes))).value;
  }

  /** Takes the authority of all that was derived from a capability; how many there were. */
  *revoke(capability: number): Step<number> {
    return (yield* this.call("CAP_REVOKE", capability, cap.REVOKE_DESCENDANTS)).value;
  }

  /** Gives a capability up, and with it all that was derived from it. */
  *drop(capability: number): Step<number> {
    return (yield* this.call("CAP_REVOKE", capability, cap.REVOKE_ITSELF)).value;
  }

  /** A pool of so many bytes, cut out of another one. */
  *createPool(bytes: Integer, from: number = this.pool): Step<number> {
    return (yield* this.call("AGENT_POOL_ALLOC", from, bytes)).value;
  }

  /** Bytes of the agent's own random stream; up to 256. */
  *random(bytes: number): Step<Uint8Array> {
    const at = yield* this.scratch();
    yield* this.call("RANDOM_GET", this.self, at, bytes);
    return yield* this.load(at, bytes);
  }
}

function readInfo(info: Structure): AgentInfo {
  return {
    id: info.id(layouts.INFO_ID),
    parent: info.id(layouts.INFO_PARENT),
    state: STATES[info.u32(layouts.INFO_STATE)] ?? "none",
    class: CLASSES[info.u32(layouts.INFO_CLASS)] ?? "fair",
    weight: info.u32(layouts.INFO_WEIGHT),
    flags: info.u32(layouts.INFO_FLAGS),
    endReason: ENDS[info.u32(layouts.INFO_END_REASON)] ?? "none",
    endCode: info.u64(layouts.INFO_END_CODE),
    faultAddress: info.u64(layouts.INFO_FAULT_ADDRESS),
    children: info.u32(layouts.INFO_CHILDREN),
    tree: info.id(layouts.INFO_TREE),
    depth: info.u32(layouts.INFO_DEPTH),
    capabilities: info.u32(layouts.INFO_CAPABILITIES),
    rightsLeft: info.u32(layouts.INFO_RIGHTS_LEFT),
    messages: info.u32(layouts.INFO_MESSAGES),
    notices: info.u32(layouts.INFO_NOTICES),
    cpu: info.u32(layouts.INFO_CPU),
    mapped: info.id(layouts.INFO_MAPPED),
    quota: info.id(layouts.INFO_QUOTA),
    used: info.id(layouts.INFO_USED),
    syscalls: info.id(layouts.INFO_SYSCALLS),
    image: info.id(layouts.INFO_IMAGE),
    time: info.u64(layouts.INFO_TIME),
  };
}

function readNotice(told: Structure): Notice {
  const subject = told.id(ipc.NOTICE_SUBJECT);
  const status = told.id(ipc.NOTICE_STATUS);
  const value = told.u64(ipc.NOTICE_VALUE);
  switch (told.id(ipc.NOTICE_KIND)) {
    case notices.NOTICE_STARTED:
      return { kind: "started", agent: subject };
    case notices.NOTICE_ENDED:
      return { kind: "ended", agent: subject, reason: ENDS[status] ?? "none", code: value };
    default:
      return { kind: "completed", operation: subject, status, value };
  }
}

/**
 * A program for `machine.agents.program`: it ends in order, with code 0, when the function returns.
 * What it throws and doesn't catch is a fault of the agent, which ends it.
 */
export function agent(run: (sys: Sys) => Step<unknown>): ProgramFunction {
  return function* (start: AgentStart) {
    const sys = new Sys(start);
    yield* run(sys);
    yield* sys.exit(0);
  };
}
