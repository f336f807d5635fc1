/** Copies of agents: clones that run, and states that are kept. */
import type { Store } from "../host/store.ts";
import type { Work } from "../host/tasks.ts";
import type { Agent, Snapshot, Usage } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import type { Member, SpawnSpec } from "../messages/system.ts";
import { type AgentMethods, isOver, type Named, type Parts, requireLive } from "./agents.ts";
import { KILLED } from "./fleet.ts";
import { SNAPSHOTS_PER_PROJECT_MAX } from "./limits.ts";
import type { Objects } from "./objects.ts";
import { type AgentRecord, isLive, keyOf, lifeOf } from "./record.ts";

/** Keys of snapshots in the store. */
export const snapshotKeys = "snapshot/";

/** States of agents on the host, by name. */
export interface States {
  /** From now on an agent can leave one under this name. */
  expect(name: string): void;
  /** The state that an agent has left, as bytes, once; null if it left none. */
  take(name: string): Uint8Array | null;
  /** Makes a state known to the agent that goes on from it. */
  give(name: string, bytes: Uint8Array): void;
  drop(name: string): void;
}

export interface CopiesHost {
  readonly store: Store;
  readonly states: States;
  readonly objects: Objects;
}

const RUN_BYTES = 6;
const LOOK_NS = 1_000_000n;
/** A clone that hasn't left its state after so many looks has ended without. */
const LOOKS_MAX = 2000;

export class Copies {
  private readonly parts: Parts;
  private readonly agents: AgentMethods;
  private readonly store: Store;
  private readonly states: States;
  private readonly objects: Objects;
  private readonly snapshots = new Map<string, Snapshot>();

  constructor(parts: Parts, agents: AgentMethods, { store, states, objects }: CopiesHost) {
    this.parts = parts;
    this.agents = agents;
    this.store = store;
    this.states = states;
    this.objects = objects;
  }

  /** Digests of the objects that snapshots have. */
  named(): string[] {
    return this.all().map(({ digest }) => digest);
  }

  get table() {
    return {
      "agent.clone": this.agents.handingOn((it: Named & { as?: string }) => this.clone(it)),
      "agent.snapshot": (it: Named & { id?: string }) => this.snapshot(it),
      "agent.rollback": (it: Named & { snapshot?: string }) => this.rollback(it),
      "snapshot.list": ({ project }: { project?: string }) => this.list(project),
      "snapshot.remove": (it: { project: string; id: string }) =>
        this.objects.change(this.remove(it)),
    };
  }

  load(records: readonly [string, unknown][]): void {
    for (const [key, value] of records)
      this.snapshots.set(key.slice(snapshotKeys.length), value as Snapshot);
  }

  private *clone(it: Named & { as?: string }): Work<Agent> {
    const original = this.parts.ledger.find(it);
    requireLive(original);
    yield* this.requireCopy(original);
    const {
      image,
      args,
      env,
      capabilities,
      mounts = [],
      limits,
      restart,
      project,
      stdin = false,
    } = original.view;
    const run = {
      project,
      args,
      env,
      capabilities,
      mounts,
      limits,
      restart,
      stdin,
      image: image.reference,
    };
    const named = it.as === undefined ? run : { ...run, name: it.as };
    const more = { origin: `clone:${it.name}` };
    const record = yield* this.agents.fresh(named, image.digest, more);
    return yield* this.agents.begin(record, { original });
  }

  private *snapshot(it: Named & { id?: string }): Work<Snapshot> {
    const { ledger, tasks } = this.parts;
    const record = ledger.find(it);
    requireLive(record);
    const { project, name } = record.view;
    const drawn = Buffer.from(yield* tasks.sys.random(RUN_BYTES)).toString("hex");
    const id = it.id ?? `${name.slice(0, 18)}-${drawn}`;
    this.requireRoom(project, id);
    yield* this.requireState(record);
    // What runs may be of an older document than the record is, and only the kernel knows which code it is.
    const { codeDigest } = (yield* this.parts.fleet.askFor(record, "info")) as Usage;
    const bytes = yield* this.stateOf(record);
    const about = { codeDigest, bytes: bytes.length, created: yield* ledger.now() };
    return yield* this.objects.change(this.keep({ id, project, agent: name, ...about }, bytes));
  }

