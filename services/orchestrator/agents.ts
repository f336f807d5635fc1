/** What clients ask about agents. */
import type { Require } from "../host/checks.ts";
import type { Tasks, Work } from "../host/tasks.ts";
import {
  type Agent,
  LIMITS_OF_A_LIFE,
  type Limits,
  type Run,
  RunRequest,
  type SomeLimits,
} from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import { heldBy } from "../messages/mounts.ts";
import { parseCapability } from "../messages/scope.ts";
import type { InputSpec } from "../messages/system.ts";
import { type Fleet, unlessOver } from "./fleet.ts";
import type { Images, WantedImage } from "./images.ts";
import type { Ledger } from "./ledger.ts";
import { AGENTS_PER_PROJECT_MAX, ASK_NS } from "./limits.ts";
import { type AgentRecord, isLive, keyOf } from "./record.ts";
import type { From, Supervisor } from "./supervisor.ts";
import { asWished } from "./wishes.ts";

export interface Named {
  readonly project: string;
  readonly name: string;
}

export interface Parts {
  readonly tasks: Tasks;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly images: Images;
  readonly supervisor: Supervisor;
}

type Change<P> = (record: AgentRecord, params: P) => Work<AgentRecord>;
type Update = Named & { limits: SomeLimits; restart?: Agent["restart"] };
type Exec = Named &
  Pick<RunRequest, "args" | "env" | "limits"> & {
    image: string;
    stdin: boolean;
    as?: string;
    capabilities?: string[];
  };

const UID_BYTES = 16;
/** What a capability begins with that names an image. */
const SPAWNS = "PROC_SPAWN:";
/** A killed agent is over within a quantum; so long is waited for that. Seconds. */
const KILL_WAIT = 5;

export class AgentMethods {
  private readonly parts: Parts;

  constructor(parts: Parts) {
    this.parts = parts;
  }

  get table() {
    const { ledger } = this.parts;
    return {
      "agent.run": (asked: RunRequest) => this.run(asked),
      "agent.list": ({ project }: { project?: string }) => this.list(project),
      "agent.inspect": (named: Named) => this.inspect(named),
      "agent.wait": (it: Named & { wait: number }) => this.wait(it),
      "agent.kill": (it: Named & { code: number; grace: number }) => this.kill(it),
      "agent.pause": this.change((record) => this.pause(record, true)),
      "agent.resume": this.change((record) => this.pause(record, false)),
      "agent.start": this.change((record) => this.start(record)),
      "agent.update": this.change((record, params: Update) => this.update(record, params)),
      "agent.remove": (it: Named & { force: boolean }) => this.remove(it),
      "agent.exec": this.handingOn((it: Exec) => this.exec(it)),
      "agent.input": (it: Named & InputSpec) => this.input(it),
      "agent.caps": (named: Named) => this.caps(ledger.find(named)),
      "agent.grant": this.change((record, it: { capability: string }) =>
        this.grant(record, it.capability),
      ),
      "agent.revoke": this.change((record, it: { capability: string }) =>
        this.revoke(record, it.capability),
      ),
    };
  }

  /**
   * A method that makes an agent with capabilities of another one: whoever asks holds them as well. For what
   * they were given is theirs to use, and what an agent was given isn't, though they may end it.
   */
  handingOn<P extends Named & { capabilities?: readonly string[] }>(run: (it: P) => Work<Agent>) {
    const { ledger } = this.parts;
    return function* (it: P, _sender: number, require: Require): Work<Agent> {
      const { view } = ledger.find(it);
      for (const text of it.capabilities ?? view.capabilities)
        yield* require(parseCapability(text));
      return yield* run(it);
    };
  }

  /** A method that changes one agent, which nobody else changes meanwhile. */
  private change<P>(run: Change<Named & P>): (params: Named & P) => Work<Agent> {
    const { ledger, supervisor } = this.parts;
    return function* (params) {
      function* work(): Work<Agent> {
        return (yield* run(ledger.find(params), params)).view;
      }
      return yield* supervisor.exclusively(params, work());
    };
  }

  private *run(asked: RunRequest): Work<Agent> {
    const { images } = this.parts;
    const { digest } = yield* images.runnable(asked.image);
    const run = asWished(asked, images.wishes(digest));
    const record = yield* this.fresh(run, digest);
    return yield* this.begin(record);
  }

  /** A record of an agent that is to be. */
  *fresh(run: Run, digest: string, more: Partial<Agent> = {}): Work<AgentRecord> {
    const { tasks, ledger } = this.parts;
    const uid = Buffer.from(yield* tasks.sys.random(UID_BYTES)).toString("hex");
    const { image: reference, name = `agent-${uid.slice(0, 6)}`, ...rest } = run;
    const view: Agent = {
      ...rest,
      capabilities: heldBy(run),
      ...{ name, uid, agent: null, state: "starting", reason: null, health: "none" },
      image: { reference, digest },
      ...{ restarts: 0, exit: null, started: null, ended: null, origin: null },
      created: yield* ledger.now(),
      ...more,
    };
    return { view, wanted: "running", run: 0, shard: 0, failures: 0, due: null, room: 0 };
  }

