/**
 * The first agent. It starts the services, starts again what ends, and introduces them to each other; for
 * the orchestrator it makes the shards of projects. It decides nothing else: what it does not do can't go
 * wrong in it, and when it ends the system does.
 *
 *   init ─┬─ logs, orchestrator, gateway, …
 *         └─ shards of projects ─── agents
 *
 * Agents aren't below the orchestrator, so that they go on when that one ends.
 */
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import type { Child, Grant } from "../../sdk/agent/births.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Notice } from "../../sdk/agent/notices.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import { introduction } from "../host/peers.ts";
import { answering, type Method } from "../host/rpc.ts";
import { Tasks, type Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import { encode } from "../messages/json.ts";
import {
  type Handles,
  type ServiceState,
  SHARD_PEER,
  type ShardEnded,
  type ShardSpec,
  type SystemState,
} from "../messages/system.ts";
import { imageBytes, SERVICES, type ServiceSpec } from "./services.ts";
import { type Shard, Shards } from "./shards.ts";

/** A service that ends so often within this time is not started again, and the system ends. */
const RESTARTS_MAX = 10;
const RESTARTS_WITHIN_NS = 60_000_000_000n;
const PAUSE_FIRST_NS = 10_000_000n;
const PAUSE_LONGEST_NS = 5_000_000_000n;
const ORCHESTRATOR = "orchestrator";

/** A service that runs. */
interface Running {
  readonly child: Child;
  /** Capability to it that can do no more than send, of which those of all that know it are derived. */
  readonly sends: number;
}

export const initProgram = agent(function* (sys) {
  yield* new Init(sys).run();
});

class Init {
  private readonly sys: Sys;
  private readonly tasks: Tasks;
  private readonly services = new Map<string, Running>();
  private readonly shards: Shards;
  private readonly ends = new Map<string, bigint[]>();
  private readonly restarts = new Map<string, number>();

  constructor(sys: Sys) {
    this.sys = sys;
    this.tasks = new Tasks(sys);
    this.shards = new Shards(sys);
  }

  *run(): Step<never> {
    this.tasks.start(this.startAll());
    const { shards } = this;
    const answer = answering(this.tasks, {
      "shard.open": this.forOrchestrator((spec) => this.openShard(spec as ShardSpec)),
      "project.list": this.forOrchestrator(() => shards.list()),
      "project.close": this.forOrchestrator((spec) =>
        shards.close((spec as { project: string }).project),
      ),
      status: this.forOrchestrator(() => this.status()),
    });
    return yield* this.tasks.run({ message: answer, notice: (it) => this.heard(it) });
  }

  private forOrchestrator(run: (params: unknown) => Work<unknown>): Method {
    const { services } = this;
    return function* (params, { sender }) {
      if (sender !== services.get(ORCHESTRATOR)?.child.id)
        throw new RequestError("denied", "only the orchestrator may ask for that");
      return yield* run(params);
    };
  }

  private *startAll(): Work<void> {
    for (const service of SERVICES) yield* this.start(service);
  }

  /** No pause may be in here: whoever hears of a service before it does could ask it too early. */
  private *start(service: ServiceSpec): Work<void> {
    const { sys } = this;
    const { name, quota } = service;
    const given = yield* this.grantsOf(service);
    const grants = given.map(([, grant]) => grant);
    const image = yield* sys.image(name);
    const child = yield* sys.spawn({ image, quota, grants });
    yield* sys.drop(image);
    const sends = yield* sys.derive(child.capability, { rights: RIGHT_SEND | RIGHT_DERIVE });
    this.services.set(name, { child, sends });
    const named = given.map(([handle], at) => [handle, child.grants[at] ?? 0]);
    const more = service.images ? { poolBytes: yield* this.imageBytes() } : {};
    const handles: Handles = { kernel: 0, scopes: 0, ...more, ...Object.fromEntries(named) };
    yield* sys.send(child.capability, encode(handles));
    for (const peer of service.peers) yield* this.introduce(peer, child);
    for (const other of SERVICES) {
      const knows = this.services.get(other.name);
      if (knows && other.peers.includes(name)) yield* this.introduce(name, knows.child);
    }
    for (const shard of this.shards.children()) yield* this.introduce(name, shard);
  }

  /** What a service is given, each with its name among its handles. */
  private *grantsOf({ kernel, scopes, images }: ServiceSpec): Work<[keyof Handles, Grant][]> {
    const { sys } = this;
    const given: [keyof Handles, Grant][] = [];
    if (kernel) given.push(["kernel", { capability: Number(sys.argument), rights: kernel }]);
    if (scopes) given.push(["scopes", { capability: sys.allScopes }]);
    if (images) {
      this.imagePool ||= yield* sys.createPool(yield* this.imageBytes());
      given.push(["pool", { capability: this.imagePool }]);
    }
    return given;
  }

  private imagePool = 0;
  private *imageBytes(): Work<number> {
    return imageBytes((yield* this.sys.kernelInfo(Number(this.sys.argument))).memory);
  }

  /** Tells an agent who a service is. One that has just ended or is too busy hears of it no more. */
  private *introduce(peer: string, to: Child): Work<void> {
    const { sys } = this;
    const it = this.services.get(peer);
    const known = peer === "init" ? { id: sys.id, sends: yield* this.ownSends() } : null;
    const { id, sends } = known ?? { id: it?.child.id ?? 0, sends: it?.sends ?? 0 };
    if (sends) yield* this.tell(to, introduction(peer, id), sends);
  }

  private sendsToItself = 0;
  private *ownSends(): Work<number> {
    const { sys } = this;
    this.sendsToItself ||= yield* sys.derive(sys.self, { rights: RIGHT_SEND | RIGHT_DERIVE });
    return this.sendsToItself;
  }

  private *tell(to: Child, bytes: Uint8Array, capability = 0): Work<void> {
    try {
      yield* this.sys.send(to.capability, bytes, capability);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
  }

  private *heard(notice: Notice): Work<void> {
    if (notice.kind !== "ended") return;
    const shard = yield* this.shards.ended(notice.agent);
    const orchestrator = this.services.get(ORCHESTRATOR);
    if (shard && orchestrator) {
      const told: ShardEnded = { shardEnded: { ...shard, id: notice.agent } };
      yield* this.tell(orchestrator.child, encode(told));
    }
    for (const service of SERVICES)
      if (this.services.get(service.name)?.child.id === notice.agent) yield* this.again(service);
  }

  /** Starts a service that has ended once more, after a pause that doubles. */
  private *again(service: ServiceSpec): Work<void> {
    const { sys, ends, restarts } = this;
    const { name } = service;
    const running = this.services.get(name);
    this.services.delete(name);
    if (running) {
      yield* sys.drop(running.sends);
      yield* sys.drop(running.child.capability);
    }
    const now = yield* sys.now();
    const lately = (ends.get(name) ?? []).filter((at) => now - at < RESTARTS_WITHIN_NS);
    ends.set(name, [...lately, now]);
    restarts.set(name, (restarts.get(name) ?? 0) + 1);
    if (lately.length >= RESTARTS_MAX) yield* sys.exit(1);
    const pause = PAUSE_FIRST_NS << BigInt(lately.length);
    yield* this.tasks.sleep(pause < PAUSE_LONGEST_NS ? pause : PAUSE_LONGEST_NS);
    yield* this.start(service);
  }

  /** Makes a shard unless it is there. A new one and those whom it needs are introduced to each other. */
  private *openShard(spec: ShardSpec): Work<unknown> {
    const { made, answer } = yield* this.shards.open(spec);
    if (!made) return answer;
    for (const peer of [ORCHESTRATOR, "logs", "files"]) yield* this.introduce(peer, made.child);
    for (const other of this.shards.besides(made)) {
      yield* this.introduceShard(other, made);
      yield* this.introduceShard(made, other);
    }
    return answer;
  }

  private *introduceShard({ shard, child, sends }: Shard, to: Shard): Work<void> {
    yield* this.tell(to.child, introduction(SHARD_PEER + shard, child.id), sends);
  }

  private *status(): Work<SystemState> {
    const states: ServiceState[] = [];
    for (const { name } of SERVICES) {
      const running = this.services.get(name);
      const info = running && (yield* this.sys.info(running.child.capability));
      states.push({
        name,
        agent: running?.child.id ?? null,
        restarts: this.restarts.get(name) ?? 0,
        memory: info?.used ?? 0,
      });
    }
    const { sys } = this;
    const { memory: total, used, free, cpus, busy } = yield* sys.kernelInfo(Number(sys.argument));
    const cpu = { processors: cpus, busy: Number(busy) };
    return { services: states, memory: { total, used, free }, cpu };
  }
}
