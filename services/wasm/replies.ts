/** Replies of the machine as plain data, and steps gone through again with them. */
import type { Step } from "../../sdk/agent/calls.ts";
import { MachineError } from "../../sim/host/errors.ts";
import { CallReply, Chain, type Operation, type Reply } from "../../sim/host/programs.ts";
import { WasmError } from "./module/errors.ts";

export type KeptReply =
  | null
  | { readonly bytes: Uint8Array }
  /** The operation was none: why. */
  | { readonly refused: string }
  | { readonly error: number; readonly value: bigint }
  | {
      readonly chain: readonly [error: number, low: number, high: number, last: number];
      readonly loaded: Uint32Array;
    };

const TWO_32 = 2 ** 32;

export function keepReply(reply: Reply): Exclude<KeptReply, { refused: string }> {
  if (reply === undefined) return null;
  if (reply instanceof Uint8Array) return { bytes: reply.slice() };
  if (reply instanceof CallReply) return { error: reply.error, value: reply.bits };
  const { error, low, high, last, loaded } = reply;
  return { chain: [error, low, high, last], loaded: loaded.slice() };
}

/** Makes steps up to the operation whose reply isn't there yet, and gives it. @throws WasmError wasm-state */
export function replay(steps: Step<unknown>, replies: readonly KeptReply[]): Operation {
  let now = steps.next();
  for (const kept of replies) {
    if (now.done) throw new WasmError("wasm-state", null, "there are more replies than operations");
    now =
      kept !== null && "refused" in kept
        ? steps.throw(new MachineError("bad-argument", kept.refused))
        : steps.next(replyOf(kept, now.value));
  }
  if (now.done) throw new WasmError("wasm-state", null, "there are fewer operations than replies");
  return now.value;
}

/** A kept reply as what an operation's steps expect: a chain is its own reply. */
export function replyOf(
  kept: Exclude<KeptReply, { refused: string }>,
  operation: Operation,
): Reply {
  if (kept === null) return undefined;
  if ("bytes" in kept) return bytesFor(operation, kept.bytes);
  if ("error" in kept)
    return new CallReply(
      kept.error,
      Number(kept.value % BigInt(TWO_32)),
      Number(kept.value / BigInt(TWO_32)),
    );
  if (!(operation instanceof Chain))
    throw new WasmError("wasm-state", null, "a reply is for another operation");
  [operation.error, operation.low, operation.high, operation.last] = kept.chain;
  operation.loaded.set(kept.loaded.subarray(0, operation.loaded.length));
  return operation;
}

/** They are where the load was to put them. */
function bytesFor(operation: Operation, bytes: Uint8Array): Uint8Array {
  const into = "load" in operation ? operation.load[2] : undefined;
  if (into === undefined || into.length < bytes.length) return bytes.slice();
  into.set(bytes);
  return into;
}