  /** @throws RequestError exists, quota-exceeded, and what `launch` throws */
  *begin(record: AgentRecord, from: From = {}): Work<Agent> {
    const { ledger, supervisor } = this.parts;
    const { project } = record.view;
    const key = keyOf(record.view);
    function* work(): Work<Agent> {
      if (ledger.agents.has(key))
        throw new RequestError("exists", `there is an agent ${key} already`);
      const all = [...ledger.agents.values()].filter(({ view }) => view.project === project);
      if (all.length >= AGENTS_PER_PROJECT_MAX)
        throw new RequestError(
          "quota-exceeded",
          `${AGENTS_PER_PROJECT_MAX} agents in a project are the most; remove some that are over`,
        );
      return (yield* supervisor.launch(record, "agent.started", from)).view;
    }
    return yield* supervisor.exclusively(record.view, work());
  }

  private *list(project?: string): Work<Agent[]> {
    const all = [...this.parts.ledger.agents.values()].map(({ view }) => view);
    return all.filter((it) => !project || it.project === project);
  }

  private *inspect(named: Named): Work<unknown> {
    const { ledger, fleet } = this.parts;
    const record = ledger.find(named);
    const usage = isLive(record) ? yield* fleet.askFor(record, "info") : null;
    return { ...record.view, usage };
  }

  private *wait(named: Named & { wait: number }): Work<Agent> {
    const record = yield* this.parts.ledger.until(named, isOver, named.wait);
    return record.view;
  }

  private *kill(it: Named & { code: number; grace: number }): Work<Agent> {
    const { ledger, fleet, supervisor } = this.parts;
    const { code, grace } = it;
    const first = yield* supervisor.exclusively(it, this.stop(it));
    if (isLive(first) && grace > 0) {
      yield* this.tellTo(first, { terminate: code });
      yield* ledger.until(it, (now) => now.run !== first.run || !isLive(now), grace);
    }
    const record = ledger.find(it);
    if (record.run === first.run && isLive(record)) {
      yield* unlessOver(fleet.askFor(record, "kill", { code }));
      yield* ledger.until(it, (now) => !isLive(now), KILL_WAIT);
    }
    return ledger.find(it).view;
  }

  /** From now on it isn't wanted any more. */
  private *stop(named: Named): Work<AgentRecord> {
    const { ledger } = this.parts;
    const record = ledger.find(named);
    const { view } = record;
    if (isLive(record))
      return yield* ledger.put({ ...record, wanted: "stopped" }, { kind: "agent.killed" });
    if (view.state !== "waiting") throw new RequestError("wrong-state", `${view.name} doesn't run`);
    const over: Agent = { ...view, state: "exited", reason: null };
    return yield* ledger.put(
      { ...record, wanted: "stopped", due: null, view: over },
      { kind: "agent.killed" },
    );
  }

  /** One that takes no messages is ended all the same. */
  private *tellTo(record: AgentRecord, message: unknown): Work<void> {
    yield* unlessOver(this.parts.fleet.askFor(record, "tell", { message }));
  }

  private *pause(record: AgentRecord, paused: boolean): Work<AgentRecord> {
    const { ledger, fleet } = this.parts;
    requireLive(record);
    const state = paused ? "paused" : "running";
    if (record.view.state === state)
      throw new RequestError("wrong-state", `${record.view.name} is ${state} already`);
    yield* fleet.askFor(record, paused ? "suspend" : "resume");
    return yield* ledger.change(
      record,
      (now) => ({ ...now, wanted: state, view: { ...now.view, state } }),
      { kind: paused ? "agent.paused" : "agent.resumed" },
    );
  }

  private *start(record: AgentRecord): Work<AgentRecord> {
    const { view } = record;
    if (isLive(record)) throw new RequestError("wrong-state", `${view.name} runs already`);
    if (/^(exec|health):/.test(view.origin ?? ""))
      throw new RequestError(
        "wrong-state",
        "what was executed beside an agent can't be started again",
      );
    return yield* this.parts.supervisor.launch({ ...record, wanted: "running", failures: 0 });
  }

