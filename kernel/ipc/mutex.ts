/**
 * Mutexes: endpoints that one agent holds at a time. Who waits for one donates to its holder, so a
 * holder runs at least as soon as the most urgent of those that it keeps waiting (priority
 * inheritance as bandwidth inheritance: Lipari, Lamastra, Abeni 2004).
 */
import { Agent } from "../agent/agent";
import { Ptr } from "../state";
import { donationBegin, donationEnd } from "./donation";
import { Endpoint, waitersOf } from "./endpoint";
import { wakeFirst } from "./wake";
import { WaitNode } from "./wait_node";

/** `agent` holds the free mutex from now on; 1 when its last holder ended without releasing it. */
export function mutexTake(mutex: Endpoint, agent: Agent): u32 {
  assert(mutex.holder == 0, "mutexTake: somebody holds it");
  mutex.holder = changetype<usize>(agent);
  mutex.count = 1;
  mutex.previousHeld = 0;
  mutex.nextHeld = agent.mutexes;
  if (agent.mutexes != 0) changetype<Endpoint>(agent.mutexes).previousHeld = changetype<usize>(mutex);
  agent.mutexes = changetype<usize>(mutex);
  const abandoned = mutex.abandoned;
  mutex.abandoned = 0;
  return abandoned;
}

/** Nobody holds the mutex from now on. */
export function mutexDrop(mutex: Endpoint): void {
  const holder = changetype<Agent>(mutex.holder);
  if (mutex.previousHeld == 0) holder.mutexes = mutex.nextHeld;
  else changetype<Endpoint>(mutex.previousHeld).nextHeld = mutex.nextHeld;
  if (mutex.nextHeld != 0) changetype<Endpoint>(mutex.nextHeld).previousHeld = mutex.previousHeld;
  mutex.holder = 0;
  mutex.count = 0;
}

/**
 * The holder lets go: the first in the queue has it from now on, and the others donate to that one.
 * How many were woken: 0 or 1.
 */
export function mutexRelease(mutex: Endpoint): u32 {
  mutexDrop(mutex);
  if (mutex.waitCount == 0) return 0;
  const next = changetype<Agent>(changetype<WaitNode>(mutex.waitFirst).agent);
  wakeFirst(waitersOf(mutex), mutexTake(mutex, next));
  redirect(mutex, next);
  return 1;
}

/** Those that still wait, and donated to the old holder, donate to the new one. */
function redirect(mutex: Endpoint, next: Agent): void {
  let at: Ptr<WaitNode> = mutex.waitFirst;
  while (at != 0) {
    const node = changetype<WaitNode>(at);
    at = node.next;
    const waiter = changetype<Agent>(node.agent);
    if (waiter.donatesFor != changetype<usize>(mutex)) continue;
    donationEnd(waiter);
    donationBegin(waiter, next, mutex);
  }
}
