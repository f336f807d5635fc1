/**
 * Lives of agents: they start, end, and are started again. What runs follows what is wanted:
 *
 *   waiting ──▶ starting ──▶ running ◀──▶ paused
 *      ▲                        │ end
 *      └──── policy: again ─────┴──── policy: no ──▶ exited, lost
 *
 * A start is recorded when it has happened. If the machine stops before, nothing has; if the orchestrator
 * ends before, its next life finds an agent of which there is no record, and ends it.
 */
import type { Locks } from "../host/locks.ts";
import type { Tasks, Work } from "../host/tasks.ts";
import type { Agent } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import type { Member, SpawnSpec } from "../messages/system.ts";
import { type Fleet, unlessOver } from "./fleet.ts";
import type { Images, Runnable } from "./images.ts";
import type { KernelImages } from "./kernel-images.ts";
import type { Ledger } from "./ledger.ts";
import { Links } from "./links.ts";
import { type AgentRecord, isLive, keyOf, lifeOf, roomOf } from "./record.ts";
import { type End, verdict } from "./restarts.ts";

export interface SupervisorParts {
  readonly tasks: Tasks;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly locks: Locks;
  readonly images: Images;
  readonly kernelImages: KernelImages;
  /** Makes code ready to run. @throws Error when it can't be */
  prepare(image: Runnable): Promise<void>;
  /** Programs of the host that agents may be. */
  readonly hostPrograms: readonly string[];
  /** An agent has begun a life, or one was found. */
  onLife(record: AgentRecord): void;
}

/** Where what a new agent is comes from, if not from its image alone. */
export interface From {
  /** Whose capabilities its own are derived from. */
  readonly heir?: AgentRecord;
  /** Of which it is a clone. */
  readonly original?: AgentRecord;
  /** Name of a state that it goes on from. */
  readonly state?: string;
}

/** The end of what ran when the machine was turned off. */
export const LOST: End = { reason: "lost", code: 0 };
const WHY_LOST = "the system was stopped while it ran";
const RUN_BYTES = 6;

export class Supervisor {
  readonly links: Links;
  private readonly parts: SupervisorParts;
  private resting = false;

  constructor(parts: SupervisorParts) {
    this.parts = parts;
    this.links = new Links(parts, (image) => this.ready(image));
  }

  /** The system is about to be turned off: nothing is started any more. What is due then is due the next time. */
  rest(): void {
    this.resting = true;
  }

  /** Does work on an agent while nobody else does. */
  *exclusively<T>(named: { project: string; name: string }, work: Work<T>): Work<T> {
    return yield* this.parts.locks.hold(keyOf(named), work);
  }

  /**
   * Starts an agent. The caller has its lock.
   * @throws RequestError what its shard, the kernel or its image says against it; nothing has changed then
   */
  *launch(record: AgentRecord, kind = "agent.started", from: From = {}): Work<AgentRecord> {
    if (this.resting) throw new RequestError("unavailable", "the system is being stopped");
    const { ledger, fleet, tasks, images } = this.parts;
    const key = keyOf(record.view);
    const before = ledger.agents.get(key);
    const starting: AgentRecord["view"] = { ...record.view, state: "starting", reason: null };
    const begun: AgentRecord = { ...record, view: starting };
    ledger.agents.set(key, begun);
    const { project, name, capabilities, mounts, args, env, limits, uid } = record.view;
    let shard = -1;
    let member: Member | null = null;
    try {
      const image = yield* images.runnable(record.view.image.digest);
      yield* this.ready(image);
      const run = Buffer.from(yield* tasks.sys.random(RUN_BYTES)).readUIntBE(0, RUN_BYTES);
      const { heir, original, state } = from;
      shard = this.place(record, heir ?? original);
      const meant = yield* this.links.meant({ project, shard, uid, run }, capabilities);
      this.requireWanted(begun);
      const spec: SpawnSpec = {
        ...{ uid, run, name, args, env, capabilities, meant, limits },
        native: image.runtime === "native",
        paused: record.wanted === "paused",
        ...(heir && { heir: lifeOf(heir) }),
        ...(original && { original: lifeOf(original) }),
        ...(state !== undefined && { state }),
        ...(record.view.stdin && { stdin: true }),
        ...(mounts && { mounts }),
      };
      member = yield* original
        ? fleet.spawn(project, shard, spec)
        : this.parts.kernelImages.lend(image, (made) => fleet.spawn(project, shard, spec, made));
      this.requireWanted(begun);
      const now = yield* ledger.now();
      const view: Agent = {
        ...starting,
        ...{ agent: member.agent, state: member.paused ? "paused" : "running" },
        health: record.spec?.health ? "starting" : "none",
        started: now,
      };
      const detail = { agent: member.agent, restarts: view.restarts };
      const live = { ...record, view, run, shard, due: null, room: roomOf(view) };
      yield* ledger.put(live, { kind, detail });
      this.parts.onLife(live);
      this.nudge(project);
      yield* this.links.began(live, meant);
      return live;
    } catch (error) {
      if (shard >= 0) fleet.release(project, shard, roomOf(record.view));
      if (member) tasks.start(unlessOver(fleet.end(project, shard, member)));
      if (ledger.agents.get(key) !== begun) throw RequestError.from(error);
      if (before) ledger.agents.set(key, before);
      else ledger.agents.delete(key);
      throw RequestError.from(error);
    }
  }

