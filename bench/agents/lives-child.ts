/**
 * A process that times lives of WebAssembly agents and prints the samples as JSON: FILE of the prepared
 * module, FILE of the module as it came, RUNS, then the counts of pages to be dirty when one is cloned.
 */
import { readFileSync } from "node:fs";
import type { Child } from "../../sdk/agent/births.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { birthOf as stateAtBirth } from "../../services/wasm/agent.ts";
import { type Frozen, Instance } from "../../services/wasm/instance.ts";
import { begin, birthOf, dirty, end, readModule, World } from "./world.ts";

/** Milliseconds of one operation: of real time, and of CPU time of all threads of the process. */
export interface Cost {
  readonly wall: number;
  readonly cpu: number;
}
export interface LifeSamples {
  readonly spawn: Cost[];
  /** From spawn to reaped end. */
  readonly life: Cost[];
  readonly instance: Cost[];
  readonly freeze: Cost[];
  readonly thaw: Cost[];
  /** By pages that were dirty. */
  readonly clones: Readonly<Record<string, Cost[]>>;
}

const MIB = 1 << 20;
const BATCH = 40;
const WARM_BATCHES = 8;

const [preparedFile = "", plainFile = "", runs = "", ...dirtyCounts] = process.argv.slice(2);
const code = await readModule(preparedFile);
const world = await World.create(code, 512 * MIB);

/** Adds up what it has measured. */
class Meter {
  private wall = 0;
  private cpu = 0;
  private since = { wall: 0, cpu: process.cpuUsage() };

  start(): void {
    this.since = { cpu: process.cpuUsage(), wall: performance.now() };
  }

  stop(): void {
    this.wall += performance.now() - this.since.wall;
    const { user, system } = process.cpuUsage(this.since.cpu);
    this.cpu += (user + system) / 1000;
  }

  each(count: number): Cost {
    return { wall: this.wall / count, cpu: this.cpu / count };
  }
}

/** A batch of agents, one after the other: what it takes until each has said that it is there, and to its end. */
function lives(): { spawn: Cost; life: Cost } {
  const spawn = new Meter();
  const life = new Meter();
  world.run(function* (sys, image) {
    life.start();
    for (let n = 0; n < BATCH; n++) {
      spawn.start();
      const child = yield* begin(sys, image);
      spawn.stop();
      yield* end(sys, child);
    }
    life.stop();
  });
  return { spawn: spawn.each(BATCH), life: life.each(BATCH) };
}

/** A batch of clones of an agent that has written to `pages` since the last one, until each has answered. */
function clones(pages: number): Cost {
  const meter = new Meter();
  world.run(function* (sys, image) {
    const original = yield* begin(sys, image);
    yield* dirty(sys, original, pages);
    for (let n = 0; n < BATCH; n++) {
      yield* dirty(sys, original, pages);
      meter.start();
      const child = yield* clone(sys, original.capability);
      yield* dirty(sys, child, 0);
      meter.stop();
      yield* end(sys, child);
    }
    yield* end(sys, original);
  });
  return meter.each(BATCH);
}

/** As the system clones an agent (services/init/project.ts). */
function* clone(sys: Sys, original: number): Step<Child> {
  yield* sys.suspend(original);
  const child = yield* sys.clone(original, { grants: [{ capability: sys.self }] });
  yield* sys.send(child.capability, birthOf(child));
  yield* sys.resume(original);
  return child;
}

/** What it imports. */
const IMPORTS = ["capability", "send", "receive", "exit"] as const;
const LEFT = new Error("left");
function leave(): never {
  throw LEFT;
}

/** An instance of the module as it came, and its first call: what the engine takes without an agent. */
const plain = new WebAssembly.Module(readFileSync(plainFile));
function instances(): Cost {
  const meter = new Meter();
  const aios = Object.fromEntries(IMPORTS.map((name) => [name, () => leave()]));
  meter.start();
  for (let n = 0; n < BATCH; n++) {
    const { exports } = new WebAssembly.Instance(plain, { aios });
    try {
      (exports._start as () => void)();
    } catch (error) {
      if (error !== LEFT) throw error;
    }
  }
  meter.stop();
  return meter.each(BATCH);
}
/** Its state taken out, and an instance made of that. */
function freezeAndThaw(pages: number): { freeze: Cost; thaw: Cost } {
  const thawed = (state: Frozen) => new Instance(code.prepared, code.module, state, () => null);
  const freeze = new Meter();
  const thaw = new Meter();
  for (let n = 0; n < BATCH; n++) {
    const it = thawed(stateAtBirth(code.prepared));
    for (let page = 0; page < pages; page++) it.bytes[8192 + page * 4096] = n + 1;
    freeze.start();
    const state = it.freeze();
    freeze.stop();
    thaw.start();
    thawed(state);
    thaw.stop();
  }
  return { freeze: freeze.each(BATCH), thaw: thaw.each(BATCH) };
}

const most = Math.max(...dirtyCounts.map(Number));
const samples: LifeSamples = {
  spawn: [],
  life: [],
  instance: [],
  freeze: [],
  thaw: [],
  clones: Object.fromEntries(dirtyCounts.map((pages) => [pages, []])),
};
for (let run = -WARM_BATCHES; run < Number(runs); run++) {
  const { spawn, life } = lives();
  const instance = instances();
  const { freeze, thaw } = freezeAndThaw(most);
  const cloned = dirtyCounts.map((pages) => [pages, clones(Number(pages))] as const);
  // Memories that are over are freed, and code that V8 has compiled beside is put in place.
  await new Promise((resolve) => setTimeout(resolve, 4));
  if (run < 0) continue;
  for (const [name, cost] of Object.entries({ spawn, life, instance, freeze, thaw }))
    samples[name as Exclude<keyof LifeSamples, "clones">].push(cost);
  for (const [pages, cost] of cloned) samples.clones[pages]?.push(cost);
}
console.log(JSON.stringify(samples));
