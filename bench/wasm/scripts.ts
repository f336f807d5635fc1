/**
 * What a script costs as an agent: the engine by itself, as the engine's module is published, linked to the
 * driver; and as agents have it, metered, suspendable, and stopped after each slice or never. In turn.
 */

import { engineTexts } from "../../services/quickjs/engine/build.ts";
import { linkEngine } from "../../services/quickjs/engine/link.ts";
import { loadEngine } from "../../services/quickjs/engine/load.ts";
import { keepFramesSmall } from "../../services/quickjs/frames.ts";
import { TEXT_SCRIPT, TEXT_TOLD } from "../../services/quickjs/guest/operations.ts";
import { birthOf, type Code, SLICE_CYCLES } from "../../services/wasm/agent.ts";
import { CALL_GROW, Instance } from "../../services/wasm/instance.ts";
import { type Progress, pairedRow, type Results } from "../measure.ts";

const RUNS = 9;
const WARM_ROUNDS = 4;
/** ms; code that V8 compiles beside is put in place meanwhile. */
const WARM_PAUSE = 30;
const ENDLESS_CYCLES = 1e12;
/** More than any of them takes. */
const ROOM_BYTES = 1 << 20;
const ERRNO_BADF = 8;

const SCRIPTS: Readonly<Record<string, string>> = {
  calls: "const fib = (n) => n < 2 ? n : fib(n - 1) + fib(n - 2); console.log(fib(23));",
  loop: "let s = 0; for (let i = 0; i < 600000; i++) s = (s * 31 + i) | 0; console.log(s);",
  sort: `const list = Array.from({ length: 12000 }, (_, n) => (n * 7919) % 12007);
    list.sort((a, b) => a - b); console.log(list[500]);`,
  objects: `let t = 0;
    for (let i = 0; i < 60000; i++) { const o = { id: i, name: "n" + i, tags: [i, i + 1] }; t += o.tags[1]; }
    console.log(t);`,
  strings: `let t = 0;
    for (let i = 0; i < 20000; i++) t += ("word" + i + ",other").split(",")[0].toUpperCase().length;
    console.log(t);`,
  JSON: `const text = JSON.stringify(Array.from({ length: 1500 }, (_, id) => ({ id, name: "n" + id, tags: ["a", "b"] })));
    let t = 0; for (let i = 0; i < 4; i++) t += JSON.stringify(JSON.parse(text)).length; console.log(t);`,
};

const SIDES = ["plain", "agent", "unstopped"] as const;
type Side = (typeof SIDES)[number];
/** Runs a script to its end: what it has written. */
type Runner = () => string;
type Answer = (...args: number[]) => number | bigint;

class Exit extends Error {}

/** What the driver asks: the least that a script needs which computes and says what has come out. */
class Host {
  written = "";
  private readonly texts: ReadonlyMap<number, Uint8Array>;
  private readonly memory: () => Uint8Array;

  constructor(texts: ReadonlyMap<number, Uint8Array>, script: string, memory: () => Uint8Array) {
    const told = JSON.stringify({ args: [], env: {}, capabilities: [] });
    const own = [TEXT_SCRIPT, TEXT_TOLD].map(
      (which, n) => [which, new TextEncoder().encode(n === 0 ? script : told)] as const,
    );
    this.texts = new Map([...texts, ...own]);
    this.memory = memory;
  }

  answer(name: string): Answer {
    return this.answers[name] ?? (() => ERRNO_BADF);
  }

