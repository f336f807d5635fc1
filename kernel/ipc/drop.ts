/** What becomes of an agent's communication when it ends. */
import { Agent } from "../agent/agent";
import { Endpoint } from "./endpoint";
import { ENDPOINT_QUEUE } from "./endpoint_kinds";
import { endpointDestroy, timerDestroy } from "./endpoints";
import { messageFree } from "./message";
import { mailboxOf, queueOf, queueTake } from "./message_queue";
import { mutexRelease } from "./mutex";
import { Operation, operationAbandon, operationFree } from "./operation";
import { IntervalTimer } from "./timer";
import { nodesFree } from "./wait_set";
import { replyWaiters } from "./wait_queue";
import { abandon, batonPass, waitLeave } from "./wake";
import { Notice, noticeRemove } from "./notice";
import { Watch, watchCancel } from "./watch";

/** `agent` will not come back from the wait that it may be in: it leaves all queues. */
export function waitCancel(agent: Agent): void {
  waitLeave(agent);
  agent.waitCount = 0;
  agent.waitFlags = 0;
  batonPass(agent);
}

/**
 * `agent` has ended: what depends on it at once. Those that wait for its answer stop waiting, and
 * the mutexes that it held go on to others, who are told.
 */
export function ipcEnd(agent: Agent): void {
  waitCancel(agent);
  abandon(replyWaiters(agent));
  while (agent.mutexes != 0) {
    const mutex = changetype<Endpoint>(agent.mutexes);
    mutex.abandoned = 1;
    mutexRelease(mutex);
  }
}

/** One message or place out of a queue, or the endpoint when there is none. */
function endpointDrop(endpoint: Endpoint): void {
  if (endpoint.type == ENDPOINT_QUEUE && endpoint.count != 0) messageFree(queueTake(queueOf(endpoint)));
  else if (endpoint.reservedFirst != 0) watchCancel(changetype<Watch>(endpoint.reservedFirst));
  else endpointDestroy(endpoint);
}

/**
 * Gives back what an ended agent had, one thing a unit: messages, endpoints, timers, operations,
 * notices. What is left of the units; 0 or less when not all may be gone.
 */
export function ipcDrop(agent: Agent, units: i32): i32 {
  ipcEnd(agent);
  for (; units > 0 && agent.mailboxCount != 0; units--) messageFree(queueTake(mailboxOf(agent)));
  for (; units > 0 && agent.endpoints != 0; units--) endpointDrop(changetype<Endpoint>(agent.endpoints));
  for (; units > 0 && agent.timers != 0; units--) timerDestroy(changetype<IntervalTimer>(agent.timers));
  for (; units > 0 && agent.operations != 0; units--) operationFree(changetype<Operation>(agent.operations));
  for (; units > 0 && agent.takenOperations != 0; units--)
    operationAbandon(changetype<Operation>(agent.takenOperations));
  for (; units > 0 && agent.noticeCount != 0; units--) noticeRemove(changetype<Notice>(agent.noticeFirst));
  if (units > 0) nodesFree(agent);
  return units;
}
