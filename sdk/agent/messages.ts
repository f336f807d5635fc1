/** Messages: to an agent's mailbox or a queue, and out of them. */
import * as ipc from "../../kernel/syscall/ipc_layouts.ts";
import { STATUS_TOO_LARGE } from "../../kernel/syscall/status.ts";
import type { Operation } from "../../sim/host/programs.ts";
import { SCRATCH_HEADER, SCRATCH_NOTICE, type Step } from "./calls.ts";
import { SyscallError } from "./error.ts";
import { Inbox, TOLD_BYTES } from "./inbox.ts";
import { Outbox, SENT_BYTES_MAX } from "./outbox.ts";
import { ChainStep } from "./records.ts";
import { Waits } from "./waits.ts";

/** Largest message. */
const MESSAGE_BYTES_MAX = 64 * 1024;
/** Room for a payload behind its header in the scratch page. */
const SMALL_BYTES = SCRATCH_NOTICE - SCRATCH_HEADER - ipc.HEADER_BYTES;

export interface Message {
  readonly sender: number;
  /** Which of the sender's messages it is, from 1. */
  readonly sequence: number;
  readonly bytes: Uint8Array;
  /** The capability that came along; 0 for none. */
  readonly capability: number;
}

export class Messages extends Waits {
  private readonly outbox = new Outbox();
  private readonly inbox = new Inbox();
  /** A message was too large for the scratch page: a refusal that the audit notes, so it is the only one. */
  private hasLarge = false;

  /** Sends a message to an agent or a queue, with a capability if one is given; its number. */
  send(to: number, bytes: Uint8Array, capability = 0): Step<number> {
    return this.scratchAt !== 0 && bytes.length <= SENT_BYTES_MAX
      ? new Sending(this, to, bytes, capability)
      : this.sendAny(to, bytes, capability);
  }

  private *sendAny(to: number, bytes: Uint8Array, capability: number): Step<number> {
    const { length } = bytes;
    if (length <= SENT_BYTES_MAX) {
      yield* this.scratch();
      return yield* this.send(to, bytes, capability);
    }
    const at = yield* this.room(length);
    yield* this.store(at, bytes);
    return (yield* this.call("IPC_SEND", to, at, length, 0, capability)).value;
  }

  /** The next message of the mailbox or a queue; waits until there is one. */
  receive(from: number = this.self): Step<Message> {
    const isReady = this.scratchAt !== 0 && (!this.hasLarge || this.buffer.bytes !== 0);
    return isReady ? new Receiving(this, from) : this.receiveReady(from);
  }

  private *receiveReady(from: number): Step<Message> {
    yield* this.scratch();
    if (this.hasLarge) yield* this.room(MESSAGE_BYTES_MAX);
    return yield* this.receive(from);
  }

  /**
   * Sends a message and receives the next one, as `send` and `receive` do, in one operation: what a
   * client does that asks, and a service that answers. The message need not be the answer.
   */
  exchange(to: number, bytes: Uint8Array, capability = 0, from: number = this.self): Step<Message> {
    return bytes.length <= SENT_BYTES_MAX && this.inbox.knows(from, this.payloadAt())
      ? new Exchanging(this, to, bytes, capability, from)
      : this.exchangeAny(to, bytes, capability, from);
  }

  private *exchangeAny(
    to: number,
    bytes: Uint8Array,
    capability: number,
    from: number,
  ): Step<Message> {
    yield* this.send(to, bytes, capability);
    return yield* this.receive(from);
  }

  /** @internal For `Sending`. */
  beginSend(to: number, bytes: Uint8Array, capability: number): IteratorYieldResult<Operation> {
    const { outbox, scratchAt } = this;
    return outbox.aim(null).begin(scratchAt, this.takeWork(), to, bytes, capability);
  }

  /** @internal For `Exchanging`. */
  beginExchange(to: number, bytes: Uint8Array, capability: number): IteratorYieldResult<Operation> {
    const { inbox, outbox, scratchAt } = this;
    return outbox.aim(inbox).begin(scratchAt, this.takeWork(), to, bytes, capability);
  }

  /** @internal */
  endExchange(from: number): IteratorReturnResult<Message> | Step<Message> {
    this.outbox.end();
    return this.endReceive(from, this.outbox.chain);
  }

