/** The machine's decoder, for the host. */
import { type Core, HOST_BASE, HOST_BUFFER, HOST_BUFFER_BYTES, type SimExports } from "./core.ts";
import { abortFunction } from "./traps.ts";
import { Instruction } from "./views.generated.ts";

/** Answers and modes of `decode`; the same figures as sim/core/decode/instruction.ts. */
export const DECODED = 0;
export const NEED_MORE = 1;
export const UNDEFINED = 2;
export const TOO_LONG = 3;
export const CODE_16 = 0;
export const CODE_32 = 1;
export const CODE_64 = 2;
export const NO_REGISTER = 16;
export const BASE_RIP = 17;
export const NO_FORM = 0xffff;

const WASM_PAGE = 65536;
/** Where sim/core/decode/host.ts leaves the instruction. */
const DECODED_INSTRUCTION = HOST_BASE + 0x400;
const HOST_BUFFER_END = HOST_BUFFER + HOST_BUFFER_BYTES;

export class Decoder {
  /** What the last call of `decode` has found; the same object for all. */
  readonly instruction: Instruction;
  readonly #bytes: Uint8Array;
  readonly #decode: SimExports["decodeFor"];

  /**
   * Of a machine, whose state it leaves alone; or of an instance of sim.wasm of its own, with memory
   * for nothing but constants and the host window. That memory ends where the decoded bytes do, so a
   * read behind them traps.
   */
  constructor(from: Core | WebAssembly.Module) {
    const own = from instanceof WebAssembly.Module;
    const { memory, sim } = own ? instanceOf(from) : from;
    this.#decode = sim.decodeFor;
    const end = own ? memory.buffer.byteLength : HOST_BUFFER_END;
    this.#bytes = new Uint8Array(memory.buffer, 0, end);
    this.instruction = new Instruction(new DataView(memory.buffer), DECODED_INSTRUCTION);
  }

  /** Decodes the instruction at the start of `code`, all of which is available. */
  decode(code: Uint8Array, mode: number): number {
    const at = this.#bytes.length - code.length;
    this.#bytes.set(code, at);
    return this.#decode(at, code.length, mode);
  }
}

function instanceOf(module: WebAssembly.Module): Pick<Core, "memory" | "sim"> {
  const pages = Math.ceil(HOST_BUFFER_END / WASM_PAGE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  const imports = WebAssembly.Module.imports(module).filter(({ module: from }) => from === "host");
  const host = Object.fromEntries(imports.map(({ name }) => [name, () => 0]));
  const env = { memory, abort: abortFunction(new DataView(memory.buffer)) };
  const { exports } = new WebAssembly.Instance(module, { env, host });
  return { memory, sim: exports as unknown as SimExports };
}
