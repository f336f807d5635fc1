/** Lists and texts that are as long as a module's memory: refused before the host keeps anything of them. */
import { expect, test } from "vitest";
import { assemblyScriptBindings } from "../../sdk/build/aios-bindings.ts";
import { birthOf } from "./agent.ts";
import { Instance } from "./instance.ts";
import { prepare } from "./module/prepare.ts";
import { runModules, startModule } from "./testing/aios.ts";
import { compileSource } from "./testing/compile.ts";
import { Refusal, vectors } from "./wasi_memory.ts";

/** Linux's IOV_MAX. */
const IOV_MAX = 1024;
const ERRNO_INVAL = 28;

const HEAD = `${assemblyScriptBindings().replaceAll("export ", "")}
@external("wasi_snapshot_preview1", "poll_oneoff") declare function poll(list: usize, events: usize, n: i32, done: usize): i32;
const told = memory.data(64), name = memory.data(8);
function find(letter: i32): i64 {
  store<u8>(name, letter);
  if (aios_capability(name, 1, told) != AIOS_STATUS_OK) aios_exit(100);
  return load<i64>(told);
}
const far: usize = 1 << 20;
memory.grow(80);
`;

/** With what code the module ends; it has `a`, its parent, and `w`, its own image, by name. */
async function codeOf(body: string): Promise<unknown> {
  const source = `${HEAD}export function _start(): void {${body}}`;
  let end: unknown;
  await runModules({ module: await compileSource(source) }, function* (sys) {
    const capabilities = { a: sys.self, w: yield* sys.image("module") };
    const { id } = yield* startModule(sys, "module", capabilities);
    const { reason, code } = yield* sys.ended(id);
    end = [reason, Number(code)];
  });
  return end;
}

test("what a call of `aios` reads has 64 KiB at most, a record's texts together as well", async () => {
  const end = await codeOf(`
    const most: u32 = 65536;
    let taken = 0;
    taken += i32(aios_send(find(97), far, 4 << 20, 0) != AIOS_STATUS_TOO_LARGE);
    taken += i32(aios_capability(far, 4 << 20, told) != AIOS_STATUS_TOO_LARGE);
    taken += i32(aios_wait(far, most / 8 + 1, 0, 0, told) != AIOS_STATUS_TOO_LARGE);
    taken += i32(aios_wait(far, most / 8, 0, 0, told) != AIOS_STATUS_TOO_LARGE);
    taken += i32(aios_spawn(find(119), far, 4 << 20, far, 0, 0, told) != AIOS_STATUS_TOO_LARGE);
    for (let n: usize = 0; n < 3; n++) {
      store<i64>(far + 16 * n, find(97));
      store<u32>(far + 16 * n + 8, <u32>far);
      store<u32>(far + 16 * n + 12, 40000);
    }
    taken += i32(aios_spawn(find(119), far, 0, far, 3, 0, told) != AIOS_STATUS_TOO_LARGE);
    aios_exit(taken);`);
  expect(end).toEqual(["exited", 0]);
});

test("WASI's lists have 1024 entries at most: EINVAL", async () => {
  const end = await codeOf(`aios_exit(poll(far, far, ${IOV_MAX + 1}, told));`);
  expect(end).toEqual(["exited", ERRNO_INVAL]);
  const source = "export function main(): void { memory.grow(1); }";
  const prepared = await prepare(await compileSource(source, "--initialMemory", "1"));
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  const instance = new Instance(prepared, module, birthOf(prepared), () => null);
  expect(vectors(instance, 0, IOV_MAX)).toHaveLength(IOV_MAX);
  expect(() => vectors(instance, 0, IOV_MAX + 1)).toThrow(new Refusal(ERRNO_INVAL));
});
