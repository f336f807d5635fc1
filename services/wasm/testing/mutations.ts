/** Valid modules with some of their bytes changed, and what becomes of them. */
import { birthOf } from "../agent.ts";
import { CALL_GROW, CALL_YIELD, Instance } from "../instance.ts";
import { WasmError } from "../module/errors.ts";
import { VALUE_I64 } from "../module/model.ts";
import { type Prepared, prepare } from "../module/prepare.ts";

const HEADER_BYTES = 8;
const SLICE_CYCLES = 10_000;
const STOPS_MAX = 50;
const MEMORY_PAGES_MAX = 256;

/** One to three bytes behind the header are others; `seed` decides which. */
export function mutated(bytes: Uint8Array, seed: number): Uint8Array {
  const copy = bytes.slice();
  let state = Math.imul(seed, 0x9e37_79b9) | 1;
  const random = (below: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  for (let changes = 1 + random(3); changes > 0; changes--)
    copy[HEADER_BYTES + random(copy.length - HEADER_BYTES)] = random(256);
  return copy;
}

/** Refused by `prepare`, or run to its end, a trap or the last slice. @throws whatever else happens */
export async function outcomeOf(bytes: Uint8Array): Promise<"refused" | "ran"> {
  let prepared: Prepared;
  try {
    prepared = await prepare(bytes);
  } catch (error) {
    if (error instanceof WasmError) return "refused";
    throw error;
  }
  if (prepared.initial <= MEMORY_PAGES_MAX && prepared.exports.has("main")) run(prepared);
  return "ran";
}

function run(prepared: Prepared): void {
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  try {
    const it = new Instance(prepared, module, birthOf(prepared), () => null);
    it.cycles = SLICE_CYCLES;
    let done = it.start("main");
    for (let stops = 0; !done && stops < STOPS_MAX; stops++) {
      if (it.pending?.import === CALL_YIELD) it.cycles = SLICE_CYCLES;
      done = it.resume(it.pending?.import === CALL_GROW ? -1 : answerOf(prepared, it));
    }
  } catch (error) {
    const trap = error instanceof WebAssembly.RuntimeError || error instanceof WasmError;
    if (!trap) throw error;
  }
}

/** One, in the type that the import has. */
function answerOf(prepared: Prepared, { pending }: Instance): number | bigint | undefined {
  const [result] = prepared.imports[pending?.import ?? -1]?.type.results ?? [];
  return result === undefined ? undefined : result === VALUE_I64 ? 1n : 1;
}
