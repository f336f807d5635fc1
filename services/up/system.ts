/**
 * The running system: the machine with its services, the state directory, and the gateway's sockets. Virtual
 * time keeps pace with real time (loop.ts).
 */
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { version } from "../../sdk/cli/version.ts";
import { agentImage } from "../../sdk/image/agent-image.ts";
import { buildBootImage } from "../../sdk/image/index.ts";
import { Machine } from "../../sim/host/machine.ts";
import { decodePlain, encodePlain } from "../../sim/host/plain-data.ts";
import { type FilesService, filesService } from "../files/files.ts";
import type { Mount } from "../files/tree.ts";
import type { Access } from "../gateway/access.ts";
import { openGateway } from "../gateway/host.ts";
import { openTraces, type Traces } from "../gateway/traces.ts";
import { CONTROLLER_ADDRESS, Doors } from "../host/door.ts";
import { Store } from "../host/store.ts";
import { initProgram } from "../init/init.ts";
import { projectProgram } from "../init/project.ts";
import { logsProgram } from "../logs/logs.ts";
import { RequestError } from "../messages/errors.ts";
import type { States } from "../orchestrator/copies.ts";
import type { Stop } from "../orchestrator/ending.ts";
import { orchestratorProgram } from "../orchestrator/orchestrator.ts";
import { type WasmParts, wasmProgram } from "../wasm/program.ts";
import { States as KeptStates } from "../wasm/states.ts";
import { hostFolders } from "./host-folders.ts";
import { putImage } from "./images.ts";
import { readInstance, writeInstance } from "./instance.ts";
import { JOURNAL_BYTES, keepJournal } from "./journal.ts";
import { Loop } from "./loop.ts";
import { Preparer } from "./preparer.ts";
import { moduleRuntime, type Runtime, scriptRuntime } from "./runtimes.ts";
import { ownerToken, SOCKET_FILE, Sockets } from "./sockets.ts";
import { makeStateFolder } from "./state-folder.ts";

export interface SystemOptions {
  /** The state directory; it is made, and nobody but its owner gets in. */
  readonly state: string;
  /** Default 2. */
  readonly cpus?: number | undefined;
  /** Bytes of RAM. Default 2 GiB. */
  readonly memory?: number | undefined;
  /** Port of the gateway on loopback; 0 for any; null, the default, for none. */
  readonly port?: number | null | undefined;
  /** Folders of the host that agents with a capability for them see. */
  readonly mounts?: readonly Mount[] | undefined;
  /** Requests are traced, and what is wrong with that is told here. Default: no traces. */
  readonly traces?: ((problem: string) => void) | undefined;
}

const MIB = 1024 * 1024;
const DEFAULT_CPUS = 2;
/** What nobody uses takes nothing from the host. */
const DEFAULT_MEMORY = 2048 * MIB;
/** Of the machine's memory: what the agents of a project may have that says nothing else. */
const PROJECT_SHARE = 1 / 4;
/** So much longer than their time agents are waited for, if the machine is behind. */
const LATE = 2;
/** Time for the machine to turn itself off in order, ns of its own. */
const POWER_OFF_NS = 2_000_000_000n;

const PROGRAMS = ["init", "orchestrator", "gateway", "client", "logs", "files", "project"] as const;
/** Programs that run code that agents bring. */
const RUNTIMES = ["wasm", "quickjs"] as const;

interface Parts
  extends Pick<System, "machine" | "store" | "access" | "preparer" | "loop" | "state"> {
  readonly files: FilesService;
  /** Lets agents end; nothing is started after it. */
  readonly askToStop: (stop: Stop) => void;
}

export class System {
  readonly state: string;
  readonly machine: Machine;
  readonly store: Store;
  readonly access: Access;
  readonly preparer: Preparer;
  readonly loop: Loop;
  private readonly files: FilesService;
  private readonly askToStop: Parts["askToStop"];
  private readonly traces: Traces | undefined;
  private sockets: Sockets | null = null;
  /** Why the machine has come to an end by itself; null when it was stopped. */
  private running: Promise<Error | null> | null = null;

