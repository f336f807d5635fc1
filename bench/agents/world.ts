/** A machine whose first agent does what the benchmark tells it, with WebAssembly agents of one module. */
import { readFileSync } from "node:fs";
import type { Child } from "../../sdk/agent/births.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import { agentImage } from "../../sdk/image/agent-image.ts";
import { buildBootImage } from "../../sdk/image/index.ts";
import type { Birth } from "../../services/messages/birth.ts";
import { encode } from "../../services/messages/json.ts";
import type { Code } from "../../services/wasm/agent.ts";
import { readPrepared } from "../../services/wasm/module/file.ts";
import { modulePersonalities } from "../../services/wasm/personalities.ts";
import { wasmProgram } from "../../services/wasm/program.ts";
import { States } from "../../services/wasm/states.ts";
import { Machine } from "../../sim/host/machine.ts";

/** @param file of a prepared module */
export async function readModule(file: string): Promise<Code> {
  const prepared = readPrepared(new Uint8Array(readFileSync(file)));
  return { prepared, module: await WebAssembly.compile(prepared.code as BufferSource) };
}

type Task = (sys: Sys, image: number) => Step<void>;

/** Virtual time for which the machine runs between two looks at whether a task is done, ns. */
const SPAN = 1_000_000n;
const JOURNAL_BYTES = 1 << 20;
const FRAME_BYTES = 4096;

export class World {
  readonly machine: Machine;
  private task: Task | null = null;

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  /** `others`: further programs, each with an image of its name. */
  static async create(
    code: Code,
    memory: number,
    others: Readonly<Record<string, (sys: Sys) => Step<unknown>>> = {},
  ): Promise<World> {
    const entries = ["init", "wasm", ...Object.keys(others)].map((name) => ({
      name,
      data: agentImage({ runtime: "host", program: name }),
    }));
    const drives = [{ data: await buildBootImage({ entries }) }];
    const machine = await Machine.create({ cpus: 1, memory, drives, journal: JOURNAL_BYTES });
    const world = new World(machine);
    const runnable = () => ({ code, personalities: (birth: Birth) => modulePersonalities(birth) });
    machine.agents.program("wasm", ...wasmProgram({ runnable, states: new States() }));
    const init = (sys: Sys) => world.init(sys);
    for (const [name, run] of Object.entries({ init, ...others }))
      machine.agents.program(name, agent(run));
    return world;
  }

  /** Lets the first agent do that. @throws what an agent has thrown */
  run(task: Task): void {
    const { machine } = this;
    this.task = task;
    while (this.task !== null) {
      const reason = machine.run({ until: machine.time + SPAN });
      const [failure] = machine.agents.failures;
      if (failure) throw failure.error.cause ?? failure.error;
      if (reason === "journal-full") machine.dropJournal();
      else if (reason !== "limit") throw new Error(`the machine ended with ${reason}`);
    }
  }

  /** Bytes of the machine's RAM that somebody holds. */
  get usedBytes(): number {
    const { frames } = this.machine.kernel;
    return frames === null ? 0 : (frames.count - frames.free) * FRAME_BYTES;
  }

  private *init(sys: Sys): Step<never> {
    const image = yield* sys.image("wasm");
    while (true) {
      if (this.task) yield* this.task(sys, image);
      this.task = null;
      yield* sys.sleep(SPAN);
    }
  }
}

/** Starts an agent of the module, and waits until it has said that it is there. */
export function* begin(sys: Sys, image: number): Step<Child> {
  const child = yield* sys.spawn({ image, grants: [{ capability: sys.self }] });
  yield* sys.send(child.capability, birthOf(child));
  yield* sys.receive();
  return child;
}

/** What one is told at its birth. */
export function birthOf({ grants: [handle = 0] }: Child): Uint8Array {
  const birth: Birth = {
    args: [],
    env: {},
    streams: [],
    files: null,
    capabilities: [{ text: "p", handle }],
  };
  return encode(birth);
}

/** Has one write to so many pages. */
export function* dirty(sys: Sys, child: Child, pages: number): Step<void> {
  yield* sys.send(child.capability, new Uint8Array(Uint32Array.of(pages, 0).buffer));
  yield* sys.receive();
}

export function* end(sys: Sys, child: Child): Step<void> {
  yield* sys.kill(child.capability);
  yield* sys.ended(child.id);
  yield* sys.drop(child.capability);
}