  private *update(record: AgentRecord, { limits, restart }: Update): Work<AgentRecord> {
    const { ledger, fleet } = this.parts;
    const { view } = record;
    // They have come as JSON, in which nothing is undefined.
    const merged = { ...view.limits, ...limits } as Limits;
    if (isLive(record)) {
      for (const limit of LIMITS_OF_A_LIFE)
        if (merged[limit] !== view.limits[limit])
          throw new RequestError(
            "wrong-state",
            `limits.${limit}: can't be changed while it runs; kill it, and start it once it is changed`,
          );
      yield* fleet.askFor(record, "schedule", { limits: merged });
    }
    return yield* ledger.change(
      record,
      (now) => ({
        ...now,
        view: { ...now.view, limits: merged, restart: restart ?? now.view.restart },
      }),
      { kind: "agent.updated" },
    );
  }

  *remove(named: Named & { force: boolean }): Work<object> {
    const { ledger, supervisor } = this.parts;
    if (named.force && !isOver(ledger.find(named)))
      yield* this.kill({ ...named, code: 137, grace: 0 });
    function* work(): Work<object> {
      const { view } = ledger.find(named);
      if (!isOver(ledger.find(named)))
        throw new RequestError(
          "wrong-state",
          `${view.name} isn't over; kill it first, or force it`,
        );
      yield* ledger.remove([named]);
      return {};
    }
    return yield* supervisor.exclusively(named, work());
  }

  /** Another image beside an agent, with capabilities of its. */
  *exec(it: Exec, origin = `exec:${it.name}`): Work<Agent> {
    const { ledger, images } = this.parts;
    const beside = ledger.find(it);
    requireLive(beside);
    const { project, capabilities, limits } = beside.view;
    const { digest } = yield* images.runnable(it.image);
    const asked = RunRequest.parse({
      ...{ project, image: it.image, args: it.args, env: it.env, stdin: it.stdin },
      ...(it.as && { name: it.as }),
      ...{ capabilities: it.capabilities ?? capabilities, limits: it.limits },
    });
    const run = asWished(asked, { ...images.wishes(digest), limits });
    const record = yield* this.fresh(run, digest, { origin });
    return yield* this.begin(record, { heir: beside });
  }

  private *input({ project, name, ...input }: Named & InputSpec): Work<{ taken: number }> {
    const { ledger, fleet } = this.parts;
    const record = ledger.find({ project, name });
    requireLive(record);
    const timeout = ASK_NS + BigInt(Math.round(input.wait * 1e9));
    return { taken: Number(yield* fleet.askFor(record, "input", input, timeout)) };
  }

  /** What agents have, start others from, or are judged by. */
  *images(): Iterable<WantedImage> {
    for (const { view, spec } of this.parts.ledger.agents.values()) {
      const by = `${view.project}/${view.name}`;
      yield { image: view.image.digest, by };
      for (const image of spec?.health?.exec?.slice(0, 1) ?? [])
        yield { image, by: `the health check of ${by}` };
      for (const text of view.capabilities)
        if (text.startsWith(SPAWNS)) yield { image: text.slice(SPAWNS.length), by };
    }
  }

  private *caps(record: AgentRecord): Work<unknown> {
    if (isLive(record)) return yield* this.parts.fleet.askFor(record, "caps");
    return record.view.capabilities.map((text) => ({ text, handle: null }));
  }

  private *grant(record: AgentRecord, capability: string): Work<AgentRecord> {
    const { ledger, fleet, supervisor } = this.parts;
    const { view } = record;
    if (view.capabilities.includes(capability))
      throw new RequestError("exists", `${view.name} holds ${capability} already`);
    const meant = yield* supervisor.links.meantFor(record, [capability]);
    const asked = { text: capability, meant: meant[capability] };
    if (isLive(record)) yield* fleet.askFor(record, "grant", asked);
    const capabilities = [...view.capabilities, capability];
    const holder = yield* ledger.change(
      record,
      (now) => ({ ...now, view: { ...now.view, capabilities } }),
      { kind: "agent.granted", detail: { capability } },
    );
    yield* supervisor.links.catchUp(holder, meant);
    return holder;
  }

  private *revoke(record: AgentRecord, capability: string): Work<AgentRecord> {
    const { ledger, fleet } = this.parts;
    const { view } = record;
    if (!view.capabilities.includes(capability))
      throw new RequestError("not-found", `${view.name} doesn't hold ${capability}`);
    if (isLive(record)) yield* fleet.askFor(record, "revoke", { text: capability });
    const capabilities = view.capabilities.filter((text) => text !== capability);
    return yield* ledger.change(
      record,
      (now) => ({ ...now, view: { ...now.view, capabilities } }),
      { kind: "agent.revoked", detail: { capability } },
    );
  }
}

export const isOver = ({ view }: AgentRecord): boolean =>
  view.state === "exited" || view.state === "lost";

export function requireLive(record: AgentRecord): void {
  if (!isLive(record)) throw new RequestError("wrong-state", `${record.view.name} doesn't run`);
}
