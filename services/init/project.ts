/**
 * A project: the parent of its agents, and what pays for them. It starts, copies and ends what the
 * orchestrator says, and keeps what has to last as long as they do: their pipes and what they may do.
 */
import { RIGHT_DERIVE, RIGHT_RECEIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import type { Child, Schedule } from "../../sdk/agent/births.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Message } from "../../sdk/agent/messages.ts";
import type { Notice } from "../../sdk/agent/notices.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import { Peers } from "../host/peers.ts";
import { answering } from "../host/rpc.ts";
import { Tasks, type Work } from "../host/tasks.ts";
import type { Limits } from "../messages/api.ts";
import type { Birth } from "../messages/birth.ts";
import { RequestError } from "../messages/errors.ts";
import { decode, encode } from "../messages/json.ts";
import { parseCapability, scopeOf } from "../messages/scope.ts";
import type { Handles, Member, SpawnSpec, StreamGiven } from "../messages/system.ts";

const PIPE_BYTES = 16 * 1024;
/** Of a CPU's time, for agents with a guaranteed share. */
const PERIOD_NS = 10_000_000;

interface Held {
  readonly uid: string;
  readonly child: Child;
  readonly pipes: readonly number[];
  end: Member["end"];
}

export const projectProgram = agent(function* (sys) {
  const handles = decode((yield* sys.receive()).bytes) as Handles;
  const { parent } = yield* sys.info(sys.self);
  yield* new Project(sys, handles, parent).run();
});

class Project {
  private readonly sys: Sys;
  private readonly handles: Handles;
  private readonly tasks: Tasks;
  private readonly peers: Peers;
  private readonly held = new Map<string, Held>();

  constructor(sys: Sys, handles: Handles, parent: number) {
    this.sys = sys;
    this.handles = handles;
    this.tasks = new Tasks(sys);
    this.peers = new Peers(parent);
  }

  *run(): Step<never> {
    const answer = answering(this.tasks, {
      spawn: (params) => this.spawn(params as SpawnSpec),
      list: () => this.list(),
      kill: (params) => this.kill(params as { uid: string; code: number }),
      forget: (params) => this.forget(params as { uid: string }),
      info: (params) => this.info(params as { uid: string }),
    });
    const { peers } = this;
    return yield* this.tasks.run({
      *message(message: Message) {
        if (peers.hear(message)) return;
        if (peers.has("orchestrator", message.sender)) yield* answer(message);
      },
      notice: (notice) => this.heard(notice),
    });
  }

  private *spawn(spec: SpawnSpec): Work<Member> {
    const { sys, held } = this;
    if (held.has(spec.uid))
      throw new RequestError("exists", `${spec.name} has been started already`);
    const out = yield* sys.endpoint("pipe", PIPE_BYTES);
    const error = yield* sys.endpoint("pipe", PIPE_BYTES);
    const image = yield* sys.image(spec.runtime, this.handles.kernel);
    const child = yield* sys.spawn({
      image,
      quota: spec.limits.memory,
      grants: [out, error].map((capability) => ({ capability, rights: RIGHT_SEND })),
      ...scheduleOf(spec.limits),
    });
    yield* sys.drop(image);
    held.set(spec.uid, { uid: spec.uid, child, pipes: [out, error], end: null });
    yield* this.giveStream(spec.uid, "stdout", out);
    yield* this.giveStream(spec.uid, "stderr", error);
    const [stdout = null, stderr = null] = child.grants;
    const birth: Birth = {
      args: [spec.name, ...spec.args],
      env: { ...spec.env },
      streams: [null, stdout, stderr],
      capabilities: yield* this.capabilities(spec, child),
      code: spec.code,
    };
    yield* sys.send(child.capability, encode(birth));
    return { uid: spec.uid, agent: child.id, end: null };
  }

  private *capabilities(spec: SpawnSpec, child: Child): Work<Birth["capabilities"]> {
    const given: { text: string; handle: number }[] = [];
    for (const text of spec.capabilities) {
      const scope = scopeOf(parseCapability(text));
      const holder = child.capability;
      given.push({ text, handle: yield* this.sys.derive(this.handles.scopes, { holder, scope }) });
    }
    return given;
  }

  private *giveStream(uid: string, stream: "stdout" | "stderr", pipe: number): Work<void> {
    const { sys } = this;
    const logs = yield* this.peers.get("logs");
    const reads = yield* sys.derive(pipe, { rights: RIGHT_RECEIVE | RIGHT_DERIVE });
    const given: StreamGiven = { stream, uid };
    yield* sys.send(logs.capability, encode(given), reads);
  }

  private *list(): Work<Member[]> {
    return [...this.held.values()].map(({ uid, child, end }) => ({ uid, agent: child.id, end }));
  }

  private *kill({ uid, code }: { uid: string; code: number }): Work<number> {
    return yield* this.sys.kill(this.find(uid).child.capability, code);
  }

  private *info({ uid }: { uid: string }): Work<unknown> {
    const info = yield* this.sys.info(this.find(uid).child.capability);
    return { memory: info.used, syscalls: info.syscalls, kernelState: info.state, cpuTime: 0 };
  }

  /** The orchestrator has seen the end of it. */
  private *forget({ uid }: { uid: string }): Work<void> {
    const { child, pipes, end } = this.find(uid);
    if (!end) throw new RequestError("wrong-state", "it is not over");
    for (const pipe of pipes) yield* this.sys.close(pipe);
    yield* this.sys.drop(child.capability);
    this.held.delete(uid);
  }

  private find(uid: string): Held {
    const held = this.held.get(uid);
    if (!held) throw new RequestError("not-found", "the project has no such agent");
    return held;
  }

  private *heard(notice: Notice): Work<void> {
    if (notice.kind !== "ended") return;
    for (const held of this.held.values()) {
      if (held.child.id !== notice.agent) continue;
      held.end = { reason: notice.reason, code: Number(notice.code & 0xffn) };
      const { capability } = yield* this.peers.get("orchestrator");
      const member: Member = { uid: held.uid, agent: held.child.id, end: held.end };
      yield* this.sys.send(capability, encode({ ended: member, project: this.handles.name }));
    }
  }
}

function scheduleOf({ cpu, weight }: Limits): Schedule {
  if (cpu === undefined) return { class: "fair", weight };
  return { class: "realtime", budget: Math.round(PERIOD_NS * cpu), period: PERIOD_NS };
}
