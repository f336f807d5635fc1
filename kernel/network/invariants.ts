/** What must hold of the network after every system call. */
import { Endpoint } from "../ipc/endpoint";
import { ENDPOINT_QUEUE } from "../ipc/endpoint_kinds";
import { LINKS_MAX } from "../limits";
import { KIND_ENDPOINT } from "../object/kinds";
import { objectNext } from "../object/slab";
import { linkAt, linkOf } from "./link";

/** link-one-queue: each link is that of one live queue, which says so, and has an address of its own. */
export function linksHaveQueues(): bool {
  let open: u32 = 0;
  for (let number: u32 = 1; number <= LINKS_MAX; number++) {
    const link = linkAt(number);
    if (link.queue == 0) continue;
    open += 1;
    if (linkOf(link.mac) != number) return false;
  }
  for (let at = objectNext(KIND_ENDPOINT, 0); at != 0; at = objectNext(KIND_ENDPOINT, at)) {
    const endpoint = changetype<Endpoint>(at);
    if (endpoint.link == 0) continue;
    if (endpoint.type != ENDPOINT_QUEUE || endpoint.link > LINKS_MAX || linkAt(endpoint.link).queue != at) return false;
    open -= 1;
  }
  return open == 0;
}
