/** What is known when WebAssembly code of the machine or the kernel traps. */
import { MachineError } from "./errors.ts";

/** `env.abort` of AssemblyScript: an assertion failed. Thrown through the module's frames. */
export class AssertionFailed extends Error {}

/** Longest message that is believed, in UTF-16 code units. */
const STRING_MAX = 4096;

/** An AssemblyScript string at `pointer`: its length in bytes stands before it. */
function readString(data: DataView, pointer: number): string {
  const at = pointer >>> 0;
  if (at < 4 || at > data.byteLength) return "";
  const bytes = Math.min(data.getUint32(at - 4, true), STRING_MAX * 2, data.byteLength - at);
  let text = "";
  for (let n = 0; n + 1 < bytes; n += 2) text += String.fromCharCode(data.getUint16(at + n, true));
  return text;
}

/** The import `env.abort` for a module whose memory `data` shows. */
export function abortFunction(
  data: DataView,
): (message: number, file: number, line: number, column: number) => never {
  return (message, file, line, column) => {
    const text = readString(data, message) || "assertion failed";
    throw new AssertionFailed(`${text} (${readString(data, file)}:${line >>> 0}:${column >>> 0})`);
  };
}

/** Names of the WebAssembly functions on the stack, innermost first, if the build has names. */
function wasmFrames(error: Error): string {
  const frames = [...(error.stack ?? "").matchAll(/at (\S+) \(wasm:/g)].map((match) => match[1]);
  return frames.length === 0 ? "" : `, in ${frames.slice(0, 4).join(" < ")}`;
}

/** The named error for whatever came out of a machine that was running at `where`. */
export function guestTrap(cause: unknown, where: string): MachineError {
  const error = cause instanceof Error ? cause : new Error(String(cause));
  const what = error instanceof RangeError ? `stack overflow (${error.message})` : error.message;
  return new MachineError("guest-trap", `${where}: ${what}${wasmFrames(error)}`, { cause });
}
