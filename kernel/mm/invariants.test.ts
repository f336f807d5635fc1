/** Each named invariant of memory is broken on purpose, and caught. */
import { beforeEach, expect, test } from "vitest";
import { AddressSpace, FrameBlock, Region } from "../host/views.generated.ts";
import {
  DISCARDABLE,
  FAULT_WRITE,
  Memory,
  PAGE,
  READ,
  type Tenant,
  WRITE,
} from "../testing/memory-host.ts";

let memory: Memory;
let agent: Tenant;
let clone: Tenant;
let at: number;
let shared: number;
let cache: number;
let block: FrameBlock;
let region: Region;

beforeEach(async () => {
  memory = await Memory.create({ cpus: 2, ramBytes: 16 << 20 });
  [agent, clone] = [memory.tenant(), memory.tenant()];
  at = agent.allocate(4 * PAGE);
  for (let page = 0; page < 3; page++) agent.fault(at + page * PAGE, FAULT_WRITE);
  memory.exports.worldClone(BigInt(agent.id), BigInt(clone.id));
  agent.fault(at, FAULT_WRITE);
  shared = agent.allocate(2 * PAGE);
  agent.fault(shared, FAULT_WRITE);
  agent.call("REGION_SHARE", agent.pool, shared, 2 * PAGE);
  agent.fault(shared, FAULT_WRITE);
  region = new Region(memory.data, mappingAt(shared).object);
  cache = agent.allocate(16 * PAGE, READ | WRITE | DISCARDABLE);
  for (let page = 0; page < 10; page++) agent.fault(cache + page * PAGE, FAULT_WRITE);
  const mapped = agent.call("PAGE_MAP", agent.call("FRAME_ALLOC", agent.pool, 0).value, 0, READ);
  block = new FrameBlock(memory.data, mappingAt(mapped.value).object);
  expect(memory.broken).toBe("INVARIANTS_HOLD");
});

function mappingAt(address: number) {
  const found = agent.mappings().find(({ start, end }) => start <= address && address < end);
  if (found === undefined) throw new Error("not mapped");
  return found;
}

const space = () => new AddressSpace(memory.data, agent.view.space);
const flip = (address: number, bits: bigint) => {
  const entry = agent.entry(address);
  memory.data.setBigUint64(entry, memory.data.getBigUint64(entry, true) ^ bits, true);
};

test.each<[string, string, () => void]>([
  [
    "a frame that nobody counts",
    "MEMORY_FRAMES_OWNED_ONCE",
    () => {
      memory.frames.free -= 1;
    },
  ],
  [
    "ranges that overlap",
    "MEMORY_MAPPINGS_IN_ORDER",
    () => {
      mappingAt(at).end += BigInt(64 * PAGE);
    },
  ],
  [
    "a range that isn't counted",
    "MEMORY_MAPPINGS_IN_ORDER",
    () => {
      agent.view.mappingCount -= 1;
    },
  ],
  [
    "bytes that aren't counted",
    "MEMORY_MAPPINGS_IN_ORDER",
    () => {
      agent.view.mappedBytes += 1n;
    },
  ],
  [
    "a table that isn't counted",
    "MEMORY_TABLES_WELL_FORMED",
    () => {
      space().tables += 1;
    },
  ],
  [
    "a table that is remembered for another 2 MiB",
    "MEMORY_TABLES_WELL_FORMED",
    () => {
      space().leafSpan += 1;
    },
  ],
  [
    "a space without the kernel",
    "MEMORY_TABLES_WELL_FORMED",
    () => {
      const root = memory.exports.linear(space().root);
      memory.data.setBigUint64(root + 511 * 8, 0n, true);
    },
  ],
  [
    "a table that nobody reserved",
    "MEMORY_TABLES_RESERVED",
    () => {
      agent.view.tablesReserved -= 1;
    },
  ],
  [
    "a page outside of all ranges",
    "MEMORY_PAGES_AS_MAPPED",
    () => {
      memory.data.setBigUint64(agent.entry(at + 400 * PAGE), 7n | (1n << 63n), true);
    },
  ],
  [
    "a page that may be written and executed",
    "MEMORY_PAGES_AS_MAPPED",
    () => {
      flip(at, 1n << 63n);
    },
  ],
  [
    "a page of a region that shows another frame",
    "MEMORY_PAGES_AS_MAPPED",
    () => {
      flip(shared, 0x1000n);
    },
  ],
  [
    "a frame that two may write",
    "MEMORY_SHARING_COUNTED",
    () => {
      flip(at + PAGE, 2n);
    },
  ],
  [
    "a user of a frame that isn't counted",
    "MEMORY_SHARING_COUNTED",
    () => {
      const frame = BigInt(agent.walk(at + PAGE)?.physical ?? 0);
      const entries = memory.frames.entries;
      const address = entries + Number(frame / 4096n) * 16 + 8;
      memory.data.setUint32(address, 7, true);
    },
  ],
  [
    "a promise that isn't counted",
    "MEMORY_PROMISES_BACKED",
    () => {
      memory.frames.promised -= 1;
    },
  ],
  [
    "a discardable page that isn't counted",
    "MEMORY_DISCARDABLE_COUNTED",
    () => {
      agent.poolView.spare -= 1;
    },
  ],
  [
    "a page of a cache that isn't there",
    "MEMORY_PROMISES_BACKED",
    () => {
      flip(cache, 1n);
    },
  ],
  [
    "a mapping of a region that isn't counted",
    "MEMORY_OBJECTS_COUNTED",
    () => {
      region.mappings += 1;
    },
  ],
  [
    "a page of a region that isn't counted",
    "MEMORY_OBJECTS_COUNTED",
    () => {
      region.present += 1;
    },
  ],
  [
    "a block with a name too many",
    "MEMORY_OBJECTS_COUNTED",
    () => {
      block.names += 1;
    },
  ],
  [
    "a pool that uses more than its quota",
    "MEMORY_POOLS_ADD_UP",
    () => {
      agent.poolView.quota = 1n;
    },
  ],
  [
    "a pool that forgot what it pays for",
    "MEMORY_POOLS_ADD_UP",
    () => {
      agent.poolView.used = 4096n;
    },
  ],
  [
    "a pool that forgot who refers to it",
    "MEMORY_POOLS_ADD_UP",
    () => {
      agent.poolView.references = 1;
    },
  ],
  [
    "a CPU whose translations nobody knows of",
    "MEMORY_TRANSLATIONS_KNOWN",
    () => {
      space().cpus |= 2n;
    },
  ],
])("%s", (_name, invariant, breakIt) => {
  breakIt();
  expect(memory.broken).toBe(invariant);
});
