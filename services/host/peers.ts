/**
 * Other services, as init introduces them: a message with a name and a capability, again whenever the other
 * one has been started anew. Only from the parent: what else calls itself so is passed over.
 */
import type { Message } from "../../sdk/agent/messages.ts";
import { decode, encode } from "../messages/json.ts";
import { giveUp, Pause, type Tasks, type Work } from "./tasks.ts";

interface Introduction {
  readonly peer: string;
  readonly id: number;
}

export const introduction = (peer: string, id: number): Uint8Array => encode({ peer, id });

export interface Peer {
  readonly id: number;
  readonly capability: number;
}

export class Peers {
  private readonly tasks: Tasks;
  private readonly parent: number;
  private readonly known = new Map<string, Peer>();
  private readonly listeners: ((name: string, now: Peer, before: Peer | null) => void)[] = [];
  private waiting: (() => void)[] = [];

  constructor(tasks: Tasks, parent: number) {
    this.tasks = tasks;
    this.parent = parent;
    tasks.intercept((message) => this.hear(message));
  }

  /** Calls `listener` whenever a service is introduced, with what it was before. */
  onIntroduction(listener: (name: string, now: Peer, before: Peer | null) => void): void {
    this.listeners.push(listener);
  }

  /** Whether a message was an introduction. */
  private hear(message: Message): boolean {
    const { sender, bytes } = message;
    if (sender !== this.parent) return false;
    const { peer, id } = (decode(bytes) ?? {}) as Partial<Introduction>;
    if (typeof peer !== "string" || typeof id !== "number") return false;
    const before = this.known.get(peer) ?? null;
    const now = { id, capability: this.tasks.keep(message) };
    // What was derived from it goes as well; the agent that it was for is over.
    if (before) this.tasks.start(giveUp(this.tasks.sys, before.capability));
    this.known.set(peer, now);
    for (const listener of this.listeners) listener(peer, now, before);
    const { waiting } = this;
    this.waiting = [];
    for (const wake of waiting) wake();
    return true;
  }

  has(name: string, id: number): boolean {
    return this.known.get(name)?.id === id;
  }

  /** Undefined until it has been introduced. */
  find(name: string): Peer | undefined {
    return this.known.get(name);
  }

  /** The name of a service by its identifier. */
  nameOf(id: number): string | undefined {
    return [...this.known].find(([, peer]) => peer.id === id)?.[0];
  }

  /** Waits until a service is known, and has been introduced since `before` was. */
  *get(name: string, before?: Peer): Work<Peer> {
    for (;;) {
      const peer = this.known.get(name);
      if (peer && peer !== before) return peer;
      yield new Pause<void>((resume) => void this.waiting.push(resume));
    }
  }
}