  private constructor(parts: Parts, traces: Traces | undefined) {
    this.state = parts.state;
    this.machine = parts.machine;
    this.store = parts.store;
    this.access = parts.access;
    this.preparer = parts.preparer;
    this.loop = parts.loop;
    this.files = parts.files;
    this.askToStop = parts.askToStop;
    this.traces = traces;
  }

  /**
   * Turns the machine on; `run` makes it go.
   * @throws RequestError bad-request: a mount can't be; unavailable: the state directory can't be used or is
   *   another instance's, or an address is taken
   */
  static async start(options: SystemOptions): Promise<System> {
    const { state } = options;
    makeStateFolder(state);
    const mounts = hostFolders(options.mounts ?? [], state);
    const store = await openStore(state);
    try {
      const [parts, traces] = await Promise.all([
        assemble({ ...options, mounts }, store),
        options.traces && openTraces(version(), options.traces),
      ]);
      const system = new System(parts, traces);
      await system.listen(options.port ?? null);
      return system;
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  get socket(): string {
    return join(this.state, SOCKET_FILE);
  }

  /** Of the gateway on loopback; null for none. */
  get port(): number | null {
    return this.sockets?.port ?? null;
  }

  /** Keeps a module, and prepares it to run: its digest. */
  async addCode(bytes: Uint8Array): Promise<string> {
    const digest = await this.store.putObject(bytes);
    await this.preparer.prepare(digest);
    return digest;
  }

  /**
   * Runs until `stop`.
   * @throws Error: the machine has come to an end by itself, and its journal is kept; RequestError unavailable:
   *   the state directory can't be written any more, and nothing would be kept of what goes on
   */
  async run(): Promise<void> {
    const { machine, loop, state, store } = this;
    store.onFailure = () => void this.giveUp();
    const ended = loop.run().then(
      (reason) => (reason === "condition" ? null : (machine.crash ?? new Error(reason))),
      (error: Error) => error,
    );
    this.running = ended;
    const failure = await ended;
    if (failure === null) {
      if (store.failure) throw store.failure;
      return;
    }
    const kept = await keepJournal(state, machine).catch(
      ({ message }: Error) => `none, ${message}`,
    );
    throw new Error(`the machine has ended: ${failure.message} (journal: ${kept})`, {
      cause: failure,
    });
  }

  /** Requests that are under way are still told why they are refused. */
  private async giveUp(): Promise<void> {
    await this.sockets?.close();
    this.loop.stop();
  }

  /** Kept once the system answers its owner's requests. */
  async ready(): Promise<void> {
    await this.access.owner.call("agent.list", {});
  }

  /**
   * Stops in order: agents are told and have `grace` seconds to end by themselves, no more requests, those
   * under way answered, the machine turned off by its power button, the state closed.
   */
  async stop(grace = 0): Promise<void> {
    if (grace > 0) await this.endAgents(grace);
    await this.sockets?.close();
    const sent = this.traces?.close();
    this.loop.stop();
    if ((await this.running) === null) this.powerOff();
    await this.files.close();
    await this.preparer.close();
    await this.store.close();
    await sent;
  }

  /** Until none runs any more, or the time is over: the machine's, or, if that stands still, the host's. */
  private async endAgents(grace: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise((resolve) => {
      timer = setTimeout(resolve, LATE * grace * 1000);
    });
    const ended = new Promise<void>((done) => this.askToStop({ grace, done }));
    await Promise.race([ended, this.running, late]);
    clearTimeout(timer);
  }

  private powerOff(): void {
    const { machine, loop } = this;
    loop.give(() => machine.input.powerButton());
    machine.run({ until: machine.time + POWER_OFF_NS });
  }

  private async listen(port: number | null): Promise<void> {
    const { state, socket, access, traces } = this;
    const host = {
      putImage: (bytes: Uint8Array) => putImage(bytes, this),
      journal: () => this.machine.journal.toBytes(),
      version: version(),
    };
    this.sockets = await Sockets.open({ socket, port }, host, access, traces);
    writeInstance(state, { pid: process.pid, started: Date.now() / 1000, port: this.port });
  }
}

/** @throws RequestError unavailable, which names the process that has the directory */
async function openStore(state: string): Promise<Store> {
  try {
    return await Store.open(state);
  } catch (error) {
    const other = readInstance(state);
    if (!(error instanceof RequestError) || !other || !error.message.includes("another instance"))
      throw error;
    throw new RequestError("unavailable", `${error.message}: process ${other.pid}`);
  }
}

async function assemble(options: SystemOptions, store: Store): Promise<Parts> {
  const epoch = Math.floor(Date.now() / 1000);
  const entries = PROGRAMS.map((program) => ({
    name: program,
    data: agentImage({ runtime: "host", program }),
  }));
  const { cpus = DEFAULT_CPUS, memory = DEFAULT_MEMORY } = options;
  const machine = await Machine.create({
    cpus,
    memory,
    epochSeconds: epoch,
    nic: CONTROLLER_ADDRESS,
    // Identities, tokens' keys and random bytes of one run are no other's.
    seed: randomBytes(32),
    drives: [{ data: await buildBootImage({ entries }) }],
    journal: JOURNAL_BYTES,
  });
  const loop = new Loop(machine);
  const preparer = new Preparer(store);
  const doors = new Doors((frame) => loop.give(() => machine.input.frame(frame)));
  const ownersToken = ownerToken(options.state);
  const gateway = await openGateway({ store, doors, epoch, ownerToken: ownersToken });
  const { stopping, askToStop } = stopLater();
  const files = filesService({
    ...{ directory: join(options.state, "files"), door: doors.make() },
    mounts: options.mounts ?? [],
  });
  const states: WasmParts["states"] = new KeptStates();
  const runtimes: Record<(typeof RUNTIMES)[number], Runtime> = {
    wasm: moduleRuntime(preparer, epoch),
    quickjs: scriptRuntime(store, epoch),
  };
  const programs: Record<(typeof PROGRAMS)[number], Parameters<typeof machine.agents.program>[1]> =
    {
      init: initProgram,
      project: projectProgram,
      orchestrator: orchestratorProgram({
        ...{ store, door: doors.make(), epoch },
        projectBytes: memory * PROJECT_SHARE,
        stopping,
        hostPrograms: [],
        states: statesOf(states),
        prepare: async (image) => {
          if (isRuntime(image.runtime)) await runtimes[image.runtime].prepare(image);
        },
        forget: async (image) => {
          if (isRuntime(image.runtime)) await runtimes[image.runtime].forget(image);
        },
      }),
      logs: logsProgram({ store, door: doors.make(), epoch }),
      files: files.program,
      ...gateway.programs,
    };
  for (const [name, program] of Object.entries(programs)) machine.agents.program(name, program);
  for (const [name, { runnable }] of Object.entries(runtimes))
    machine.agents.program(name, ...wasmProgram({ runnable, states }));
  return {
    state: options.state,
    machine,
    store,
    access: gateway.access,
    preparer,
    loop,
    files,
    askToStop,
  };
}

function stopLater(): { stopping: Promise<Stop>; askToStop: Parts["askToStop"] } {
  let askToStop: Parts["askToStop"] = () => {};
  const stopping = new Promise<Stop>((resolve) => {
    askToStop = resolve;
  });
  return { stopping, askToStop };
}

const isRuntime = (text: string): text is (typeof RUNTIMES)[number] =>
  RUNTIMES.some((it) => it === text);

/** States of WebAssembly agents as bytes. */
function statesOf(states: WasmParts["states"]): States {
  return {
    expect: (name) => states.expect(name),
    take(name) {
      const state = states.take(name);
      return state && encodePlain(state);
    },
    give: (name, bytes) => states.give(name, decodePlain(bytes) as never),
    drop: (name) => states.drop(name),
  };
}
