/** A module that writes to a full pipe stands still until there is room, or the pipe is gone. */
import { expect, test } from "vitest";
import { runAgents } from "../../sdk/agent/testing.ts";
import { type Code, type WasmHost, WasmProgram } from "./agent.ts";
import { prepare } from "./module/prepare.ts";
import { compileSource } from "./testing/compile.ts";
import { wasiPersonality } from "./wasi.ts";

const ERRNO_PIPE = 64n;
const BLOCK = 16;
const BLOCKS = 4;
const MS = 1_000_000;

/** Writes blocks of a pipe's size; its code is the errno of the last write. */
const WRITER = `
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, list: usize, count: i32, result: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;
const list = memory.data(16), block = memory.data(${BLOCK});
export function _start(): void {
  let errno = 0;
  for (let n = 0; n < ${BLOCKS} && errno == 0; n++) {
    for (let at = 0; at < ${BLOCK}; at++) store<u8>(block + at, 65 + n);
    store<usize>(list, block);
    store<i32>(list + 4, ${BLOCK});
    errno = fd_write(1, list, 1, list + 8);
  }
  proc_exit(errno);
}`;

/** Runs the writer; whether its reader closes the pipe instead of emptying it. */
async function written(closes: boolean) {
  const prepared = await prepare(await compileSource(WRITER));
  const code: Code = { prepared, module: await WebAssembly.compile(prepared.code as BufferSource) };
  const host: WasmHost<readonly number[]> = {
    code,
    *birth(sys) {
      return [0, (yield* sys.receive()).capability];
    },
    personalities: (streams) => [wasiPersonality({ args: [], streams })],
  };
  let text = "";
  let calls: readonly number[] = [];
  let end: unknown;
  await runAgents(
    {
      *init(sys) {
        const pipe = yield* sys.endpoint("pipe", BLOCK);
        const child = yield* sys.spawn({ image: yield* sys.image("worker"), quota: 16 << 20 });
        yield* sys.send(child.capability, new Uint8Array(), pipe);
        yield* sys.sleep(50 * MS);
        const before = (yield* sys.info(child.capability)).syscalls;
        yield* sys.sleep(500 * MS);
        calls = [before, (yield* sys.info(child.capability)).syscalls];
        if (closes) yield* sys.close(pipe);
        else
          for (let n = 0; n < BLOCKS; n++) {
            yield* sys.sleep(MS);
            text += new TextDecoder().decode(yield* sys.read(pipe, BLOCK));
          }
        end = yield* sys.ended(child.id);
      },
    },
    { programs: { worker: (start) => new WasmProgram(host, start) } },
  );
  return { text, calls, end };
}

test("and makes no system call meanwhile; nothing of what it writes is lost", async () => {
  const { text, calls, end } = await written(false);
  expect(text).toBe(["A", "B", "C", "D"].map((letter) => letter.repeat(BLOCK)).join(""));
  expect(calls[1]).toBe(calls[0]);
  expect(end).toMatchObject({ reason: "exited", code: 0n });
});

test("and its write ends with EPIPE when the pipe is closed", async () => {
  const { calls, end } = await written(true);
  expect(calls[1]).toBe(calls[0]);
  expect(end).toMatchObject({ reason: "exited", code: ERRNO_PIPE });
});
