/**
 * A shard of a project: the parent of its agents. It starts, copies and ends what the orchestrator says, and
 * keeps what has to last as long as they do: their pipes, and what their capabilities are derived from.
 *
 * It goes on when the orchestrator ends. A new one asks it for its members.
 */
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Message } from "../../sdk/agent/messages.ts";
import type { Notice } from "../../sdk/agent/notices.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import { Locks } from "../host/locks.ts";
import { Outcome } from "../host/outcome.ts";
import { type Peer, Peers } from "../host/peers.ts";
import { answering, Caller, type Method, sendPatiently } from "../host/rpc.ts";
import { giveUp, Tasks, type Work } from "../host/tasks.ts";
import { Watches } from "../host/watches.ts";
import type { Limits, Usage } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import { decode, encode } from "../messages/json.ts";
import {
  type Handles,
  type InputSpec,
  lifeKey as keyOf,
  type Life,
  type Meant,
  type Member,
  type MemberEnded,
  type Parcel,
  SHARD_PEER,
  type SpawnSpec,
} from "../messages/system.ts";
import { Births, type Born, STREAMS, scheduleOf } from "./births.ts";
import { Grants } from "./grants.ts";
import { Input } from "./input.ts";
import { type Linked, Links } from "./links.ts";
import { giveFiles } from "./news.ts";
import { admitted } from "./paid.ts";
import { askUnbelieved } from "./probe.ts";
import { requireNoWriting, Storage } from "./storage.ts";
import { type Other, Streams } from "./streams.ts";

/** The end of an agent is told when its last lines are kept, but so much later at most. */
const LAST_LINES_NS = 1_000_000_000n;
/** What must not happen while an agent is half born. */
const BIRTHS = "births";

interface Held extends Life, Born, Linked {
  readonly input: Input | null;
  paused: boolean;
  end: Member["end"];
  /** Streams that have not been read to their ends. */
  open: number;
  forgotten: boolean;
  /** Who waits for its streams. */
  readonly wakes: Map<string, () => void>;
  /** Its streams have been read to their ends, or nobody waits for that any longer. */
  readonly read: Outcome<void>;
}

export const projectProgram = agent(function* (sys) {
  const handles = decode((yield* sys.receive()).bytes) as Handles;
  const { parent } = yield* sys.info(sys.self);
  yield* new Shard(sys, handles, parent).run();
});

class Shard {
  private readonly sys: Sys;
  private readonly tasks: Tasks;
  private readonly peers: Peers;
  private readonly caller: Caller;
  private readonly grants: Grants;
  private readonly births: Births;
  private readonly storage: Storage;
  private readonly watches: Watches;
  private readonly links: Links;
  private readonly locks = new Locks();
  private readonly streams: Streams;
  /** Capabilities that have come for a request. */
  private readonly parcels = new Map<string, number>();
  private readonly held = new Map<string, Held>();
  private readonly byAgent = new Map<number, Held>();

  constructor(sys: Sys, handles: Handles, parent: number) {
    this.sys = sys;
    this.tasks = new Tasks(sys);
    this.peers = new Peers(this.tasks, parent);
    this.caller = new Caller(this.tasks, this.peers);
    const { tasks, peers, caller } = this;
    const find = (life: Life) => {
      const held = this.held.get(keyOf(life));
      return held?.end ? undefined : held;
    };
    this.links = new Links({ tasks, peers, caller, find });
    this.grants = new Grants(sys, handles.scopes, {
      image: (parcel) => this.taken(parcel),
      sender: (to) => this.links.sender(to),
    });
    const storage = new Storage(sys, caller, handles.scopes);
    this.storage = storage;
    const { grants } = this;
    // The project's pool pays for its agents.
    this.births = new Births({ tasks, grants, storage, pool: handles.pool ?? sys.pool });
    this.peers.onIntroduction((name, now, before) => {
      if (name === "files" && before) this.tasks.start(this.giveFiles(now));
    });
    this.watches = new Watches(this.tasks);
    this.streams = new Streams(this.tasks, this.caller, this.watches);
    this.peers.onIntroduction((name) => {
      if (name === "orchestrator") this.tasks.start(this.dropParcels());
    });
  }

