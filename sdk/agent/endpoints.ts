/** Endpoints: queues of messages, pipes of bytes, events and mutexes. */
import * as kinds from "../../kernel/ipc/endpoint_kinds.ts";
import type { Step } from "./calls.ts";
import { Messages } from "./messages.ts";

const ENDPOINT_TYPES = {
  queue: kinds.ENDPOINT_QUEUE,
  pipe: kinds.ENDPOINT_PIPE,
  event: kinds.ENDPOINT_EVENT,
  mutex: kinds.ENDPOINT_MUTEX,
} as const;
export type EndpointType = keyof typeof ENDPOINT_TYPES;

export class Endpoints extends Messages {
  /** Makes an endpoint: of messages, of bytes, of counts, or a mutex. */
  *endpoint(type: EndpointType, capacity = 1): Step<number> {
    return (yield* this.call("ENDPOINT_CREATE", this.pool, ENDPOINT_TYPES[type], capacity)).value;
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
