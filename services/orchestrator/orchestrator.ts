/**
 * Policy: which agents there are to be, when one is started again, and who may ask for what. All effects
 * are requests to projects and system calls, which the kernel checks.
 */
import type { Step } from "../../sdk/agent/calls.ts";
import type { Message } from "../../sdk/agent/messages.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import type { Door } from "../host/door.ts";
import { Peers } from "../host/peers.ts";
import { answering, Caller, type Method } from "../host/rpc.ts";
import type { Store } from "../host/store.ts";
import { Tasks, type Work } from "../host/tasks.ts";
import { type Agent, API, type MethodName, type Run } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import { decode } from "../messages/json.ts";
import { type Capability, capabilityText, scopeOf } from "../messages/scope.ts";
import type { Handles, Member, SpawnSpec } from "../messages/system.ts";

export interface OrchestratorHost {
  readonly store: Store;
  readonly door: Door;
  /** Seconds since 1970 at which the machine was turned on. */
  readonly epoch: number;
}

const MIB = 1024 * 1024;
const PROJECT_QUOTA = 256 * MIB;

/** What a client asks: parameters of the method, and the tokens of what it holds. */
interface Asked {
  readonly params: unknown;
  readonly proofs: readonly string[];
}

export const orchestratorProgram = (host: OrchestratorHost) =>
  agent(function* (sys) {
    const handles = decode((yield* sys.receive()).bytes) as Handles;
    const { parent } = yield* sys.info(sys.self);
    const it = new Orchestrator(sys, handles, parent, host);
    yield* it.run();
  });

class Orchestrator {
  private readonly sys: Sys;
  private readonly host: OrchestratorHost;
  private readonly tasks: Tasks;
  private readonly peers: Peers;
  private readonly caller: Caller;
  private readonly agents = new Map<string, Agent>();
  private readonly projects = new Map<string, number>();

  constructor(sys: Sys, _handles: Handles, parent: number, host: OrchestratorHost) {
    this.sys = sys;
    this.host = host;
    this.tasks = new Tasks(sys, host.door);
    this.peers = new Peers(parent);
    this.caller = new Caller(this.tasks);
  }

  *run(): Step<never> {
    const methods: Record<MethodName, (params: never) => Work<unknown>> = {
      "agent.run": (params) => this.runAgent(params),
      "agent.list": (params) => this.list(params),
      "agent.inspect": (params) => this.inspect(params),
      "agent.kill": (params) => this.kill(params),
      "agent.logs": (params) => this.logs(params),
    };
    const checked = Object.fromEntries(
      Object.entries(methods).map(([name, run]) => [name, this.checked(name as MethodName, run)]),
    );
    const answer = answering(this.tasks, checked);
    const { peers } = this;
    const ended = (message: Message) => this.ended(message);
    return yield* this.tasks.run({
      *message(message: Message) {
        if (peers.hear(message) || (yield* ended(message))) return;
        yield* answer(message);
      },
    });
  }

  /** A method behind the checks of its parameters and of what its client holds. */
  private checked(name: MethodName, run: (params: never) => Work<unknown>): Method {
    const { params: schema, needs } = API[name];
    const require = (needed: readonly Capability[], asked: Asked, sender: number) =>
      this.require(needed, asked, sender);
    return function* (asked, { sender }) {
      const { params, proofs } = asked as Asked;
      const parsed = schema.safeParse(params);
      if (!parsed.success) {
        const [issue] = parsed.error.issues;
        const place = issue?.path.join(".") || "parameters";
        throw new RequestError("bad-request", `${place}: ${issue?.message}`);
      }
      yield* require(needs(parsed.data as never), { params, proofs }, sender);
      return yield* run(parsed.data as never);
    };
  }

  /** @throws RequestError denied: a capability is missing */
  private *require(needed: readonly Capability[], asked: Asked, holder: number): Work<void> {
    const tokens = asked.proofs.map((proof) => Uint8Array.from(Buffer.from(proof, "base64")));
    for (const capability of needed) {
      let held = false;
      for (const token of tokens)
        held ||= (yield* this.sys.judge(token, { scope: scopeOf(capability), holder })) === "OK";
      if (!held) throw new RequestError("denied", `${capabilityText(capability)} is needed`);
    }
  }