  /** @internal */
  endSend(): number {
    return this.outbox.end();
  }

  /** @internal For `Receiving`. */
  beginReceive(from: number): IteratorYieldResult<Operation> {
    const room = this.hasLarge ? MESSAGE_BYTES_MAX : SMALL_BYTES;
    const { inbox, scratchAt, self } = this;
    return inbox.begin(scratchAt, this.takeWork(), self, from, this.payloadAt(), room);
  }

  /** Where payloads arrive: behind the header, as long as all have been small. */
  private payloadAt(): number {
    return this.hasLarge ? this.buffer.at : this.scratchAt + SCRATCH_HEADER + ipc.HEADER_BYTES;
  }

  /** @internal The message, or the steps that are left. */
  endReceive(
    from: number,
    chain = this.inbox.chain,
  ): IteratorReturnResult<Message> | Step<Message> {
    const { inbox, hasLarge } = this;
    const at = this.payloadAt();
    const wasWaiting = inbox.end(chain, from, at);
    const { error } = chain;
    if (error === STATUS_TOO_LARGE && !hasLarge) return this.receiveLarge(from);
    if (error !== 0) throw new SyscallError(wasWaiting ? "wait" : "receive", error);
    const { told } = inbox;
    const length = told.id(ipc.HEADER_PAYLOAD_BYTES);
    if (hasLarge || length > TOLD_BYTES) return this.loadMessage(at, length);
    return {
      done: true,
      value: this.message(told.bytes.slice(ipc.HEADER_BYTES, ipc.HEADER_BYTES + length)),
    };
  }

  /**
   * Takes room for the largest message now. An agent whose pool its messages have eaten up couldn't take
   * one of them when it comes.
   * @throws SyscallError as `allocate`
   */
  *roomForLarge(): Step<void> {
    yield* this.room(MESSAGE_BYTES_MAX);
    this.hasLarge = true;
  }

  private *receiveLarge(from: number): Step<Message> {
    yield* this.roomForLarge();
    return yield* this.receive(from);
  }

  private *loadMessage(at: number, length: number): Step<Message> {
    const bytes = yield* this.load(at, length);
    return this.message(bytes);
  }

  /** The message whose header came last, with its payload. */
  private message(bytes: Uint8Array): Message {
    const { told } = this.inbox;
    return {
      sender: told.id(ipc.HEADER_SENDER),
      sequence: told.id(ipc.HEADER_SEQUENCE),
      capability: told.id(ipc.HEADER_CAPABILITY),
      bytes,
    };
  }
}

class Sending extends ChainStep<number> {
  private readonly sys: Messages;
  private readonly to: number;
  private readonly bytes: Uint8Array;
  private readonly capability: number;

  constructor(sys: Messages, to: number, bytes: Uint8Array, capability: number) {
    super();
    this.sys = sys;
    this.to = to;
    this.bytes = bytes;
    this.capability = capability;
  }

  protected begin(): IteratorYieldResult<Operation> {
    return this.sys.beginSend(this.to, this.bytes, this.capability);
  }

  protected end(): IteratorReturnResult<number> {
    return { done: true, value: this.sys.endSend() };
  }
}

class Receiving extends ChainStep<Message> {
  private readonly sys: Messages;
  private readonly from: number;

  constructor(sys: Messages, from: number) {
    super();
    this.sys = sys;
    this.from = from;
  }

  protected begin(): IteratorYieldResult<Operation> {
    return this.sys.beginReceive(this.from);
  }

  protected end(): IteratorReturnResult<Message> | Step<Message> {
    return this.sys.endReceive(this.from);
  }
}

class Exchanging extends ChainStep<Message> {
  private readonly sys: Messages;
  private readonly to: number;
  private readonly bytes: Uint8Array;
  private readonly capability: number;
  private readonly from: number;

  constructor(sys: Messages, to: number, bytes: Uint8Array, capability: number, from: number) {
    super();
    this.sys = sys;
    this.to = to;
    this.bytes = bytes;
    this.capability = capability;
    this.from = from;
  }

  protected begin(): IteratorYieldResult<Operation> {
    return this.sys.beginExchange(this.to, this.bytes, this.capability);
  }

  protected end(): IteratorReturnResult<Message> | Step<Message> {
    return this.sys.endExchange(this.from);
  }
}
