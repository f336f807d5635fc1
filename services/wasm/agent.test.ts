import { expect, test } from "vitest";
import { runAgents } from "../../sdk/agent/testing.ts";
import { type Code, runWasm } from "./agent.ts";
import { prepare } from "./module/prepare.ts";
import { compileSource } from "./testing/compile.ts";
import { wasiPersonality } from "./wasi.ts";

async function codeOf(source: string): Promise<Code> {
  const prepared = await prepare(await compileSource(source));
  return { prepared, module: await WebAssembly.compile(prepared.code as BufferSource) };
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

test("a module writes to its pipe and reads from its other one", async () => {
  const code = await codeOf(CAT);
  const seen: string[] = [];
  let end: unknown;
  await runAgents({
    *init(sys) {
      const [input, output] = [
        yield* sys.endpoint("pipe", 1024),
        yield* sys.endpoint("pipe", 1024),
      ];
      const image = yield* sys.image("worker");
      const child = yield* sys.spawn({
        image,
        grants: [{ capability: input }, { capability: output }],
      });
      const handles = new BigUint64Array(child.grants.map((grant) => BigInt(grant)));
      yield* sys.send(child.capability, new Uint8Array(handles.buffer));
      for (const text of ["hello", "world!"]) {
        yield* sys.write(input, new TextEncoder().encode(text));
        yield* sys.sleep(10_000_000);
        seen.push(new TextDecoder().decode(yield* sys.read(output, 1024)));
      }
      end = yield* sys.ended(child.id);
    },
    *worker(sys) {
      const { bytes } = yield* sys.receive();
      const [input = 0, output = 0] = Array.from(new BigUint64Array(bytes.slice().buffer), Number);
      const wasi = wasiPersonality(sys, { args: ["cat", "-"], streams: [input, output, output] });
      yield* runWasm(sys, code, [wasi]);
    },
  });
  expect(seen).toEqual(["cat\n-\nhello", "world!"]);
  expect(end).toMatchObject({ reason: "exited", code: 2n });
});

test("one that loops for ever takes its share of the time, and no more", async () => {
  const code = await codeOf("let n: i32 = 0; export function _start(): void { while (true) n++; }");
  const turns: bigint[] = [];
  await runAgents({
    *init(sys) {
      const child = yield* sys.spawn({ image: yield* sys.image("worker"), affinity: 1 });
      for (let n = 0; n < 5; n++) {
        yield* sys.sleep(20_000_000);
        turns.push(yield* sys.now());
      }
      yield* sys.kill(child.capability, 9);
      expect(yield* sys.ended(child.id)).toMatchObject({ reason: "killed", code: 9n });
    },
    *worker(sys) {
      yield* runWasm(sys, code, []);
    },
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
  await runAgents({
    *init(sys) {
      const child = yield* sys.spawn({ image: yield* sys.image("worker"), quota: 8 << 20 });
      pages = (yield* sys.ended(child.id)).code;
    },
    *worker(sys) {
      yield* runWasm(sys, code, [wasiPersonality(sys)]);
    },
  });
  // 8 MiB less what the agent itself takes; a step is 1 MiB.
  expect(pages).toBe(7n * 16n);
});

test("a trap ends the agent that made it, and nobody else", async () => {
  const code = await codeOf("export function _start(): void { unreachable(); }");
  let end: unknown;
  const running = runAgents({
    *init(sys) {
      const child = yield* sys.spawn({ image: yield* sys.image("worker") });
      end = yield* sys.ended(child.id);
    },
    *worker(sys) {
      yield* runWasm(sys, code, []);
    },
  });
  await expect(running).rejects.toThrow("unreachable");
  expect(end).toMatchObject({ reason: "fault" });
});
