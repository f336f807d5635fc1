/** Memory and time are promised before they are used: what can't be promised any more is refused in words. */
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import { RequestError } from "../messages/errors.ts";

const MIB = 1024 * 1024;
const REFUSALS = ["QUOTA", "NO_MEMORY"];

/** What is asked for: who is to give it, how much, and what helps when they have no more. */
export interface Price {
  readonly payer: string;
  readonly bytes: number;
  readonly remedy: string;
}

/** @throws RequestError quota-exceeded: the payer has promised its memory to others */
export function* paid<T>(work: Step<T>, { payer, bytes, remedy }: Price): Step<T> {
  try {
    return yield* work;
  } catch (error) {
    if (!(error instanceof SyscallError && REFUSALS.includes(error.status))) throw error;
    const size = bytes < MIB ? `${bytes} bytes` : `${Number((bytes / MIB).toFixed(2))} MiB`;
    const why = `${error.status}: ${payer} has no ${size} of memory left: ${remedy}`;
    throw new RequestError("quota-exceeded", why);
  }
}

const NOT_ADMITTED = ["NOT_ADMITTED", "ADMISSION_UNDECIDED"];

/** @throws RequestError quota-exceeded: no processor can promise such a share beside what it has promised */
export function* admitted<T>(work: Step<T>, cpu: number | undefined): Step<T> {
  try {
    return yield* work;
  } catch (error) {
    if (!(error instanceof SyscallError && NOT_ADMITTED.includes(error.status))) throw error;
    const share = `${Number((100 * (cpu ?? 0)).toFixed(2))}%`;
    const remedy = "give the agent less (limits.cpu) or a weight instead, or end others";
    const why = `${error.status}: no processor can promise ${share} of its time any more: ${remedy}`;
    throw new RequestError("quota-exceeded", why);
  }
}
