/**
 * The first agent. It starts the services, starts again what ends, and introduces them to each other; for
 * the orchestrator it makes projects. It decides nothing else: what it does not do can't go wrong in it,
 * and when it ends the system does.
 *
 *   init ─┬─ logs, orchestrator, gateway, …
 *         └─ project ─── agents           one for each project
 *
 * Projects aren't below the orchestrator, so that agents go on when that one ends.
 */
import { RIGHT_DERIVE, RIGHT_EXECUTE, RIGHT_SEND, RIGHTS_ALL } from "../../kernel/cap/rights.ts";
import type { Child, Grant } from "../../sdk/agent/births.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Message } from "../../sdk/agent/messages.ts";
import type { Notice } from "../../sdk/agent/notices.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import { introduction } from "../host/peers.ts";
import { answering, WithCapability } from "../host/rpc.ts";
import { Tasks, type Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import { encode } from "../messages/json.ts";
import { type Handles, PROJECT_IMAGE } from "../messages/system.ts";
import { SERVICES, type ServiceSpec } from "./services.ts";

/** A service that ends so often within this time is not started again, and the system ends. */
const RESTARTS_MAX = 10;
const RESTARTS_WITHIN_NS = 60_000_000_000n;
const PAUSE_FIRST_NS = 10_000_000n;
const PAUSE_LONGEST_NS = 5_000_000_000n;

interface Running {
  readonly name: string;
  readonly child: Child;
}

export const initProgram = agent(function* (sys) {
  yield* new Init(sys).run();
});

class Init {
  private readonly sys: Sys;
  private readonly tasks: Tasks;
  private readonly services = new Map<string, Running>();
  private readonly projects = new Map<string, Running>();
  private readonly ends = new Map<string, bigint[]>();

  constructor(sys: Sys) {
    this.sys = sys;
    this.tasks = new Tasks(sys);
  }

  *run(): Step<never> {
    this.tasks.start(this.startAll());
    const answer = answering(this.tasks, {
      "project.open": (params, message) => this.openProject(params as ProjectSpec, message),
      "project.list": (_, message) => this.listProjects(message),
    });
    return yield* this.tasks.run({ message: answer, notice: (it) => this.heard(it) });
  }

  private *startAll(): Work<void> {
    for (const service of SERVICES) yield* this.start(service);
  }

  private *start(service: ServiceSpec): Work<void> {
    const { sys } = this;
    const grants: Grant[] = [];
    if (service.kernel) grants.push({ capability: Number(sys.argument), rights: service.kernel });
    if (service.scopes) grants.push({ capability: sys.allScopes });
    const child = yield* this.spawn(service.name, grants, service.quota);
    const [kernel = 0, scopes = 0] = service.kernel ? child.grants : [0, ...child.grants];
    this.services.set(service.name, { name: service.name, child });
    const handles: Handles = { kernel, scopes };
    yield* sys.send(child.capability, encode(handles));
    for (const peer of service.peers) yield* this.introduce(peer, child);
    yield* this.announce(service.name, child);
  }

  private *spawn(image: string, grants: readonly Grant[], quota: number): Work<Child> {
    const { sys } = this;
    const opened = yield* sys.image(image);
    const child = yield* sys.spawn({ image: opened, quota, grants });
    yield* sys.drop(opened);
    return child;
  }

  /** Tells an agent who a service is. */
  private *introduce(peer: string, to: Child): Work<void> {
    const { sys } = this;
    const it = this.services.get(peer)?.child ?? null;
    const capability = peer === "init" ? sys.self : it?.capability;
    if (!capability) return;
    const sends = yield* sys.derive(capability, { rights: RIGHT_SEND | RIGHT_DERIVE });
    yield* sys.send(to.capability, introduction(peer, it?.id ?? sys.id), sends);
  }

  /** Tells all that it concerns of a service that has just been started. */
  private *announce(name: string, _child: Child): Work<void> {
    for (const { name: other, child } of this.services.values())
      if (SERVICES.find((it) => it.name === other)?.peers.includes(name))
        yield* this.introduce(name, child);
    for (const { child } of this.projects.values()) yield* this.introduce(name, child);
  }

  private *heard(notice: Notice): Work<void> {
    if (notice.kind !== "ended") return;
    for (const [name, { child }] of this.projects)
      if (child.id === notice.agent) this.projects.delete(name);
    for (const service of SERVICES)
      if (this.services.get(service.name)?.child.id === notice.agent) yield* this.again(service);
  }

  /** Starts a service that has ended once more, after a pause that doubles. */
  private *again(service: ServiceSpec): Work<void> {
    const { sys, ends } = this;
    this.services.delete(service.name);
    const now = yield* sys.now();
    const lately = (ends.get(service.name) ?? []).filter((at) => now - at < RESTARTS_WITHIN_NS);
    ends.set(service.name, [...lately, now]);
    if (lately.length >= RESTARTS_MAX) yield* sys.exit(1);
    const pause = PAUSE_FIRST_NS << BigInt(lately.length);
    yield* this.tasks.sleep(pause < PAUSE_LONGEST_NS ? pause : PAUSE_LONGEST_NS);
    yield* this.start(service);
  }

  /** Makes a project unless it is there, and gives a capability to it. */
  private *openProject({ name, quota }: ProjectSpec, message: Message): Work<WithCapability> {
    this.requireOrchestrator(message);
    const { sys } = this;
    let project = this.projects.get(name);
    if (!project) {
      const kernel = { capability: Number(sys.argument), rights: RIGHT_EXECUTE | RIGHT_DERIVE };
      const child = yield* this.spawn(
        PROJECT_IMAGE,
        [kernel, { capability: sys.allScopes }],
        quota,
      );
      project = { name, child };
      this.projects.set(name, project);
      const handles: Handles = { kernel: child.grants[0] ?? 0, scopes: child.grants[1] ?? 0, name };
      yield* sys.send(child.capability, encode(handles));
      for (const peer of ["orchestrator", "logs"]) yield* this.introduce(peer, child);
    }
    const { id, capability } = project.child;
    return new WithCapability({ id }, yield* sys.derive(capability, { rights: RIGHTS_ALL }));
  }

  private *listProjects(message: Message): Work<string[]> {
    this.requireOrchestrator(message);
    return [...this.projects.keys()];
  }

  private requireOrchestrator({ sender }: Message): void {
    if (sender !== this.services.get("orchestrator")?.child.id)
      throw new RequestError("denied", "only the orchestrator may ask for that");
  }
}

interface ProjectSpec {
  readonly name: string;
  readonly quota: number;
}