  private *keep(about: Omit<Snapshot, "digest">, bytes: Uint8Array): Work<Snapshot> {
    const { ledger, tasks } = this.parts;
    const { id, project, agent } = about;
    const key = `${project}/${id}`;
    // Others have been kept while the state was taken.
    this.requireRoom(project, id);
    const digest = yield* tasks.host(() => this.store.putObject(bytes));
    const value = { ...about, digest };
    this.snapshots.set(key, value);
    yield* ledger.commit(
      [{ key: snapshotKeys + key, value }],
      [{ kind: "agent.snapshot", project, name: agent, detail: { id } }],
    );
    return value;
  }

  /** @throws RequestError exists, quota-exceeded */
  private requireRoom(project: string, id: string): void {
    const key = `${project}/${id}`;
    if (this.snapshots.has(key))
      throw new RequestError("exists", `there is a snapshot ${key} already`);
    if (this.all(project).length >= SNAPSHOTS_PER_PROJECT_MAX)
      throw new RequestError(
        "quota-exceeded",
        `${SNAPSHOTS_PER_PROJECT_MAX} snapshots of a project are the most; remove some`,
      );
  }

  private *requireCopy({ view }: AgentRecord): Work<void> {
    const { runtime } = yield* this.parts.images.runnable(view.image.digest);
    if (runtime !== "native") return;
    const why =
      "a copy would have its original's capabilities in its memory, and they are worth nothing to it";
    throw new RequestError("wrong-state", `${view.name} is machine code: ${why}`);
  }

  /** What an agent of machine code is, is in the machine's memory and nowhere else. */
  private *requireState({ view }: AgentRecord): Work<void> {
    const { runtime } = yield* this.parts.images.runnable(view.image.digest);
    if (runtime === "wasm" || runtime === "quickjs") return;
    const why = "only modules and scripts have a state that can be kept";
    throw new RequestError("wrong-state", `${view.name} is of runtime ${runtime}: ${why}`);
  }

  /** A clone leaves the state that it has from its original, and is over. */
  private *stateOf(record: AgentRecord): Work<Uint8Array> {
    const { fleet, tasks } = this.parts;
    const { project, name, args, env, uid } = record.view;
    // It writes no files.
    const { storage: _, ...limits } = record.view.limits;
    const run = Buffer.from(yield* tasks.sys.random(RUN_BYTES)).readUIntBE(0, RUN_BYTES);
    const keepAs = `${uid}.${run}`;
    const life = { uid: keepAs, run };
    const spec: SpawnSpec = {
      ...{
        ...life,
        name,
        args,
        env,
        limits,
        capabilities: [],
        paused: false,
        native: false,
        keepAs,
      },
      original: lifeOf(record),
    };
    this.states.expect(keepAs);
    try {
      const member = yield* fleet.spawn(project, record.shard, spec);
      let state: Uint8Array | null = null;
      for (let looks = 0; state === null && looks < LOOKS_MAX; looks++) {
        yield* tasks.sleep(LOOK_NS);
        state = this.states.take(keepAs);
      }
      tasks.start(this.clear(project, record.shard, member));
      if (state) return state;
    } finally {
      this.states.drop(keepAs);
    }
    throw new RequestError("wrong-state", `${name} has no state that can be kept`);
  }

  private *clear(project: string, shard: number, { uid, run }: Member): Work<void> {
    const { fleet, tasks } = this.parts;
    for (const [method, code] of [
      ["kill", KILLED],
      ["forget", 0],
    ] as const)
      try {
        yield* fleet.ask(project, shard, method, { uid, run, code });
        yield* tasks.sleep(LOOK_NS * 20n);
      } catch (error) {
        // It is over already.
        if (!(error instanceof RequestError)) throw error;
      }
  }

  /** The agent ends, and is started again from the state: with its name, its uid and its capabilities. */
  private *rollback(it: Named & { snapshot?: string }): Work<Agent> {
    const { supervisor } = this.parts;
    this.parts.ledger.find(it);
    const snapshot = this.find(it);
    const bytes = yield* this.parts.tasks.host(() => this.store.getObject(snapshot.digest));
    return yield* supervisor.exclusively(it, this.goBack(it, snapshot, bytes));
  }

