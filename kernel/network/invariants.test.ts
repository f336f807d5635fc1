/** The invariant of the network is broken on purpose, and caught. */
import { expect, test } from "vitest";
import { Link, Network } from "../host/views.generated.ts";
import { LINK_ONE_QUEUE } from "../invariant_names.ts";
import { Ipc } from "../testing/ipc-host.ts";

test("a link without its queue, a queue without its link, and an address twice are found", async () => {
  const ipc = await Ipc.create();
  const ann = ipc.party();
  const [one, two] = [ann.create("queue"), ann.create("queue")];
  const kernel = ann.kernel();
  for (const [queue, address] of [
    [one, 2],
    [two, 4],
  ] as const)
    expect(ann.call("LINK_OPEN", kernel, queue, address).status).toBe("OK");
  expect(ipc.broken).toBe(0);
  const { link } = ipc.endpoint(one);
  for (const wrong of [0, 2, 3, 65]) {
    ipc.endpoint(one).link = wrong;
    expect(ipc.broken).toBe(LINK_ONE_QUEUE);
  }
  ipc.endpoint(one).link = link;
  const { data, kernel: views } = ipc.world;
  const first = new Link(data, new Network(data, views.root.network).links);
  first.mac = 4n;
  expect(ipc.broken).toBe(LINK_ONE_QUEUE);
  first.mac = 2n;
  first.queue = 0;
  expect(ipc.broken).toBe(LINK_ONE_QUEUE);
});