  *run(): Step<never> {
    const { sys, peers } = this;
    const of = (run: (held: Held, params: never) => Work<unknown>): Method => {
      const find = (life: Life) => this.find(life);
      return function* (params) {
        return yield* run(find(params as Life), params as never);
      };
    };
    const { parcels, tasks } = this;
    const answer = answering(this.tasks, {
      // Whoever asks for the list knows then of all whose start has been asked for.
      spawn: (params) => this.locks.hold(BIRTHS, this.spawn(params as SpawnSpec)),
      list: () => this.locks.hold(BIRTHS, this.list()),
      kill: of((held, { code }: { code: number }) => sys.kill(held.child.capability, code)),
      suspend: of((held) => this.locks.hold(BIRTHS, this.pause(held, true))),
      resume: of((held) => this.locks.hold(BIRTHS, this.pause(held, false))),
      schedule: of((held, { limits }: { limits: Limits }) =>
        admitted(sys.schedule(held.child.capability, scheduleOf(limits)), limits.cpu),
      ),
      tell: of((held, { message }: { message: unknown }) =>
        sys.send(held.child.capability, encode(message)),
      ),
      grant: of((held, { text, meant }: { text: string; meant?: Meant }) =>
        this.grant(held, text, meant),
      ),
      link: of((held, { text, meant }: { text: string; meant: Meant }) =>
        this.links.renew(this.grants, held, text, meant),
      ),
      revoke: of((held, { text }: { text: string }) => this.grants.revoke(held.granted, text)),
      caps: of((held) => this.caps(held)),
      info: of((held) => this.info(held)),
      probe: of((held, { timeout }: { timeout: number }) => this.probe(held, timeout)),
      forget: of((held) => this.forget(held)),
      input: of((held, spec: InputSpec) => this.input(held, spec)),
    });
    const answerShard = answering(this.tasks, {
      sender: (life) => this.links.lend(life as Life),
    });
    return yield* this.tasks.run({
      *message(message: Message) {
        const peer = peers.nameOf(message.sender);
        if (peer?.startsWith(SHARD_PEER)) yield* answerShard(message);
        if (peer !== "orchestrator") return;
        const { parcel } = (decode(message.bytes) ?? {}) as Partial<Parcel>;
        if (parcel === undefined) yield* answer(message);
        else parcels.set(parcel, tasks.keep(message));
      },
      notice: (notice) => this.heard(notice),
    });
  }

  private *spawn(spec: SpawnSpec): Work<Member> {
    const { uid, run } = spec;
    const key = keyOf(spec);
    const image = this.taken(key);
    try {
      if (this.held.has(key)) throw new RequestError("exists", `${spec.name} has been started`);
      const heir = spec.heir && this.find(spec.heir);
      const original = spec.original && this.find(spec.original);
      const files = (yield* this.peers.get("files")).capability;
      const origin = { image, original, heir: heir?.granted };
      const born = yield* this.births.make(spec, origin, files);
      return this.hold({ uid, run }, born, { paused: spec.paused, heir });
    } finally {
      // The agent keeps its image. What else came for it has been taken, or isn't needed any more.
      const left = spec.capabilities.map((text) => this.taken(`${key} ${text}`));
      for (const capability of [image, ...left])
        if (capability) yield* giveUp(this.sys, capability);
    }
  }

  /** One that has been born is a member. */
  private hold(life: Life, born: Born, given: Pick<Held, "paused" | "heir">): Member {
    const { tasks, watches } = this;
    const { child, pipes, stdin } = born;
    const it: Held = {
      ...{ ...life, ...born, ...given },
      input: stdin === 0 ? null : new Input(tasks, watches, stdin),
      end: null,
      open: pipes.length,
      forgotten: false,
      wakes: new Map(),
      read: new Outcome(),
    };
    this.held.set(keyOf(life), it);
    this.byAgent.set(child.id, it);
    for (const [n, stream] of STREAMS.entries())
      tasks.start(this.follow(it, stream, pipes[n] ?? 0));
    return memberOf(it);
  }

  private *follow(held: Held, stream: (typeof STREAMS)[number], pipe: number): Work<void> {
    const { uid, run } = held;
    yield* this.streams.follow({ uid, run }, stream, pipe, otherEnd(held, stream));
    held.open--;
    if (held.open === 0) held.read.resolve();
    yield* this.clear(held);
  }

  /** How much of what a client gives it an agent's standard input has taken. @throws RequestError wrong-state */
  private *input(held: Held, spec: InputSpec): Work<number> {
    const { input } = held;
    if (!input) throw new RequestError("wrong-state", "it has been started without an input");
    const taken = yield* input.write(spec, otherEnd(held, "stdin"));
    if (input.isEnding) this.tasks.start(input.close(otherEnd(held, "stdin")));
    return taken;
  }

