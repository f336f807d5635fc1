/** A module whose beginning has been gone through once, for all agents that run it. */
import { birthOf } from "../agent.ts";
import { CALL_GROW, CALL_YIELD, Instance, type Quick } from "../instance.ts";
import { WasmError } from "./errors.ts";
import { PAGE_BYTES, WASM_PAGE_BYTES } from "./pages.ts";
import type { Prepared, PreparedImport } from "./prepare.ts";

const SLICE_CYCLES = 1e9;

/**
 * Runs the exported function `entry` to its end, outside of any machine, with these answers to its
 * imports; the state in which that leaves it becomes the one at birth.
 * @throws WasmError wasm-state when it asks for something that takes time
 */
export async function begun(
  prepared: Prepared,
  entry: string,
  answer: (instance: Instance, wanted: PreparedImport) => Quick,
): Promise<Prepared> {
  const module = await WebAssembly.compile(prepared.code as BufferSource);
  const it: Instance = new Instance(
    prepared,
    module,
    birthOf(prepared),
    (wanted) =>
      (...args) =>
        answer(it, wanted)(...args),
  );
  it.cycles = SLICE_CYCLES;
  for (let done = it.start(entry); !done; ) {
    const call = it.pending;
    it.cycles = SLICE_CYCLES;
    if (call?.import === CALL_YIELD) done = it.resume();
    else if (call?.import === CALL_GROW) done = it.resume(it.grow(Number(call.args[0])));
    else throw new WasmError("wasm-state", null, `"${entry}" waits for import ${call?.import}`);
  }
  const { pages, globals } = it.freeze();
  const initial = (pages.length * PAGE_BYTES) / WASM_PAGE_BYTES;
  return { ...prepared, birth: pages, values: globals, initial };
}
