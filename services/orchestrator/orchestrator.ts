/**
 * Policy: which agents there are to be, when one is started again, and who may ask for what. All effects
 * are requests to shards of projects, whose system calls the kernel checks.
 */
import type { Step } from "../../sdk/agent/calls.ts";
import type { Message } from "../../sdk/agent/messages.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import { checked, type Implementation } from "../host/checks.ts";
import type { Door } from "../host/door.ts";
import { Locks } from "../host/locks.ts";
import { Peers } from "../host/peers.ts";
import { answering, Caller } from "../host/rpc.ts";
import type { Store } from "../host/store.ts";
import { Pause, Tasks, type Work } from "../host/tasks.ts";
import { API, type OrchestratorMethod } from "../messages/api.ts";
import { decode } from "../messages/json.ts";
import type { Handles, MemberEnded, ShardEnded } from "../messages/system.ts";
import { AgentMethods } from "./agents.ts";
import { Apply } from "./apply.ts";
import { Copies, type States, snapshotKeys } from "./copies.ts";
import { Denials } from "./denials.ts";
import { Ending, type Stop } from "./ending.ts";
import { Fleet } from "./fleet.ts";
import { Health } from "./health.ts";
import { Images, kernelBytes, type Runnable, type WantedImage } from "./images.ts";
import { Jobs, jobKeys } from "./jobs.ts";
import { KernelImages } from "./kernel-images.ts";
import { Ledger } from "./ledger.ts";
import { forgetLogs, readLogs, sweepLogs } from "./logs.ts";
import { Objects } from "./objects.ts";
import { Projects, projectKeys } from "./projects.ts";
import { Reconciliation } from "./reconciliation.ts";
import type { AgentRecord } from "./record.ts";
import { status } from "./status.ts";
import { Supervisor, type SupervisorParts } from "./supervisor.ts";

export interface OrchestratorHost extends Pick<SupervisorParts, "prepare" | "hostPrograms"> {
  readonly store: Store;
  readonly door: Door;
  /** Seconds since 1970 at which the machine was turned on. */
  readonly epoch: number;
  /** Bytes of memory of a project that says nothing else. */
  readonly projectBytes: number;
  readonly states: States;
  /** Nobody runs this code any more. */
  forget(image: Runnable): Promise<void>;
  /** Kept when the system is about to be turned off. */
  readonly stopping?: Promise<Stop>;
}

export const orchestratorProgram = (host: OrchestratorHost) => {
  const since = Date.now();
  return agent(function* (sys) {
    const handles = decode((yield* sys.receive()).bytes) as Handles;
    const { parent } = yield* sys.info(sys.self);
    yield* new Orchestrator(sys, handles, parent, { ...host, since }).run();
  });
};

interface Host extends OrchestratorHost {
  /** What was written before this time, ms since 1970, was written by a system that is over. */
  readonly since: number;
}

class Orchestrator {
  private readonly sys: Sys;
  private readonly tasks: Tasks;
  private readonly peers: Peers;
  private readonly ledger: Ledger;
  private readonly fleet: Fleet;
  private readonly images: Images;
  private readonly supervisor: Supervisor;
  private readonly denials: Denials;
  private readonly reconciliation: Reconciliation;
  private readonly ending: Work<void> | null;
  private readonly agents: AgentMethods;
  private readonly copies: Copies;
  private readonly jobs: Jobs;
  private readonly projects: Projects;
  private readonly store: Store;
  private readonly objects: Objects;
  private readonly since: number;
  private readonly methods: Record<OrchestratorMethod, Implementation>;
  /** Until it knows all that there is, requests wait. */
  private waiting: (() => void)[] | null = [];