  private *runAgent(run: Run): Work<Agent> {
    const name = run.name ?? `agent-${(yield* this.randomText()).slice(0, 6)}`;
    const key = `${run.project}/${name}`;
    if (this.agents.has(key)) throw new RequestError("exists", `there is an agent ${key} already`);
    const { image: reference, name: _, ...rest } = run;
    const record: Agent = {
      ...rest,
      name,
      uid: yield* this.randomText(),
      agent: null,
      state: "starting",
      image: { reference, digest: reference },
      restarts: 0,
      exit: null,
      created: this.host.epoch + Number(yield* this.sys.now()) / 1e9,
    };
    this.agents.set(key, record);
    yield* this.keep(record);
    return yield* this.start(record);
  }

  private *start(record: Agent): Work<Agent> {
    const { uid, name, args, env, capabilities, limits, image } = record;
    const spec: SpawnSpec = {
      ...{ uid, name, args, env, capabilities, limits },
      runtime: "wasm",
      code: image.digest,
    };
    const { result } = yield* this.caller.ask(yield* this.project(record.project), "spawn", spec);
    return yield* this.change(record, { state: "running", agent: (result as Member).agent });
  }

  private *list({ project }: { project?: string }): Work<Agent[]> {
    return [...this.agents.values()].filter((it) => !project || it.project === project);
  }

  private *inspect(named: { project: string; name: string }): Work<unknown> {
    const record = this.find(named);
    if (record.agent === null) return { ...record, usage: null };
    const project = yield* this.project(record.project);
    const { result } = yield* this.caller.ask(project, "info", { uid: record.uid });
    return { ...record, usage: result };
  }

  private *kill(named: { project: string; name: string; code: number }): Work<Agent> {
    const record = this.find(named);
    const { uid, project, agent } = record;
    if (agent === null) throw new RequestError("wrong-state", `${record.name} doesn't run`);
    yield* this.caller.ask(yield* this.project(project), "kill", { uid, code: named.code });
    return this.find(named);
  }

  private *logs(asked: {
    project: string;
    name: string;
    from: number;
    limit: number;
  }): Work<unknown> {
    const record = this.find(asked);
    const { capability } = yield* this.peers.get("logs");
    const { from, limit } = asked;
    const { uid } = record;
    const { result } = yield* this.caller.ask(capability, "read", { uid, from, limit });
    const lines = result as { sequence: number }[];
    const next = (lines.at(-1)?.sequence ?? from - 1) + 1;
    return { lines, next, ended: record.state === "exited" };
  }

  private find({ project, name }: { project: string; name: string }): Agent {
    const record = this.agents.get(`${project}/${name}`);
    if (!record) throw new RequestError("not-found", `there is no agent ${project}/${name}`);
    return record;
  }

  private *change(record: Agent, change: Partial<Agent>): Work<Agent> {
    const changed = { ...record, ...change };
    this.agents.set(`${record.project}/${record.name}`, changed);
    yield* this.keep(changed);
    return changed;
  }

  private *keep(record: Agent): Work<void> {
    const { store } = this.host;
    const key = `agent/${record.project}/${record.name}`;
    yield* this.tasks.host(() => store.write([{ key, value: record }]));
  }

  /** The capability to a project, which is made if there is none. */
  private *project(name: string): Work<number> {
    const known = this.projects.get(name);
    if (known) return known;
    const { capability: init } = yield* this.peers.get("init");
    const spec = { name, quota: PROJECT_QUOTA };
    const { capability } = yield* this.caller.ask(init, "project.open", spec);
    this.projects.set(name, capability);
    return capability;
  }

  /** Whether a message was a project's about an end. */
  private *ended({ bytes }: Message): Work<boolean> {
    const { ended, project } = (decode(bytes) ?? {}) as { ended?: Member; project?: string };
    if (!ended || !project) return false;
    for (const record of this.agents.values()) {
      if (record.uid !== ended.uid) continue;
      yield* this.change(record, { state: "exited", agent: null, exit: ended.end });
      yield* this.caller.ask(yield* this.project(project), "forget", { uid: ended.uid });
    }
    return true;
  }

  private *randomText(): Work<string> {
    return Buffer.from(yield* this.sys.random(16)).toString("hex");
  }
}
