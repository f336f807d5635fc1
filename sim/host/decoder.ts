/**
 * The machine's decoder, for the host: an instance of sim.wasm of its own, with memory for nothing
 * but its constants and the bytes that are decoded.
 */
import { HOST_BASE } from "./core.ts";
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
/** The host window, in which the decoder leaves the instruction, ends here. */
const PAGES = (2 * HOST_BASE) / WASM_PAGE;
const DECODED_INSTRUCTION = HOST_BASE + 0x400;

type Decode = (at: number, available: number, mode: number) => number;

export class Decoder {
  /** What the last call of `decode` has found; the same object for all. */
  readonly instruction: Instruction;
  readonly #bytes: Uint8Array;
  readonly #decode: Decode;

  constructor(sim: WebAssembly.Module) {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: PAGES });
    const data = new DataView(memory.buffer);
    const imports = WebAssembly.Module.imports(sim).filter(({ module }) => module === "host");
    const host = Object.fromEntries(imports.map(({ name }) => [name, () => 0]));
    const env = { memory, abort: abortFunction(data) };
    const { exports } = new WebAssembly.Instance(sim, { env, host });
    this.#decode = exports.decodeFor as Decode;
    this.#bytes = new Uint8Array(memory.buffer);
    this.instruction = new Instruction(data, DECODED_INSTRUCTION);
  }

  /** Decodes the instruction at the start of `code`, all of which is available. */
  decode(code: Uint8Array, mode: number): number {
    // At the end of memory: a read behind the last byte would trap.
    const at = this.#bytes.length - code.length;
    this.#bytes.set(code, at);
    return this.#decode(at, code.length, mode);
  }
}