  constructor(sys: Sys, handles: Handles, parent: number, host: Host) {
    const { kernel, pool = sys.pool, poolBytes = 0 } = handles;
    const { store, door, epoch } = host;
    this.sys = sys;
    this.store = store;
    this.since = host.since;
    this.tasks = new Tasks(sys, { door, kernel });
    this.peers = new Peers(this.tasks, parent);
    const { tasks, peers } = this;
    const caller = new Caller(tasks, peers);
    this.ledger = new Ledger(sys, tasks, store, epoch);
    const { ledger } = this;
    ledger.onForgotten = (uids) => tasks.start(forgetLogs(uids, caller));
    peers.onIntroduction((name) => {
      if (name === "logs") tasks.start(this.sweepLogs(caller));
    });
    const bytesOf = (image: Runnable) => kernelBytes(store, image);
    const kernelImages = new KernelImages({ tasks, kernel, pool, poolBytes, bytesOf });
    const objects = new Objects(tasks, store, () => this.named());
    this.objects = objects;
    this.images = new Images({
      ...{ tasks, store, ledger, objects },
      *forget(image) {
        yield* tasks.host(() => host.forget(image));
        yield* kernelImages.drop(image.codeDigest);
      },
    });
    this.fleet = new Fleet(tasks, caller, {
      memoryOf: (project) => this.projects.memoryOf(project),
      isThere: (project) => this.projects.isThere(project),
    });
    const { fleet, images } = this;
    const onLife = (record: AgentRecord) => health.watch(record);
    const { prepare, hostPrograms } = host;
    const locks = new Locks();
    this.supervisor = new Supervisor({
      ...{ tasks, ledger, fleet, locks, images, kernelImages, prepare, hostPrograms },
      onLife,
    });
    const { supervisor } = this;
    const parts = { tasks, ledger, fleet, images, supervisor };
    this.denials = new Denials(tasks, ledger);
    this.reconciliation = new Reconciliation({ ...parts, onLife });
    this.ending = host.stopping ? new Ending(parts).run(host.stopping) : null;
    const agents = new AgentMethods(parts);
    this.agents = agents;
    const health = new Health(parts, agents);
    this.copies = new Copies(parts, agents, { store, states: host.states, objects });
    this.jobs = new Jobs(parts, agents);
    this.projects = new Projects(parts, this.jobs, host.projectBytes);
    const apply = new Apply(parts, agents, this.projects, this.jobs);
    this.methods = {
      ...agents.table,
      ...this.copies.table,
      ...this.projects.table,
      ...this.jobs.table,
      "project.apply": (document: never) => apply.apply(document),
      ...images.table(() => this.wanted()),
      "agent.logs": (asked: never) => readLogs(asked, parts, caller),
      "events.read": (asked: never) => ledger.readEvents(asked),
      "system.status": () => status(parts, caller, epoch),
    };
  }

  *run(): Step<never> {
    const { tasks, methods, sys } = this;
    const denied = this.denials.heard.bind(this.denials);
    const table = Object.entries(methods).map(([name, run]) => {
      const row = API[name as OrchestratorMethod];
      const shown = row.http[0] === "GET" ? this.settled(run) : run;
      return [name, checked(sys, row, shown, (needed, by) => denied(name, needed, by))];
    });
    const answer = answering(tasks, Object.fromEntries(table));
    const ready = () => this.ready();
    const told = (message: Message) => this.told(message);
    tasks.start(this.begin());
    return yield* tasks.run({
      *message(message: Message) {
        yield* ready();
        if (!(yield* told(message))) yield* answer(message);
      },
    });
  }

  /** What is read is answered when it is on the disk. */
  private settled(run: Implementation): Implementation {
    const { ledger } = this;
    return function* (params, sender, require) {
      const answer = yield* run(params, sender, require);
      yield* ledger.settled();
      return answer;
    };
  }

  private *begin(): Work<void> {
    yield* this.ledger.load();
    yield* this.images.load();
    const { store, tasks } = this;
    this.projects.load(yield* tasks.host(() => store.list(projectKeys)));
    this.copies.load(yield* tasks.host(() => store.list(snapshotKeys)));
    this.jobs.load(yield* tasks.host(() => store.list(jobKeys)));
    yield* this.objects.sweep(this.since);
    yield* this.reconciliation.run();
    this.jobs.wakeAll();
    const { waiting } = this;
    this.waiting = null;
    for (const wake of waiting ?? []) wake();
    if (this.ending) tasks.start(this.ending);
  }

  /** What runs or is to run. */
  private *wanted(): Iterable<WantedImage> {
    yield* this.agents.images();
    yield* this.jobs.images();
  }

  /** Digests of objects that there have to be; a module that lies in the store by itself is its own. */
  private *named(): Iterable<string> {
    yield* this.images.named();
    yield* this.copies.named();
    for (const { image } of this.wanted()) yield image;
  }

  private *sweepLogs(caller: Caller): Work<void> {
    yield* this.ready();
    yield* sweepLogs(this.ledger, caller);
  }

  private *ready(): Work<void> {
    const { waiting } = this;
    if (waiting) yield new Pause<void>((resume) => void waiting.push(resume));
  }

  /** Whether a message was one of init or of a shard about an end; of others it isn't believed. */
  private *told({ sender, bytes }: Message): Work<boolean> {
    const said = (decode(bytes) ?? {}) as Partial<MemberEnded & ShardEnded>;
    if (said.ended && this.fleet.isShard(sender)) {
      yield* this.supervisor.ended(said.ended);
      this.tasks.start(this.fleet.forget(sender, said.ended));
    } else if (said.shardEnded && this.peers.has("init", sender)) {
      const { project, shard, id } = said.shardEnded;
      this.fleet.ended(project, shard, id);
      yield* this.supervisor.shardEnded(project, shard);
    } else return false;
    return true;
  }
}
