/** Endpoints: queues, pipes, events and mutexes, each owned by an agent. */
import { KernelObject } from "../object/slab";
import { Ptr } from "../state";
import { Message } from "./message";
import { WaitNode } from "./wait_node";

@unmanaged
export class Endpoint extends KernelObject {
  /** ENDPOINT_… of endpoint_kinds.ts. */
  type: u32;
  closed: u32;
  owner: usize;
  pool: usize;
  /** Neighbours in the owner's list. */
  next: Ptr<Endpoint>;
  previous: Ptr<Endpoint>;
  /** Queue: messages; pipe: bytes; event: highest count. */
  capacity: u32;
  count: u32;
  first: Ptr<Message>;
  last: Ptr<Message>;
  /** Pipe: linear address of its ring of `capacity` bytes, and where the next byte is taken. */
  ring: usize;
  head: u32;
  /** Mutex: the agent that holds it. */
  holder: usize;
  waits: Ptr<WaitNode>;
}
