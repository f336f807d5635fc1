/**
 * How work of the host comes back to a service: what it has to say waits here, and a bell wakes the agent.
 *
 *   host ── post ──▶ inbox                    ┌──▶ what has been posted is done
 *             └──── frame ──▶ link ──▶ queue ─┘
 *
 * The bell is a frame to the service's address on the machine's network, a journaled input like any
 * other frame. What the service then does it does by operations, and they are journaled as well; so a
 * replay needs neither this inbox nor the host. A bell that is lost loses nothing: it is rung until it
 * has been answered, and a service that is started again looks into the inbox before anything else.
 */
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";

/** Real time, ms, after which a bell that nobody has answered is rung again. */
const AGAIN_MS = 50;
/** Bells that a service's queue holds: one would do, others say nothing more. */
const BELLS_MAX = 2;
/** Locally administered, individual (IEEE 802, 8.2); the last byte says whose it is. */
const PREFIX = [0x02, 0xa1, 0x05, 0, 0] as const;
/** For experiments on a local network (IEEE 802, 9.2.3). */
const ETHERTYPE = [0x88, 0xb5] as const;

/** Lets a frame come over the machine's network. */
export type Network = (frame: Uint8Array) => void;

export class Door {
  /** As LinkOpen wants it: the first byte is the lowest. */
  readonly address: number;
  private readonly network: Network;
  private readonly frame: Uint8Array;
  private readonly posted: (() => void)[] = [];
  private again: NodeJS.Timeout | null = null;

  /** `number` is its own on this network, 1 to 255. */
  constructor(network: Network, number: number) {
    const to = [...PREFIX, number];
    this.network = network;
    this.frame = Uint8Array.from([...to, ...PREFIX, 0, ...ETHERTYPE]);
    this.address = to.reduceRight((sum, byte) => sum * 256 + byte, 0);
  }

  /** Something for the service to do, from the host's side; not while the machine runs. */
  post(what: () => void): void {
    this.posted.push(what);
    if (!this.again) this.ring();
  }

  /** @internal The agent's side: the queue that it waits on. `kernel` has the right to create. */
  *open(sys: Sys, kernel: number): Step<number> {
    const queue = yield* sys.endpoint("queue", BELLS_MAX);
    yield* sys.link(kernel, queue, this.address);
    this.answer();
    return queue;
  }

  /** @internal Does all that has been posted. */
  *take(sys: Sys, queue: number): Step<void> {
    yield* sys.receive(queue);
    this.answer();
  }

  private ring(): void {
    this.again = setTimeout(() => this.ring(), AGAIN_MS);
    this.again.unref();
    this.network(this.frame);
  }

  private answer(): void {
    if (this.again) clearTimeout(this.again);
    this.again = null;
    for (let what = this.posted.shift(); what; what = this.posted.shift()) what();
  }
}

/** Doors of the services of one machine. */
export class Doors {
  private readonly network: Network;
  private made = 0;

  constructor(network: Network) {
    this.network = network;
  }

  make(): Door {
    return new Door(this.network, ++this.made);
  }
}

/** Address of the controller of a machine whose services have doors. */
export const CONTROLLER_ADDRESS = [...PREFIX, 0xff] as const;
