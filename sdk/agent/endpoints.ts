/** Endpoints: queues of messages, pipes of bytes, events and mutexes. */
import * as kinds from "../../kernel/ipc/endpoint_kinds.ts";
import * as conditions from "../../kernel/ipc/notify_kinds.ts";
import * as ipc from "../../kernel/syscall/ipc_layouts.ts";
import type { Integer } from "../../sim/host/programs.ts";
import { type Step, Structure } from "./calls.ts";
import { Messages } from "./messages.ts";

const ENDPOINT_TYPES = {
  queue: kinds.ENDPOINT_QUEUE,
  pipe: kinds.ENDPOINT_PIPE,
  event: kinds.ENDPOINT_EVENT,
  mutex: kinds.ENDPOINT_MUTEX,
} as const;
export type EndpointType = keyof typeof ENDPOINT_TYPES;

const CONDITIONS = { data: conditions.NOTIFY_DATA, room: conditions.NOTIFY_ROOM } as const;
export type Watched = keyof typeof CONDITIONS;
const CONDITION_NAMES = new Map<number, Notification["condition"]>([
  [conditions.NOTIFY_DATA, "data"],
  [conditions.NOTIFY_ROOM, "room"],
  [conditions.NOTIFY_GONE, "gone"],
]);

export interface Wish {
  /** Comes back in the message; 64 bits. Default 0. */
  readonly tag?: Integer;
  /** Bytes of a pipe, messages of a queue; default 1. */
  readonly least?: number;
}

/** What a message says that `notify` asked for. */
export interface Notification {
  readonly tag: bigint;
  readonly condition: Watched | "gone";
  readonly amount: number;
}

/** @throws RangeError for what is no notification */
export function notificationOf(bytes: Uint8Array): Notification {
  const told = new Structure(bytes);
  const condition =
    bytes.length === ipc.NOTIFY_BYTES && CONDITION_NAMES.get(told.id(ipc.NOTIFY_CONDITION));
  if (!condition) throw new RangeError("the message is no notification");
  return { tag: told.u64(ipc.NOTIFY_TAG), condition, amount: told.id(ipc.NOTIFY_AMOUNT) };
}

export class Endpoints extends Messages {
  /** Makes an endpoint: of messages, of bytes, of counts, or a mutex; `pool` pays, by default its own. */
  *endpoint(type: EndpointType, capacity = 1, pool = this.pool): Step<number> {
    return (yield* this.call("ENDPOINT_CREATE", pool, ENDPOINT_TYPES[type], capacity)).value;
  }

  *close(endpoint: number): Step<void> {
    yield* this.call("ENDPOINT_CLOSE", endpoint);
  }

  /** Writes to a pipe: how many bytes it took. */
  *write(pipe: number, bytes: Uint8Array): Step<number> {
    const at = yield* this.room(Math.max(1, bytes.length));
    yield* this.store(at, bytes);
    return (yield* this.call("PIPE_WRITE", pipe, at, bytes.length)).value;
  }

  /** Reads what a pipe has, up to so many bytes. */
  *read(pipe: number, bytes: number): Step<Uint8Array> {
    const at = yield* this.room(bytes);
    const { value } = yield* this.call("PIPE_READ", pipe, at, bytes);
    return yield* this.load(at, value);
  }

  /**
   * Has a message come to the caller's queue once the pipe or queue has as much, or room for as much, as
   * `least` says; `notificationOf` reads it. Whether it is there already.
   */
  *notify(endpoint: number, queue: number, on: Watched, wish: Wish = {}): Step<boolean> {
    const { tag = 0, least = 1 } = wish;
    const condition = CONDITIONS[on];
    return (
      (yield* this.call("ENDPOINT_NOTIFY", endpoint, queue, condition, tag, least)).value === 1
    );
  }

  /** Takes back what `notify` has asked for with this condition and tag and has not come; how many. */
  *unnotify(endpoint: number, queue: number, on: Watched, tag: Integer = 0): Step<number> {
    return (yield* this.call("ENDPOINT_NOTIFY", endpoint, queue, CONDITIONS[on], tag, 0)).value;
  }

  /**
   * Makes what comes over the network for the address messages of the queue; `address` is 48 bits, its
   * first byte lowest, 0 for the controller's own. The address. It ends with the queue.
   */
  *link(kernel: number, queue: number, address = 0): Step<number> {
    return (yield* this.call("LINK_OPEN", kernel, queue, address)).value;
  }

  /** Sends an Ethernet frame, 14 to 1,518 bytes without its checksum, from the queue's own address. */
  *sendFrame(queue: number, frame: Uint8Array): Step<void> {
    const at = yield* this.room(Math.max(1, frame.length));
    yield* this.store(at, frame);
    yield* this.call("LINK_SEND", queue, at, frame.length);
  }

  /** Counts an event up, or releases a mutex. */
  *signal(endpoint: number, count = 1): Step<void> {
    yield* this.call("EVENT_SIGNAL", endpoint, count);
  }
}
