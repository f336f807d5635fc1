/**
 * The services on a machine of a test, with agents whose programs are the test's. A service can be made to
 * fail; the whole can be left where it stands, as by kill -9, and started again from its directory.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { agent } from "../../../sdk/agent/sys.ts";
import type { Run as AgentRun } from "../../../sdk/agent/testing.ts";
import { agentImage } from "../../../sdk/image/agent-image.ts";
import { buildBootImage } from "../../../sdk/image/index.ts";
import { agentFile, build } from "../../../sdk/oci/testing.ts";
import { Machine } from "../../../sim/host/machine.ts";
import type { ProgramFunction } from "../../../sim/host/programs.ts";
import { type FilesService, filesService } from "../../files/files.ts";
import type { Access } from "../../gateway/access.ts";
import { openGateway } from "../../gateway/host.ts";
import { makeSecret } from "../../gateway/tokens.ts";
import { CONTROLLER_ADDRESS, Doors } from "../../host/door.ts";
import { Store } from "../../host/store.ts";
import { initProgram } from "../../init/init.ts";
import { projectProgram } from "../../init/project.ts";
import { logsProgram } from "../../logs/logs.ts";
import type { MethodName, Params, Result } from "../../messages/api.ts";
import { giveInput } from "../../up/loop.ts";
import { putImage } from "../images.ts";
import { orchestratorProgram } from "../orchestrator.ts";

export type AgentPrograms = Readonly<Record<string, AgentRun>>;

export interface Options {
  readonly memory?: number;
  readonly projectBytes?: number;
  /** Of one agent's lines. */
  readonly logBytes?: number;
  /** Where the state is; default a new directory, which goes with the system. */
  readonly state?: string;
}

const MIB = 1024 * 1024;
const STEPS = 500;

export class TestSystem {
  readonly machine: Machine;
  readonly store: Store;
  readonly state: string;
  readonly access: Access;
  private readonly files: FilesService;
  private readonly armed: Set<string>;
  private readonly own: boolean;
  private running: Promise<void> | null = null;
  private stopped = false;

  private constructor(
    parts: Pick<TestSystem, "machine" | "store" | "state" | "access"> & {
      files: FilesService;
      armed: Set<string>;
      own: boolean;
    },
  ) {
    this.machine = parts.machine;
    this.store = parts.store;
    this.state = parts.state;
    this.files = parts.files;
    this.armed = parts.armed;
    this.own = parts.own;
    this.access = parts.access;
  }

  /** Boots, with an image "NAME:1.0.0" for each program. */
  static async start(programs: AgentPrograms, options: Options = {}): Promise<TestSystem> {
    const state = options.state ?? mkdtempSync(join(tmpdir(), "aios-orchestrator-"));
    const store = await Store.open(state);
    const epoch = Math.floor(Date.now() / 1000);
    const armed = new Set<string>();
    const doors = new Doors((frame) => giveInput(machine, () => machine.input.frame(frame)));
    const gateway = await openGateway({ store, doors, epoch, ownerToken: makeSecret() });
    const names = Object.keys(programs);
    const files = filesService({ directory: join(state, "files"), door: doors.make() });
    const services: Record<string, ProgramFunction> = {
      init: initProgram,
      project: projectProgram,
      orchestrator: orchestratorProgram({
        ...{ store, door: doors.make(), epoch, hostPrograms: names, prepare: async () => {} },
        forget: async () => {},
        // Programs of the host have no state that can be kept.
        states: { expect: () => {}, take: () => null, give: () => {}, drop: () => {} },
        projectBytes: options.projectBytes ?? 128 * MIB,
      }),
      logs: logsProgram({ store, door: doors.make(), epoch, bytesMax: options.logBytes }),
      files: files.program,
      ...gateway.programs,
    };
    for (const [name, program] of Object.entries(services)) {
      const wrapped = failing(program, () => armed.delete(name));
      services[name] = wrapped;
    }
    const { memory = 512 * MIB } = options;
    const entries = [...names, ...Object.keys(services)].map((program) => ({
      name: program,
      data: agentImage({ runtime: "host", program }),
    }));
    const drives = [{ data: await buildBootImage({ entries }) }];
    const nic = CONTROLLER_ADDRESS;
    const machine: Machine = await Machine.create({
      ...{ cpus: 1, memory, epochSeconds: epoch, drives, nic, journal: 64 * MIB },
    });
    for (const [name, run] of Object.entries(programs)) machine.agents.program(name, agent(run));
    for (const [name, start] of Object.entries(services)) machine.agents.program(name, start);
    const own = options.state === undefined;
    const system = new TestSystem({
      ...{ machine, store, state, access: gateway.access },
      ...{ files, armed, own },
    });
    system.running = system.run();
    const known = await system.call("image.list", {});
    for (const name of names)
      if (!known.some((image) => image.name === name)) await system.image(name);
    return system;
  }

  private async image(program: string): Promise<void> {
    const file = agentFile({ name: program, runtime: "host", program, entry: undefined });
    const archive = await putImage(this.store, (await build(file, {})).archive);
    await this.call("image.register", { archive });
  }

  async call<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>> {
    return (await this.access.owner.call(method, params)) as Result<M>;
  }

  /** A client with these capabilities and no others. */
  client(capabilities: readonly string[]): TestSystem["call"] {
    const side = this.access.open({ id: null, capabilities, expires: null });
    return async (method, params) => (await side.call(method, params)) as never;
  }

  /** The next operation of a service's agent is its last. */
  fail(service: string): void {
    this.armed.add(service);
  }

  isArmed(service: string): boolean {
    return this.armed.has(service);
  }

  /** Leaves everything where it stands. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.running;
    await this.files.close();
    await this.store.close();
    if (this.own) rmSync(this.state, { recursive: true });
  }

  private async run(): Promise<void> {
    const { machine } = this;
    const start = process.hrtime.bigint() - machine.time;
    while (!this.stopped) {
      const until = process.hrtime.bigint() - start;
      const reason = machine.run({ until, steps: STEPS });
      const pause = reason === "limit" || reason === "idle" ? 1 : 0;
      if (reason === "journal-full") machine.dropJournal();
      else if (reason !== "steps" && !pause)
        throw machine.crash ?? new Error(`the machine has ended: ${reason} ${machine.consoleText}`);
      await new Promise((resolve) => (pause ? setTimeout(resolve, pause) : setImmediate(resolve)));
    }
  }
}

/** A program that fails when it is told to. */
function failing(start: ProgramFunction, isTold: () => boolean): ProgramFunction {
  return (given) => {
    const program = start(given);
    const { next } = program;
    program.next = (...args) => {
      if (isTold()) throw new Error("a fault of the test");
      return next.apply(program, args);
    };
    return program;
  };
}