  /** A document and a removal take no locks: what they say of an agent holds, wherever its start has come to. */
  private requireWanted(begun: AgentRecord): void {
    const { name } = begun.view;
    if (this.parts.ledger.agents.get(keyOf(begun.view)) !== begun)
      throw new RequestError("wrong-state", `${name} has been changed or removed meanwhile`);
  }

  private place({ view }: AgentRecord, beside?: AgentRecord): number {
    const { fleet } = this.parts;
    const { project } = view;
    if (!beside) return fleet.reserve(project, roomOf(view));
    if (fleet.reserveIn(project, beside.shard, roomOf(view))) return beside.shard;
    throw new RequestError("quota-exceeded", "there is no room beside the agent");
  }

  /** Code that is about to be started. @throws RequestError */
  private *ready(image: Runnable): Work<void> {
    this.requireProgram(image);
    yield* this.parts.tasks.host(() => this.parts.prepare(image));
  }

  private requireProgram({ runtime, entry }: Runnable): void {
    if (runtime === "host" && !(entry !== null && this.parts.hostPrograms.includes(entry)))
      throw new RequestError("denied", `${entry} is no program that agents may be`);
  }

  /** Starts an agent that is due, if that is still wanted; what goes wrong counts as an end. */
  *relaunch(key: string): Work<void> {
    const { ledger } = this.parts;
    const record = ledger.agents.get(key);
    if (record?.view.state !== "waiting" || record.wanted === "stopped" || this.resting) return;
    const missing = missingFor(record, ledger);
    if (missing !== null) {
      if (record.view.reason !== missing)
        yield* ledger.put({ ...record, due: null, view: { ...record.view, reason: missing } });
      return;
    }
    const restarts = record.view.restarts + (record.view.started === null ? 0 : 1);
    const again = { ...record, view: { ...record.view, restarts } };
    try {
      yield* this.launch(again, restarts > 0 ? "agent.restarted" : "agent.started");
    } catch (error) {
      if (ledger.agents.get(key) !== record) return;
      const { message } = RequestError.from(error);
      yield* this.settle(again, { reason: `not started: ${message}`, code: 0 });
    }
  }

  /** A shard has said that a member is over. */
  *ended(member: Member): Work<void> {
    for (const { view } of this.parts.ledger.agents.values())
      if (view.uid === member.uid)
        yield* this.exclusively(view, this.endedNow(keyOf(view), member));
  }

  private *endedNow(key: string, { run, end }: Member): Work<void> {
    const record = this.parts.ledger.agents.get(key);
    if (record?.run !== run || !isLive(record) || !end) return;
    // It ended because the system does: by its policy that is no end of its own.
    const again = this.resting && record.view.restart.policy !== "no";
    yield* this.settle(record, again ? LOST : end);
  }