  private *list(): Work<Member[]> {
    return [...this.held.values()].filter(({ forgotten }) => !forgotten).map(memberOf);
  }

  private *pause(held: Held, paused: boolean): Work<void> {
    const { capability } = held.child;
    yield* paused ? this.sys.suspend(capability) : this.sys.resume(capability);
    held.paused = paused;
  }

  /** It is told of what it is given, and has it with that message. */
  private *grant(held: Held, text: string, meant?: Meant): Work<void> {
    if (held.counted) requireNoWriting(text);
    const given = yield* this.grants.take(text, meant);
    try {
      if (given.own) yield* this.links.tell(held, given);
    } catch (error) {
      yield* this.grants.dropAll([given]);
      throw error;
    }
    held.granted.push(given);
  }

  private *caps({ granted }: Held): Work<unknown> {
    return granted.map(({ text, handle }) => ({ text, handle }));
  }

  private *info(held: Held): Work<Usage> {
    const info = yield* this.sys.info(held.child.capability);
    const { used: memory, capabilities: handles, messages, syscalls, state, tree } = info;
    const kernel = { kernelState: state, codeDigest: `sha256:${info.digest}` };
    const storage = held.counted ? { storage: yield* this.storage.used(held) } : {};
    const ran = { syscalls, cpuTime: Number(info.ran), tree };
    return { memory, handles, messages, ...ran, ...storage, ...kernel };
  }

  /** Asks an agent whether it is well; throws unless it answers in time, seconds. */
  private *probe({ child }: Held, timeout: number): Work<void> {
    const { tasks, watches } = this;
    const question = { method: "health", params: {} };
    yield* askUnbelieved({ tasks, watches }, child.capability, question, timeout);
  }

  /** The orchestrator has seen the end of it. */
  private *forget(held: Held): Work<void> {
    if (!held.end) throw new RequestError("wrong-state", "it is not over");
    held.forgotten = true;
    yield* this.clear(held);
  }

  /** Nobody needs it any more once its streams have been read and its end is known. */
  private *clear(held: Held): Work<void> {
    if (!held.forgotten || held.open > 0) return;
    this.held.delete(keyOf(held));
    yield* this.births.release(held);
    yield* this.links.forget(held);
  }

  /** A capability that has come for a request; 0 for none. From now on it isn't there any more. */
  private taken(parcel: string): number {
    const capability = this.parcels.get(parcel) ?? 0;
    this.parcels.delete(parcel);
    return capability;
  }

  /** What an orchestrator that is over had sent is for no request any more. */
  private *dropParcels(): Work<void> {
    const unused = [...this.parcels.values()];
    this.parcels.clear();
    for (const parcel of unused) yield* giveUp(this.sys, parcel);
  }

  /** There is another service for files. */
  private *giveFiles({ capability }: Peer): Work<void> {
    for (const held of this.held.values())
      if (!held.end) yield* giveFiles(this.sys, held, capability);
  }

  private find(life: Life): Held {
    const held = this.held.get(keyOf(life));
    if (!held) throw new RequestError("not-found", "the project has no such agent");
    return held;
  }

  private *heard(notice: Notice): Work<void> {
    if (notice.kind !== "ended") return;
    const held = this.byAgent.get(notice.agent);
    if (!held) return;
    this.byAgent.delete(notice.agent);
    held.end = { reason: notice.reason, code: Number(notice.code & 0xffn) };
    for (const wake of held.wakes.values()) wake();
    if (held.input && !held.input.isEnding)
      this.tasks.start(held.input.close(otherEnd(held, "stdin")));
    this.tasks.alarm((yield* this.sys.now()) + LAST_LINES_NS, () => held.read.resolve());
    yield* held.read.wait();
    const told: MemberEnded = { ended: memberOf(held) };
    while (!(yield* this.report(encode(told))));
  }

  /** Whether it was said, or needn't be: a new orchestrator asks for the members. */
  private *report(bytes: Uint8Array): Work<boolean> {
    try {
      const { capability } = yield* this.peers.get("orchestrator");
      yield* sendPatiently(this.tasks, capability, bytes);
      return true;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      return error.status !== "FULL" && error.status !== "QUOTA";
    }
  }
}

/** An agent as the other end of one of its pipes. */
const otherEnd = (held: Held, stream: string): Other => ({
  isOver: () => held.end !== null,
  onEnd: (wake) => void held.wakes.set(stream, wake),
});

function memberOf({ uid, run, child, paused, end }: Held): Member {
  return { uid, run, agent: child.id, paused, end };
}
