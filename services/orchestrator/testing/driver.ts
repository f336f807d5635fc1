/**
 * What a client does to a system that is to be killed: acts in a random order, some at the same time. Each
 * act is noted before it is asked for and when it has been acknowledged; so it is known what must be there
 * afterwards, what must not, and what may.
 */
import { agentFile, build } from "../../../sdk/oci/testing.ts";
import type { MethodName, Params, Result } from "../../messages/api.ts";
import { RequestError } from "../../messages/errors.ts";

/** The acts that make something, and those that have it gone. */
export const MAKES = {
  run: "remove",
  snapshot: "forget",
  register: "unregister",
  token: "revoke",
} as const;
export type Make = keyof typeof MAKES;
type Change = "kill" | "update" | "grant" | "logs" | "pause" | "rollback";
type Act = Make | (typeof MAKES)[Make] | Change;

export interface Note {
  /** Of an agent, a snapshot, an image (its version) or a token. */
  readonly name: string;
  readonly act: Act;
  readonly done: boolean;
  /** Of run: 1 if it is to run always; of logs: how many lines were seen; of update: the weight; of token: it. */
  readonly value?: number | string;
}

/** What is driven. */
export interface Subject {
  call<M extends MethodName>(method: M, params: Params<M>): Promise<Result<M>>;
  /** Keeps an archive; its digest. */
  putImage(archive: Uint8Array): Promise<string>;
}

/** Numbers from 0 below 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WORKERS = 3;
export const CAPABILITY = "FS_WRITE:/projects/demo";
const GRANTED = "FS_READ:/projects/demo";
const LIMITS = { memory: 256 * 1024 };
export const ARGUMENTS = ["0"];
export const IMAGE = "driven";
const SCRIPTS = 3;

type Done = Promise<number | string | undefined>;
/** An act on a name; a value that is known before is noted with the question. */
interface Asked {
  readonly name: string;
  readonly value?: number;
  work(): Done;
}

/** One that does one act after the other. */
class Worker {
  private readonly subject: Subject;
  private readonly random: () => number;
  private readonly prefix: string;
  private count = 0;
  private readonly agents: string[] = [];
  private readonly snapshots: { readonly name: string; readonly agent: string }[] = [];
  private readonly images: string[] = [];
  private readonly tokens: { readonly name: string; readonly id: string }[] = [];

  constructor(subject: Subject, number: number, seed: number) {
    this.subject = subject;
    this.random = randomOf(seed * WORKERS + number);
    this.prefix = `w${number}`;
  }

  /** Null when there is nothing to do it to. */
  act(act: Act): Asked | null {
    if (act === "run") return this.run();
    if (act === "register") return this.register();
    if (act === "token") return this.token();
    if (act === "unregister") return this.unregister();
    if (act === "revoke") return this.revoke();
    if (act === "forget") return this.forget();
    if (act === "rollback") return this.rollback();
    const name = this.one(this.agents);
    if (name === undefined) return null;
    if (act === "snapshot") return this.snapshot(name);
    return this.change(act, name);
  }

