/**
 * The records of an agent's receive: IPCRecv, and where there is nothing, Wait and IPCRecv again.
 *
 *   0 IPCRecv   EMPTY: 1       the end says by its record
 *   1 Wait      success: 2     whether it has waited
 *   2 IPCRecv   EMPTY: 1
 *   3 the list of the wait: one capability
 */
import { WAIT_MAILBOX } from "../../kernel/ipc/flags.ts";
import { HEADER_BYTES } from "../../kernel/syscall/ipc_layouts.ts";
import { SYSCALL_IPC_RECV, SYSCALL_WAIT } from "../../kernel/syscall/numbers.ts";
import { STATUS_EMPTY } from "../../kernel/syscall/status.ts";
import { Chain, type Operation } from "../../sim/host/programs.ts";
import { CHAIN_BYTES } from "../../sim/spec/chain.ts";
import { SCRATCH_HEADER, SCRATCH_RECEIVE, Structure } from "./calls.ts";
import { writeRecord } from "./records.ts";

/** Bytes of a payload that come with the header. */
export const TOLD_BYTES = 64;
/** So many times whoever found nothing to receive waits before it looks; then it looks once again. */
const WAITS_FIRST = 64;
const WAIT = 1;
const AGAIN = 2;
const LIST = 3 * CHAIN_BYTES;
const FOREVER = -1;
const NOTHING = new Uint8Array();

export class Inbox {
  readonly chain = new Chain();
  /** Of the message that came last: its header, and the payload as far as it fits. */
  readonly told: Structure;
  private readonly asked: IteratorYieldResult<Operation> = { done: false, value: this.chain };
  private readonly records = new Structure(LIST + 8);
  /** What the records in the agent's memory say; 0 while that isn't known. */
  private from = 0;
  private at = 0;
  /** How often `begin` is to wait before it looks: messages have been slower than their receiver. */
  private waitsFirst = 0;
  private waits = false;

  constructor() {
    const words = new Uint32Array((HEADER_BYTES + TOLD_BYTES) / 4);
    this.told = new Structure(new Uint8Array(words.buffer));
    this.chain.loaded = words;
  }

  /** The operation that receives from `from`, with its payload to `at`, where there is `room`. */
  begin(
    scratch: number,
    cycles: number,
    self: number,
    from: number,
    at: number,
    room: number,
  ): IteratorYieldResult<Operation> {
    const { chain } = this;
    const first = scratch + SCRATCH_RECEIVE;
    chain.cycles = cycles;
    chain.storeAt = first;
    chain.loadAt = scratch + SCRATCH_HEADER;
    if (this.knows(from, at)) chain.stored = NOTHING;
    else {
      this.write(first + LIST, self, from, [from, at, room, chain.loadAt]);
      chain.stored = this.records.bytes;
      this.from = 0;
    }
    chain.first = first + this.enter() * CHAIN_BYTES;
    return this.asked;
  }

  /** Whether the records are in the agent's memory already. */
  knows(from: number, at: number): boolean {
    return from === this.from && at === this.at;
  }

  /** The record to begin with. */
  enter(): number {
    this.waits = this.waitsFirst !== 0;
    if (this.waits) this.waitsFirst -= 1;
    return this.waits ? WAIT : 0;
  }

  private write(
    list: number,
    self: number,
    from: number,
    message: [number, number, number, number],
  ): void {
    const { records } = this;
    const receive = [SYSCALL_IPC_RECV, ...message] as const;
    writeRecord(records, 0, receive, { status: STATUS_EMPTY, afterStatus: WAIT });
    writeRecord(records, AGAIN, receive, { status: STATUS_EMPTY, afterStatus: WAIT - AGAIN });
    const wait =
      from === self
        ? ([SYSCALL_WAIT, self, 0, 0, FOREVER, WAIT_MAILBOX] as const)
        : ([SYSCALL_WAIT, self, list, 1, FOREVER] as const);
    writeRecord(records, WAIT, wait, { afterSuccess: AGAIN - WAIT });
    records.setU64(LIST, from);
  }

  /** Notes what the answer to a chain says about the next one; whether it was the wait that was refused. */
  end({ last }: Chain, from: number, at: number): boolean {
    this.from = from;
    this.at = at;
    const record = (last - this.chain.storeAt) / CHAIN_BYTES;
    if (record === AGAIN && !this.waits) this.waitsFirst = WAITS_FIRST;
    return record === WAIT;
  }
}
