/**
 * The running system: the machine with its services, the state directory, and the gateway's sockets. Virtual
 * time keeps pace with real time while there is something to do.
 */

import { mkdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { join } from "node:path";
import { getRequestListener } from "@hono/node-server";
import { agentImage } from "../../sdk/image/agent-image.ts";
import { buildBootImage } from "../../sdk/image/index.ts";
import { Machine } from "../../sim/host/machine.ts";
import { Clients } from "../gateway/clients.ts";
import { clientProgram, gatewayProgram } from "../gateway/gateway.ts";
import { gatewayRoutes } from "../gateway/server.ts";
import { Door } from "../host/door.ts";
import { Store } from "../host/store.ts";
import { initProgram } from "../init/init.ts";
import { projectProgram } from "../init/project.ts";
import { logsProgram } from "../logs/logs.ts";
import { orchestratorProgram } from "../orchestrator/orchestrator.ts";
import type { Code } from "../wasm/agent.ts";
import { prepare } from "../wasm/module/prepare.ts";
import { wasmProgram } from "../wasm/program.ts";

export interface SystemOptions {
  /** The state directory. */
  readonly state: string;
  readonly cpus?: number;
  /** Bytes of RAM. */
  readonly memory?: number;
}

const DEFAULT_MEMORY = 1024 * 1024 * 1024;
const STEPS_AT_A_TIME = 200;
const IDLE_MS = 2;
const SOCKET = "aios.sock";

export class System {
  readonly machine: Machine;
  readonly store: Store;
  readonly clients: Clients;
  readonly codes: Map<string, Code>;
  readonly socket: string;
  private readonly server: Server;
  private stopped = false;

  private constructor(parts: Pick<System, "machine" | "store" | "clients" | "codes" | "socket">) {
    this.machine = parts.machine;
    this.store = parts.store;
    this.clients = parts.clients;
    this.codes = parts.codes;
    this.socket = parts.socket;
    const root = this.clients.open(["*"]);
    const routes = gatewayRoutes(() => root);
    this.server = createServer(getRequestListener(routes.fetch));
  }

  /** @throws RequestError unavailable: the state directory is another instance's */
  static async start(options: SystemOptions): Promise<System> {
    mkdirSync(options.state, { recursive: true, mode: 0o700 });
    const store = await Store.open(options.state);
    const epoch = Math.floor(Date.now() / 1000);
    const names = ["init", "orchestrator", "gateway", "client", "logs", "project", "wasm"];
    const entries = names.map((program) => ({
      name: program,
      data: agentImage({ runtime: "host", program }),
    }));
    const machine = await Machine.create({
      cpus: options.cpus ?? 2,
      memory: options.memory ?? DEFAULT_MEMORY,
      epochSeconds: epoch,
      drives: [{ data: await buildBootImage({ entries }) }],
    });
    const bell = () => () => {};
    const clients = new Clients(bell);
    const codes = new Map<string, Code>();
    const door = () => new Door(bell());
    const programs = {
      init: initProgram,
      project: projectProgram,
      orchestrator: orchestratorProgram({
        ...{ store, door: door(), epoch },
        projectBytes: (options.memory ?? DEFAULT_MEMORY) / 4,
        hostPrograms: [],
        prepare: async ({ runtime, code }) => {
          if (runtime === "wasm") await prepareCode(store, codes, code);
        },
      }),
      logs: logsProgram({ store, door: door(), epoch }),
      gateway: gatewayProgram({ clients, door: door() }),
      client: clientProgram({ clients, door: door() }),
      wasm: wasmProgram(codes),
    };
    for (const [name, program] of Object.entries(programs)) machine.agents.program(name, program);
    const socket = join(options.state, SOCKET);
    const system = new System({ machine, store, clients, codes, socket });
    await system.listen();
    return system;
  }

  /** Keeps a module, and prepares it to run: its digest. */
  async addCode(bytes: Uint8Array): Promise<string> {
    const digest = await this.store.putObject(bytes);
    await prepareCode(this.store, this.codes, digest);
    return digest;
  }

  /** Runs until `stop`. @throws what a machine that has crashed says */
  async run(): Promise<void> {
    const { machine } = this;
    const start = process.hrtime.bigint() - machine.time;
    while (!this.stopped) {
      const until = process.hrtime.bigint() - start;
      const reason = machine.run({ until, steps: STEPS_AT_A_TIME });
      if (reason === "steps") await new Promise((resolve) => setImmediate(resolve));
      else if (reason === "limit" || reason === "idle")
        await new Promise((resolve) => setTimeout(resolve, IDLE_MS));
      else throw machine.crash ?? new Error(`the machine has ended: ${reason}`);
    }
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await new Promise((resolve) => this.server.close(resolve));
    await this.store.close();
  }

  private listen(): Promise<void> {
    rmSync(this.socket, { force: true });
    const mask = process.umask(0o177);
    return new Promise((resolve) =>
      this.server.listen(this.socket, () => {
        process.umask(mask);
        resolve();
      }),
    );
  }
}

/** Makes a module of the store ready to run, unless it is. */
async function prepareCode(store: Store, codes: Map<string, Code>, digest: string): Promise<void> {
  if (codes.has(digest)) return;
  const prepared = await prepare(await store.getObject(digest));
  const module = await WebAssembly.compile(prepared.code as BufferSource);
  codes.set(digest, { prepared, module });
}
