import { expect, test } from "vitest";
import type { Child } from "../../sdk/agent/births.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { type Run, runAgents } from "../../sdk/agent/testing.ts";
import type { AgentStart, Program, Reply } from "../../sim/host/programs.ts";
import { type Code, type WasmHost, WasmProgram } from "./agent.ts";
import { prepare } from "./module/prepare.ts";
import { keepReply, replyOf } from "./replies.ts";
import { compileSource } from "./testing/compile.ts";
import { wasiPersonality } from "./wasi.ts";

async function codeOf(source: string): Promise<Code> {
  const prepared = await prepare(await compileSource(source));
  return { prepared, module: await WebAssembly.compile(prepared.code as BufferSource) };
}

/** What a child is told: its arguments, and capabilities to its pipes. */
interface Told {
  readonly args: readonly string[];
  readonly streams: readonly number[];
}

const hostOf = (code: Code): WasmHost<Told> => ({
  code,
  *birth(sys) {
    return JSON.parse(new TextDecoder().decode((yield* sys.receive()).bytes)) as Told;
  },
  personalities: (told) => [wasiPersonality(told)],
});

/** Starts the image "worker", and tells it what it is to know. */
function* startWorker(sys: Sys, pipes: readonly number[] = [], quota = 16 << 20): Step<Child> {
  const grants = pipes.map((capability) => ({ capability }));
  const child = yield* sys.spawn({ image: yield* sys.image("worker"), quota, grants });
  const told: Told = { args: ["worker", "-"], streams: child.grants };
  yield* sys.send(child.capability, new TextEncoder().encode(JSON.stringify(told)));
  return child;
}

/** Runs a parent, and modules as workers; `wrap` may change how their programs go on. */
async function runWith(
  code: Code,
  init: Run,
  wrap = (program: Program, _start: AgentStart) => program,
) {
  const host = hostOf(code);
  const worker = (start: AgentStart) => wrap(new WasmProgram(host, start), start);
  return await runAgents({ init }, { programs: { worker } });
}

/** Writes its arguments, one a line, and what it reads. */
const CAT = `
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, list: usize, count: i32, result: usize): i32;
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, list: usize, count: i32, result: usize): i32;
@external("wasi_snapshot_preview1", "args_sizes_get")
declare function args_sizes_get(count: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "args_get")
declare function args_get(list: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;
const numbers = memory.data(64), list = memory.data(256), room = memory.data(4096);
function write(at: usize, bytes: i32): void {
  store<usize>(numbers, at);
  store<i32>(numbers + 4, bytes);
  if (fd_write(1, numbers, 1, numbers + 8) != 0) proc_exit(99);
}
export function _start(): void {
  args_sizes_get(numbers, numbers + 4);
  const count = load<i32>(numbers);
  const bytes = load<i32>(numbers + 4);
  args_get(list, room);
  for (let at = room; at < room + bytes; at++) if (load<u8>(at) == 0) store<u8>(at, 10);
  write(room, bytes);
  while (true) {
    store<usize>(numbers, room);
    store<i32>(numbers + 4, 4096);
    if (fd_read(0, numbers, 1, numbers + 8) != 0) proc_exit(98);
    const got = load<i32>(numbers + 8);
    write(room, got);
    if (load<u8>(room + got - 1) == 33) proc_exit(count);
  }
}`;

/** Feeds the worker in two parts; what came back, and its end. */
async function cat(code: Code, wrap?: Parameters<typeof runWith>[2]) {
  const seen: string[] = [];
  let end: unknown;
  const machine = await runWith(
    code,
    function* (sys) {
      const pipes = [yield* sys.endpoint("pipe", 1024), yield* sys.endpoint("pipe", 1024)];
      const [input = 0, output = 0] = pipes;
      const child = yield* startWorker(sys, pipes);
      for (const text of ["hello", "world!"]) {
        yield* sys.write(input, new TextEncoder().encode(text));
        yield* sys.sleep(10_000_000);
        seen.push(new TextDecoder().decode(yield* sys.read(output, 1024)));
      }
      end = yield* sys.ended(child.id);
    },
    wrap,
  );
  return { seen, end, time: machine.time };
}

test("a module writes to its pipe and reads from its other one", async () => {
  const { seen, end } = await cat(await codeOf(CAT));
  expect(seen).toEqual(["worker\n-\nhello", "world!"]);
  expect(end).toMatchObject({ reason: "exited", code: 2n });
});

test("an agent that is taken apart and restored before each operation does the same at the same time", async () => {
  const code = await codeOf(CAT);
  let restored = 0;
  const anew = (program: Program, start: AgentStart): Program => {
    let it = program as WasmProgram<Told>;
    return Object.assign(Object.create(it) as Program, {
      next(reply: Reply) {
        const { operation } = it;
        const step = it.next(operation ? replyOf(keepReply(reply), operation) : reply);
        if (!step.done) {
          it = new WasmProgram(hostOf(code), start, it.freeze());
          restored++;
        }
        return step;
      },
    });
  };
  const undisturbed = await cat(code);
  expect(await cat(code, anew)).toEqual(undisturbed);
  expect(restored).toBeGreaterThan(10);
});

test("one that loops for ever takes its share of the time, and no more", async () => {
  const code = await codeOf("let n: i32 = 0; export function _start(): void { while (true) n++; }");
  const turns: bigint[] = [];
  await runWith(code, function* (sys) {
    const child = yield* startWorker(sys);
    for (let n = 0; n < 5; n++) {
      yield* sys.sleep(20_000_000);
      turns.push(yield* sys.now());
    }
    yield* sys.kill(child.capability, 9);
    expect(yield* sys.ended(child.id)).toMatchObject({ reason: "killed", code: 9n });
  });
  const gaps = turns.slice(1).map((turn, n) => Number(turn - (turns[n] ?? 0n)));
  // It waits no longer than a quantum beyond what it asked for.
  for (const gap of gaps) expect(gap).toBeLessThan(20_000_000 + 10_000_000);
});

test("memory grows as far as the pool pays", async () => {
  const code = await codeOf(`
    @external("wasi_snapshot_preview1", "proc_exit") declare function proc_exit(code: i32): void;
    export function _start(): void {
      let pages = 0;
      while (memory.grow(16) >= 0) pages += 16;
      proc_exit(pages);
    }`);
  let pages = -1n;
  await runWith(code, function* (sys) {
    const child = yield* startWorker(sys, [], 8 << 20);
    pages = (yield* sys.ended(child.id)).code;
  });
  // 8 MiB less what the agent itself takes; a step is 1 MiB.
  expect(pages).toBe(7n * 16n);
});

test("a trap ends the agent that made it, and nobody else", async () => {
  const code = await codeOf("export function _start(): void { unreachable(); }");
  let end: unknown;
  const running = runWith(code, function* (sys) {
    const child = yield* startWorker(sys);
    end = yield* sys.ended(child.id);
  });
  await expect(running).rejects.toThrow("unreachable");
  expect(end).toMatchObject({ reason: "fault" });
});

test("an import that nobody answers is a refusal, and names it", async () => {
  const code = await codeOf(`
    @external("env", "launch") declare function launch(): void;
    export function _start(): void { launch(); }`);
  const running = runWith(code, function* (sys) {
    yield* sys.ended((yield* startWorker(sys)).id);
  });
  await expect(running).rejects.toThrow('nothing here is called "env.launch" (wasm-import)');
});
