/** The record of an agent's IPCSend and, behind it, a small payload. */
import { SYSCALL_IPC_SEND } from "../../kernel/syscall/numbers.ts";
import { Chain, type Operation } from "../../sim/host/programs.ts";
import { CHAIN_BYTES } from "../../sim/spec/chain.ts";
import { SCRATCH_END, SCRATCH_RECEIVE, SCRATCH_SEND, Structure } from "./calls.ts";
import { SyscallError } from "./error.ts";
import type { Inbox } from "./inbox.ts";
import { writeRecord } from "./records.ts";

/** Largest payload that goes with its record in one operation. */
export const SENT_BYTES_MAX = SCRATCH_END - SCRATCH_SEND - CHAIN_BYTES;
const NO_WORDS = new Uint32Array();

export class Outbox {
  private readonly frame = new Structure(CHAIN_BYTES + SENT_BYTES_MAX);
  readonly chain = new Chain();
  private readonly asked: IteratorYieldResult<Operation> = { done: false, value: this.chain };
  /** What the record in the agent's memory says; no length while that isn't known. */
  private to = 0;
  private capability = 0;
  private link = 0;
  private known = -1;
  private length = 0;

  /** Has the chain go on with the records of `inbox`, and get what they get; with null, end. */
  aim(inbox: Inbox | null): this {
    this.chain.loadAt = inbox === null ? 0 : inbox.chain.loadAt;
    this.chain.loaded = inbox === null ? NO_WORDS : inbox.chain.loaded;
    const link =
      inbox === null ? 0 : (SCRATCH_RECEIVE - SCRATCH_SEND) / CHAIN_BYTES + inbox.enter();
    if (link !== this.link) this.known = -1;
    this.link = link;
    return this;
  }

  /** The operation that sends; `scratch` is the scratch page. */
  begin(
    scratch: number,
    cycles: number,
    to: number,
    bytes: Uint8Array,
    capability: number,
  ): IteratorYieldResult<Operation> {
    const { chain } = this;
    const { length } = bytes;
    const at = scratch + SCRATCH_SEND;
    chain.first = at;
    chain.cycles = cycles;
    if (length === this.known && to === this.to && capability === this.capability) {
      chain.storeAt = at + CHAIN_BYTES;
      chain.stored = bytes;
      return this.asked;
    }
    const { frame } = this;
    const call = [SYSCALL_IPC_SEND, to, at + CHAIN_BYTES, length, 0, capability] as const;
    writeRecord(frame, 0, call, { afterSuccess: this.link });
    frame.bytes.set(bytes, CHAIN_BYTES);
    chain.storeAt = at;
    chain.stored = frame.bytes.subarray(0, CHAIN_BYTES + length);
    this.to = to;
    this.capability = capability;
    this.known = -1;
    this.length = length;
    return this.asked;
  }

  /** The message's number, if the chain has ended with its call. */
  end(): number {
    const { chain } = this;
    // Only now is it certain that the record has been stored.
    this.known = this.length;
    if (chain.last === chain.first && chain.error !== 0)
      throw new SyscallError("IPC_SEND", chain.error);
    return chain.value;
  }
}
