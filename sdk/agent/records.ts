/** Chains of system calls that an agent keeps in its scratch page, and the steps that run them. */

import type { Integer, Operation, Reply } from "../../sim/host/programs.ts";
import * as layout from "../../sim/spec/chain.ts";
import type { Structure } from "./calls.ts";

/** What a chain does after a record's call: records from this one to the next; 0 ends it. */
export interface Links {
  readonly afterSuccess?: number;
  /** After a refusal with this status; after any other the chain ends. */
  readonly status?: number;
  readonly afterStatus?: number;
}

/** Writes record `index`: a call with its capability and up to five arguments. */
export function writeRecord(
  structure: Structure,
  index: number,
  [number, ...values]: readonly [number, ...Integer[]],
  { afterSuccess = 0, status = 0, afterStatus = 0 }: Links = {},
): void {
  const at = index * layout.CHAIN_BYTES;
  structure.setU64(at, number);
  for (let n = 0; n < 6; n++) structure.setU64(at + 8 * (n + 1), values[n] ?? 0);
  structure.setU32(at + layout.CHAIN_STATUS, status);
  structure.bytes[at + layout.CHAIN_AFTER_SUCCESS] = afterSuccess;
  structure.bytes[at + layout.CHAIN_AFTER_STATUS] = afterStatus;
}

/**
 * A step of one operation, most often: what is yielded and returned is made by two functions. A
 * generator would do the same, but what is done a million times a second feels what it costs.
 */
export abstract class ChainStep<T> implements Generator<Operation, T, Reply> {
  private begun = false;
  private rest: Generator<Operation, T, Reply> | null = null;

  /** The operation. */
  protected abstract begin(): IteratorYieldResult<Operation>;
  /** What came of it; or further steps that end with it. */
  protected abstract end(): IteratorReturnResult<T> | Generator<Operation, T, Reply>;

  next(reply?: Reply): IteratorResult<Operation, T> {
    if (!this.begun) {
      this.begun = true;
      return this.begin();
    }
    if (this.rest !== null) return this.rest.next(reply as Reply);
    const result = this.end();
    if ("done" in result) return result;
    this.rest = result;
    return result.next(undefined);
  }

  return(value: T): IteratorResult<Operation, T> {
    return this.rest !== null ? this.rest.return(value) : { done: true, value };
  }

  throw(error: unknown): IteratorResult<Operation, T> {
    if (this.rest !== null) return this.rest.throw(error);
    throw error;
  }

  [Symbol.iterator](): this {
    return this;
  }
}