  private readonly answers: Readonly<Record<string, Answer>> = {
    text: (which = 0, at = 0, room = 0) => {
      const text = this.texts.get(which) ?? new Uint8Array();
      this.memory().set(text.subarray(0, room >>> 0), at);
      return text.length;
    },
    who: () => 1n,
    room: () => ROOM_BYTES,
    clock_time_get: (_clock, _precision, at = 0) => this.zeroes(at, 8),
    random_get: (at = 0, bytes = 0) => this.zeroes(at, bytes),
    fd_write: (_fd, list = 0, _count, written = 0) => {
      const memory = this.memory();
      const words = new DataView(memory.buffer);
      const [at, bytes] = [words.getUint32(list, true), words.getUint32(list + 4, true)];
      this.written += new TextDecoder().decode(memory.slice(at, at + bytes));
      words.setUint32(written, bytes, true);
      return 0;
    },
    proc_exit: () => {
      throw new Exit();
    },
  };

  private zeroes(at: number, bytes: number): number {
    this.memory().fill(0, at, at + bytes);
    return 0;
  }
}

function ended(run: () => void): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof Exit)) throw error;
  }
}

function plain(module: WebAssembly.Module, texts: Host["texts"], script: string): Runner {
  const memory = (): Uint8Array => new Uint8Array((it.exports.memory as WebAssembly.Memory).buffer);
  const host = new Host(texts, script, memory);
  const imports: Record<string, Record<string, Answer>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module))
    imports[from] = { ...imports[from], [name]: host.answer(name) };
  const it = new WebAssembly.Instance(module, imports);
  const { prepare, _start } = it.exports as Record<string, () => void>;
  prepare?.();
  return () => {
    ended(() => _start?.());
    return host.written;
  };
}

function agent(engine: Code, texts: Host["texts"], script: string, slice: number): Runner {
  const host = new Host(texts, script, () => it.bytes);
  const it: Instance = new Instance(
    engine.prepared,
    engine.module,
    birthOf(engine.prepared),
    ({ name }) => host.answer(name) as never,
  );
  const go = () => {
    it.cycles = slice;
    for (let done = it.start("_start"); !done; ) {
      const { pending } = it;
      it.cycles = slice;
      const grows = pending?.import === CALL_GROW;
      done = it.resume(grows ? it.grow(Number(pending.args[0])) : undefined);
    }
  };
  return () => {
    ended(go);
    return host.written;
  };
}

export async function measureScripts(results: Results, progress: Progress): Promise<void> {
  keepFramesSmall();
  const [texts, engine, bytes] = [await engineTexts(), await loadEngine(), await linkEngine(false)];
  const module = new WebAssembly.Module(bytes as BufferSource);
  for (const [name, script] of Object.entries(SCRIPTS)) {
    progress(`wasm: script, ${name}`);
    const times = await timesOf(name, {
      plain: () => plain(module, texts, script),
      agent: () => agent(engine, texts, script, SLICE_CYCLES),
      unstopped: () => agent(engine, texts, script, ENDLESS_CYCLES),
    });
    const about = { group: "wasm", unit: "ms", peerName: "the engine by itself" } as const;
    for (const [side, what] of [
      ["agent", `script, ${name}`],
      ["unstopped", `script, ${name}, never stopped`],
    ] as const)
      results.rows.push(
        pairedRow({ ...about, name: what }, { ours: times[side], peer: times.plain }),
      );
  }
}

/** Milliseconds of CPU time; each sample has an instance of its own, whose making isn't counted. */
async function timesOf(name: string, sides: Readonly<Record<Side, () => Runner>>) {
  const times: Record<Side, number[]> = { plain: [], agent: [], unstopped: [] };
  for (let round = 0; round < WARM_ROUNDS + RUNS; round++) {
    const written = new Set<string>();
    for (const [n] of SIDES.entries()) {
      const side = SIDES[(round + n) % SIDES.length] as Side;
      const run = sides[side]();
      const start = process.cpuUsage();
      written.add(run());
      const { user, system } = process.cpuUsage(start);
      if (round >= WARM_ROUNDS) times[side].push((user + system) / 1000);
      else await new Promise((resolve) => setTimeout(resolve, WARM_PAUSE));
    }
    if (written.size > 1) throw new Error(`${name}: the sides differ in what they write`);
  }
  return times;
}