  /** An agent is over: says so, and whether it is started again. The caller has its lock. */
  *settle(record: AgentRecord, end: End): Work<void> {
    const { ledger, fleet } = this.parts;
    const { view, wanted, failures } = record;
    const now = yield* ledger.now();
    if (isLive(record)) fleet.release(view.project, record.shard, record.room);
    if (record.leaving) {
      yield* ledger.remove([view]);
      return;
    }
    if (record.stale) {
      yield* this.renew(record);
      return;
    }
    const ranFor = view.started === null ? 0 : now - view.started;
    const judged = verdict(view.restart, end, failures, ranFor);
    const lost = end === LOST;
    const detail = { reason: end.reason, code: end.code };
    const over: Agent = { ...view, agent: null, ended: now, exit: { ...detail }, health: "none" };
    if (wanted === "stopped" || !judged.again) {
      const why = lost ? WHY_LOST : judged.again ? null : judged.why;
      const state = lost && wanted !== "stopped" ? "lost" : "exited";
      const ended: AgentRecord = { ...record, due: null, view: { ...over, state, reason: why } };
      yield* ledger.put(ended, { kind: `agent.${state}`, detail });
      return;
    }
    const pause = lost ? 0 : judged.pause;
    const reason = `is started again ${pause === 0 ? "now" : `after ${pause} s`}`;
    const waiting: Agent = { ...over, state: "waiting", reason };
    yield* ledger.put(
      { ...record, failures: lost ? failures : judged.failures, due: now + pause, view: waiting },
      { kind: lost ? "agent.lost" : "agent.exited", detail: { ...detail, again: pause } },
    );
    this.wakeLater(keyOf(view));
  }

  /** What is over ran by an older document; now it runs by the new one. */
  private *renew(record: AgentRecord): Work<void> {
    const { ledger } = this.parts;
    const waiting = { agent: null, state: "waiting", reason: null } as const;
    const { stale: _, ...rest } = record;
    yield* ledger.put({ ...rest, due: 0, failures: 0, view: { ...record.view, ...waiting } });
    this.wakeLater(keyOf(record.view));
  }

  /** Ends a live agent that is stale, leaving or stopped; one that waits is over at once. */
  endLater({ view }: AgentRecord): void {
    this.parts.tasks.start(this.exclusively(view, this.end(keyOf(view))));
  }

  private *end(key: string): Work<void> {
    const { ledger, fleet } = this.parts;
    const record = ledger.agents.get(key);
    if (!record || !(record.stale || record.leaving || record.wanted === "stopped")) return;
    if (!isLive(record)) {
      const state = "exited";
      if (record.view.state === "waiting" || record.view.state === "starting")
        yield* ledger.put({ ...record, due: null, view: { ...record.view, state, reason: null } });
      return;
    }
    // The end of one that is over already is on the way.
    yield* unlessOver(fleet.askFor(record, "kill", { code: 137 }));
  }

  /** Agents of a project that wait for others look again. */
  nudge(project: string): void {
    for (const [key, { view, spec }] of this.parts.ledger.agents)
      if (view.project === project && view.state === "waiting" && hasAny(spec?.dependsOn))
        this.wakeLater(key);
  }

  /** Starts a waiting agent when it is due. */
  wakeLater(key: string): void {
    this.parts.tasks.start(this.wake(key));
  }

  private *wake(key: string): Work<void> {
    const { ledger, tasks } = this.parts;
    const due = ledger.agents.get(key)?.due ?? 0;
    const pause = due - (yield* ledger.now());
    if (pause > 0) yield* tasks.sleep(BigInt(Math.ceil(pause * 1e9)));
    const record = ledger.agents.get(key);
    // Somebody has started or stopped it meanwhile, or set it another time.
    if (!record || (record.due ?? 0) !== due) return;
    yield* this.exclusively(record.view, this.relaunch(key));
  }

  /** A shard has ended, and all its agents with it. */
  *shardEnded(project: string, shard: number): Work<void> {
    const { ledger } = this.parts;
    for (const record of [...ledger.agents.values()])
      if (record.view.project === project && record.shard === shard && isLive(record))
        yield* this.exclusively(record.view, this.gone(keyOf(record.view), record.run));
  }

  private *gone(key: string, run: number): Work<void> {
    const record = this.parts.ledger.agents.get(key);
    if (record?.run === run && isLive(record))
      yield* this.settle(record, { reason: "its shard ended", code: 0 });
  }
}

const hasAny = (of: object | undefined): boolean => of !== undefined && Object.keys(of).length > 0;

/** What an agent has to wait for; null when all that it depends on is as it wants it. */
function missingFor({ view, spec }: AgentRecord, ledger: Ledger): string | null {
  for (const [name, condition] of Object.entries(spec?.dependsOn ?? {})) {
    const other = ledger.agents.get(keyOf({ project: view.project, name }));
    const isThere = other && isLive(other) && !other.stale;
    if (!isThere || (condition === "healthy" && other.view.health !== "healthy"))
      return `waits for ${name} to be ${condition}`;
  }
  return null;
}