  private *goBack(it: Named, snapshot: Snapshot, bytes: Uint8Array): Work<Agent> {
    const { supervisor } = this.parts;
    const record = this.parts.ledger.find(it);
    yield* this.requireSameCode(record, snapshot);
    this.parts.ledger.stillOf(record);
    if (!isLive(record) && !isOver(record))
      throw new RequestError("wrong-state", `${it.name} is being started`);
    // A life without a number: what is told of its end is about nobody.
    const over = { ...record, view: { ...record.view, agent: null, state: "exited" } } as const;
    if (isLive(record)) yield* this.endNow(record);
    const drawn = Buffer.from(yield* this.parts.tasks.sys.random(RUN_BYTES)).toString("hex");
    const state = `${record.view.uid}/${drawn}`;
    this.states.give(state, bytes);
    try {
      const fresh: AgentRecord = { ...over, wanted: "running" };
      const live = yield* supervisor.launch(fresh, "agent.rolled-back", { state });
      this.dropAfter(live, state);
      return live.view;
    } catch (error) {
      this.states.drop(state);
      const isThere = this.parts.ledger.agents.get(keyOf(it)) === record;
      if (isThere && isLive(record))
        yield* supervisor.settle(over, { reason: "killed", code: KILLED });
      throw error;
    }
  }

  /** A life may be over before it has taken the state that was given for it. */
  private dropAfter({ view, run }: AgentRecord, state: string): void {
    const { ledger } = this.parts;
    const forget = ledger.onChange(() => {
      const now = ledger.agents.get(keyOf(view));
      if (now?.run === run && isLive(now)) return;
      forget();
      this.states.drop(state);
    });
  }

  /** Ends a life of which nobody is told any more. */
  private *endNow(record: AgentRecord): Work<void> {
    const { fleet, tasks, ledger } = this.parts;
    const { project } = record.view;
    yield* fleet.askFor(record, "kill", { code: KILLED });
    ledger.stillOf(record);
    fleet.release(project, record.shard, record.room);
    const member = { ...lifeOf(record), agent: 0, paused: false, end: null };
    tasks.start(this.clear(project, record.shard, member));
  }

  /** A state is memory and frames of one code: in another one, of whatever name, it means nothing. */
  private *requireSameCode({ view }: AgentRecord, { id, codeDigest }: Snapshot): Work<void> {
    const now = yield* this.parts.images.runnable(view.image.digest);
    if (now.codeDigest === codeDigest) return;
    const whose = `${view.name} runs other code (${now.codeDigest}) than it was taken of (${codeDigest})`;
    throw new RequestError("wrong-state", `snapshot ${id}: ${whose}`);
  }

  private find({ project, name, snapshot }: Named & { snapshot?: string }): Snapshot {
    const named = snapshot !== undefined && this.snapshots.get(`${project}/${snapshot}`);
    const own = this.all(project).filter((it) => it.agent === name);
    const latest = snapshot === undefined && own.sort((a, b) => b.created - a.created)[0];
    const found = named || latest;
    if (!found || found.agent !== name) {
      const which = snapshot === undefined ? "no snapshot; take one" : `no snapshot ${snapshot}`;
      throw new RequestError("not-found", `${keyOf({ project, name })} has ${which}`);
    }
    return found;
  }

  private all(project?: string): Snapshot[] {
    return [...this.snapshots.values()].filter((it) => !project || it.project === project);
  }

  private *list(project?: string): Work<Snapshot[]> {
    return this.all(project);
  }

  private *remove({ project, id }: { project: string; id: string }): Work<object> {
    const key = `${project}/${id}`;
    const snapshot = this.snapshots.get(key);
    if (!snapshot) throw new RequestError("not-found", `there is no snapshot ${key}`);
    this.snapshots.delete(key);
    const happened = { kind: "snapshot.removed", project, name: snapshot.agent, detail: { id } };
    yield* this.parts.ledger.commit([{ key: snapshotKeys + key }], [happened]);
    const { digest } = snapshot;
    yield* this.objects.release([digest]);
    return {};
  }
}
