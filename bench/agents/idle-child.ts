/**
 * A process that starts idle WebAssembly agents, each of which has run and waits for a message, and prints
 * what its memory grew by: FILE of the prepared module, COUNT.
 */
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { begin, readModule, World } from "./world.ts";

/** What each agent takes, bytes. */
export interface IdleBytes {
  readonly resident: number;
  /** V8's heap and the array buffers: what is left without the engine's reserves and mapped files. */
  readonly heap: number;
  /** The machine's RAM, which is part of what is resident. */
  readonly ram: number;
}

const GIB = 1024 ** 3;
/** Children of one agent: it has 1,024 capabilities. */
const SHARD = 500;

const [file = "", count = ""] = process.argv.slice(2);
let started = 0;

/** The parent of some, which stays. What it is told first is its capability to the image. */
function* shard(sys: Sys): Step<void> {
  const { bytes } = yield* sys.receive();
  const [image = 0] = new Float64Array(bytes.slice().buffer);
  for (let n = 0; n < SHARD && started < Number(count); n++, started++) yield* begin(sys, image);
  yield* sys.receive();
}

function memory(): IdleBytes {
  for (let n = 0; n < 4; n++) globalThis.gc?.();
  const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
  return { resident: rss, heap: heapUsed + arrayBuffers, ram: world.usedBytes };
}

const world = await World.create(await readModule(file), 1.5 * GIB, { shard });
// One agent before: what all share is there then.
world.run(function* (sys, image) {
  yield* begin(sys, image);
});
const before = memory();
while (started < Number(count)) {
  const until = started + SHARD;
  world.run(function* (sys, image) {
    const shards = yield* sys.image("shard");
    const { capability, grants } = yield* sys.spawn({
      image: shards,
      grants: [{ capability: image }],
    });
    yield* sys.send(capability, new Uint8Array(Float64Array.of(grants[0] ?? 0).buffer));
    while (started < Math.min(until, Number(count))) yield* sys.sleep(1_000_000);
  });
  // Memories of those that have been put to rest are freed.
  await new Promise((resolve) => setTimeout(resolve, 4));
}
const after = memory();
const each = (of: keyof IdleBytes) => (after[of] - before[of]) / started;
const bytes: IdleBytes = { resident: each("resident"), heap: each("heap"), ram: each("ram") };
console.log(JSON.stringify(bytes));
