import { expect, test } from "vitest";
import { runAgents } from "../../sdk/agent/testing.ts";
import { WasmProgram } from "./agent.ts";
import { prepare } from "./module/prepare.ts";
import { compileSource } from "./testing/compile.ts";
import { wasiPersonality } from "./wasi.ts";

test("clock_time_get puts the machine's time where it is told to, and nowhere else", async () => {
  const prepared = await prepare(
    await compileSource(`
      @external("wasi_snapshot_preview1", "clock_time_get")
      declare function clock_time_get(clock: i32, precision: u64, at: usize): i32;
      @external("wasi_snapshot_preview1", "proc_exit") declare function proc_exit(code: i32): void;
      const room = memory.data(64);
      export function _start(): void {
        store<u64>(0, 12345);
        for (let at = 0; at < 64; at += 8) store<u64>(room + at, 67890);
        if (clock_time_get(1, 1000, room + 8) != 0) proc_exit(-1);
        if (clock_time_get(7, 1000, room + 8) != 28) proc_exit(-2);
        if (load<u64>(0) != 12345 || load<u64>(room) != 67890 || load<u64>(room + 16) != 67890) proc_exit(-3);
        proc_exit(<i32>(load<u64>(room + 8) / 1000000));
      }`),
  );
  const code = { prepared, module: new WebAssembly.Module(prepared.code as BufferSource) };
  const host = { code, *birth() {}, personalities: () => [wasiPersonality()] };
  let end: unknown;
  await runAgents(
    {
      *init(sys) {
        yield* sys.sleepUntil(777_000_000);
        const child = yield* sys.spawn({ image: yield* sys.image("clock"), quota: 4 << 20 });
        end = yield* sys.ended(child.id);
      },
    },
    { programs: { clock: (start) => new WasmProgram(host, start) } },
  );
  expect(end).toMatchObject({ reason: "exited", code: 777n });
});
