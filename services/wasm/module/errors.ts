/** Why a file can't be the code of an agent, or an agent's state can't go on. */
export type WasmErrorCode =
  | "wasm-invalid"
  | "wasm-truncated"
  | "wasm-too-large"
  | "wasm-feature"
  | "wasm-import"
  | "wasm-export"
  | "wasm-memory"
  | "wasm-data"
  | "wasm-state";

/** The one kind of error that this folder throws for bad input; its message is one line. */
export class WasmError extends Error {
  override readonly name = "WasmError";
  readonly code: WasmErrorCode;
  /** Byte of the module where it is wrong; null where no byte is to blame. */
  readonly at: number | null;

  constructor(code: WasmErrorCode, at: number | null, reason: string) {
    super(`${reason} (${code}${at === null ? "" : ` at byte ${at}`})`);
    this.code = code;
    this.at = at;
  }
}
