/** What must hold of watches after every system call. */
import { WATCHES_MAX } from "../limits";
import { KIND_ENDPOINT } from "../object/kinds";
import { objectNext } from "../object/slab";
import { Endpoint } from "./endpoint";
import { ENDPOINT_PIPE, ENDPOINT_QUEUE } from "./endpoint_kinds";
import { Watch, watchHolds } from "./watch";

/**
 * watch-listed: each watch is in the list of what it watches and in that of its queue, which pays for it and
 * belongs to one agent; the lists are as long as they say, and no queue is both watched and told.
 */
export function watchesListed(): bool {
  let watching: u32 = 0;
  let reserved: u32 = 0;
  for (let at = objectNext(KIND_ENDPOINT, 0); at != 0; at = objectNext(KIND_ENDPOINT, at)) {
    const endpoint = changetype<Endpoint>(at);
    if (endpoint.watchCount > WATCHES_MAX || (endpoint.watchCount != 0 && endpoint.reserved != 0)) return false;
    if (endpoint.watchCount != 0 && endpoint.type != ENDPOINT_PIPE && endpoint.type != ENDPOINT_QUEUE) return false;
    if (endpoint.reserved != 0 && endpoint.type != ENDPOINT_QUEUE) return false;
    if (!sourceHolds(endpoint) || !queueHolds(endpoint)) return false;
    watching += endpoint.watchCount;
    reserved += endpoint.reserved;
  }
  return watching == reserved;
}

function sourceHolds(endpoint: Endpoint): bool {
  let count: u32 = 0;
  let previous: usize = 0;
  for (let at = endpoint.watchFirst; at != 0; at = changetype<Watch>(at).nextWatch) {
    const watch = changetype<Watch>(at);
    count += 1;
    if (count > endpoint.watchCount || watch.previousWatch != previous) return false;
    if (watch.source != changetype<usize>(endpoint)) return false;
    previous = at;
  }
  return count == endpoint.watchCount;
}

function queueHolds(endpoint: Endpoint): bool {
  let count: u32 = 0;
  let previous: usize = 0;
  for (let at = endpoint.reservedFirst; at != 0; at = changetype<Watch>(at).nextReserved) {
    const watch = changetype<Watch>(at);
    count += 1;
    if (count > endpoint.reserved || watch.previousReserved != previous) return false;
    if (watch.queue != changetype<usize>(endpoint) || watch.pool != endpoint.pool) return false;
    previous = at;
  }
  return count == endpoint.reserved;
}

/** watch-for-what-is-not-there: no watch has something to tell. */
export function nobodyWatchesInVain(): bool {
  for (let at = objectNext(KIND_ENDPOINT, 0); at != 0; at = objectNext(KIND_ENDPOINT, at))
    for (let one = changetype<Endpoint>(at).watchFirst; one != 0; one = changetype<Watch>(one).nextWatch)
      if (watchHolds(changetype<Watch>(one))) return false;
  return true;
}