  /** One of the acts, by their weights. */
  draw(): Act {
    let left = this.random() * WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);
    for (const [act, weight] of WEIGHTS) {
      left -= weight;
      if (left < 0) return act;
    }
    return "run";
  }

  private one<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.random() * list.length)];
  }

  /** Takes one out, whatever becomes of it. */
  private taken<T>(list: T[]): T | undefined {
    return list.splice(Math.floor(this.random() * list.length), 1)[0];
  }

  private fresh(): string {
    return `${this.prefix}-${this.count++}`;
  }

  private run(): Asked {
    const name = this.fresh();
    const kind = this.one(["sleeper", "ender", "counter"]) ?? "sleeper";
    const always = kind !== "ender" && this.random() < 0.5;
    const restart = always ? "always" : "no";
    const capabilities = kind === "counter" ? [CAPABILITY] : [];
    const run = {
      image: `${kind}:1.0.0`,
      name,
      args: ARGUMENTS,
      limits: LIMITS,
      capabilities,
      restart,
    };
    return {
      name,
      work: async () => {
        await this.subject.call("agent.run", run);
        this.agents.push(name);
        return always ? 1 : 0;
      },
    };
  }

  private snapshot(agent: string): Asked {
    const name = this.fresh();
    return {
      name,
      work: async () => {
        await this.subject.call("agent.snapshot", { name: agent, id: name });
        this.snapshots.push({ name, agent });
        return undefined;
      },
    };
  }

  private rollback(): Asked | null {
    const it = this.one(this.snapshots);
    if (!it) return null;
    const asked = { name: it.agent, snapshot: it.name };
    return { name: it.agent, work: () => done(this.subject.call("agent.rollback", asked)) };
  }

  private forget(): Asked | null {
    const it = this.taken(this.snapshots);
    if (!it) return null;
    const { name } = it;
    return { name, work: () => done(this.subject.call("snapshot.remove", { id: name })) };
  }

  /** Some images have the same code, and so the same object. */
  private register(): Asked {
    const version = `1.0.0-${this.fresh()}`;
    const script = new TextEncoder().encode(`console.log(${Math.floor(this.random() * SCRIPTS)})`);
    const file = agentFile({ name: IMAGE, version, runtime: "quickjs", entry: "a.js" });
    return {
      name: version,
      work: async () => {
        const { archive } = await build(file, { "a.js": script });
        await this.subject.call("image.register", {
          archive: await this.subject.putImage(archive),
        });
        this.images.push(version);
        return undefined;
      },
    };
  }

  private unregister(): Asked | null {
    const name = this.taken(this.images);
    if (name === undefined) return null;
    const asked = { reference: `${IMAGE}:${name}` };
    return { name, work: () => done(this.subject.call("image.remove", asked)) };
  }

  private token(): Asked {
    const name = this.fresh();
    return {
      name,
      work: async () => {
        const asked = { name, capabilities: [GRANTED] };
        const { id, token } = await this.subject.call("token.create", asked);
        this.tokens.push({ name, id });
        return token;
      },
    };
  }

  private revoke(): Asked | null {
    const it = this.taken(this.tokens);
    if (!it) return null;
    return { name: it.name, work: () => done(this.subject.call("token.revoke", { id: it.id })) };
  }

  private change(act: Act, name: string): Asked {
    const { subject } = this;
    if (act === "remove") this.agents.splice(this.agents.indexOf(name), 1);
    const weight = 1 + Math.floor(this.random() * 1000);
    const works: Partial<Record<Act, () => Done>> = {
      update: () => done(subject.call("agent.update", { name, limits: { weight } })),
      grant: () => done(subject.call("agent.grant", { name, capability: GRANTED })),
      pause: () => done(subject.call("agent.pause", { name })),
      kill: () => done(subject.call("agent.kill", { name })),
      remove: () => done(subject.call("agent.remove", { name, force: true })),
      logs: async () => (await subject.call("agent.logs", { name })).lines.length,
    };
    const work = works[act];
    if (!work) throw new Error(`nobody knows how to ${act}`);
    return { name, work, ...(act === "update" && { value: weight }) };
  }
}

const WEIGHTS: readonly (readonly [Act, number])[] = [
  ...([
    ["run", 25],
    ["update", 12],
    ["grant", 8],
    ["pause", 8],
    ["kill", 8],
    ["remove", 8],
  ] as const),
  ...([
    ["logs", 8],
    ["snapshot", 10],
    ["rollback", 5],
    ["forget", 5],
  ] as const),
  ...([
    ["register", 6],
    ["unregister", 3],
    ["token", 6],
    ["revoke", 3],
  ] as const),
];

/** Runs until the system is gone; `note` has to keep what it is told whatever happens next. */
export async function drive(subject: Subject, seed: number, note: (note: Note) => void) {
  const drive = async (worker: Worker): Promise<void> => {
    while (true) {
      const drawn = worker.draw();
      const found = worker.act(drawn);
      const act = found ? drawn : "run";
      const { work, ...said } = found ?? (worker.act("run") as Asked);
      note({ ...said, act, done: false });
      try {
        const value = await work();
        note({ ...said, act, done: true, ...(value !== undefined && { value }) });
      } catch (error) {
        // Refused: an agent that isn't in the state for it.
        if (!(error instanceof RequestError)) throw error;
      }
    }
  };
  const workers = Array.from({ length: WORKERS }, (_, number) => new Worker(subject, number, seed));
  await Promise.all(workers.map(drive));
}

const done = async (work: Promise<unknown>): Promise<undefined> => {
  await work;
};
