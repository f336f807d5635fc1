/** Endpoints: queues, pipes, events and mutexes, each owned by the agent that created it. */
import { Agent } from "../agent/agent";
import { Pool } from "../mm/pool";
import { KernelObject } from "../object/slab";
import { Ptr } from "../state";
import { Message } from "./message";
import { WaitNode } from "./wait_node";
import { WaitQueue } from "./wait_queue";
import { Watch } from "./watch";

@unmanaged
export class Endpoint extends KernelObject {
  /** ENDPOINT_… of endpoint_kinds.ts. */
  type: u32;
  /** Queue: messages at most; pipe: bytes at most; event: highest count; mutex: 1. */
  capacity: u32;
  owner: Ptr<Agent>;
  /** Who pays for it and for what is in it. */
  pool: Ptr<Pool>;
  /** Neighbours in the owner's list. */
  next: Ptr<Endpoint>;
  previous: Ptr<Endpoint>;

  /** The fields of `MessageQueue`. Pipe and event: `count` alone; mutex: 1 while it is held. */
  first: Ptr<Message>;
  last: Ptr<Message>;
  count: u32;
  bytes: u32;

  /** The fields of `WaitQueue`. */
  waitFirst: Ptr<WaitNode>;
  waitLast: Ptr<WaitNode>;
  waitCount: u32;

  /** Pipe: linear address of its ring of `capacity` bytes, and where the next byte is taken. */
  ring: usize;
  head: u32;
  /** Mutex: the agent that holds it, and its neighbours in the list of what that one holds. */
  holder: Ptr<Agent>;
  nextHeld: Ptr<Endpoint>;
  previousHeld: Ptr<Endpoint>;
  /** Queue: messages that the kernel had for it, those for which there was no room included. */
  told: u64;
  /** Queue: the link whose frames come here, counted from 1; 0 for none. */
  link: u32;
  /** Pipe and queue: watches of it. Queue: watches that have a place in it. */
  watchFirst: Ptr<Watch>;
  watchCount: u32;
  reservedFirst: Ptr<Watch>;
  reserved: u32;
  /** Mutex: 1 when its last holder ended without releasing it, until the next one is told. */
  abandoned: u32;
}

@inline
export function waitersOf(endpoint: Endpoint): WaitQueue {
  return changetype<WaitQueue>(changetype<usize>(endpoint) + offsetof<Endpoint>("waitFirst"));
}
