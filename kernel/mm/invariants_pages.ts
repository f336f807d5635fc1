/** What holds of the pages of agents, found by a walk through all of their tables. */
import { PAGE_BYTES, pointer, reach } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { Image, isNative } from "../agent/image";
import { KIND_AGENT, KIND_MAPPING, KIND_REGION } from "../object/kinds";
import { objectNext } from "../object/slab";
import { AddressSpace, Mapping, NO_SPAN, SPACE_TABLES } from "./address_space";
import { FrameBlock } from "./frame_block";
import { frameAt, framesFree, framesPromised, frameUsers, OWNER_AGENT, OWNER_PAGE_TABLE } from "./frames";
import { imagePage } from "./image_memory";
import { mappingAt } from "./mappings";
import {
  paging,
  PAGE_1G,
  PAGE_2M,
  PAGE_4K,
  PTE_ADDRESS,
  PTE_LARGE,
  PTE_NO_EXECUTE,
  PTE_PRESENT,
  PTE_USER,
  PTE_WRITABLE,
} from "./paging";
import {
  MAPPING_ANONYMOUS,
  MAPPING_FRAME,
  MAPPING_IMAGE,
  MAPPING_REGION,
  PROTECTION_EXECUTE,
  PROTECTION_WRITE,
} from "./protection";
import { discardableReserve } from "./reclaim";
import { Region } from "./region";
import { SPAN_BYTES, tableFind, tableWalk } from "./tables";

const TABLE_FLAGS: u64 = PTE_PRESENT | PTE_WRITABLE | PTE_USER;
/** What counts of an entry that is the same in two tables: not what the processor notes in it. */
const SAME: u64 = PTE_ADDRESS | TABLE_FLAGS | PTE_NO_EXECUTE;
const TOP_SHIFT: u32 = 39;
const PAGE_SHIFT: u64 = 12;

/** Entry `index` of the table at physical address `table`. */
@inline
function entryOf(table: u64, index: u32): u64 {
  return load<u64>(pointer(table) + (<usize>index << 3));
}

/** Whether `entry` leads to a table: in RAM, a frame of its own, with all rights (leaves narrow them). */
function leadsToTable(entry: u64): bool {
  if ((entry & TABLE_FLAGS) != TABLE_FLAGS || (entry & (PTE_LARGE | PTE_NO_EXECUTE)) != 0) return false;
  const table = entry & PTE_ADDRESS;
  return reach(table, PAGE_BYTES) != 0 && frameAt(table).owner == OWNER_PAGE_TABLE;
}

/** Tables are well-formed, share what they are to share with the kernel, and are counted. */
export function tablesWellFormed(): bool {
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    if (agent.space != 0 && !spaceWellFormed(agent, changetype<AddressSpace>(agent.space))) return false;
  }
  return true;
}

function spaceWellFormed(agent: Agent, space: AddressSpace): bool {
  if (reach(space.root, PAGE_BYTES) == 0 || (entryOf(space.root, 0) & PTE_ADDRESS) != space.first) return false;
  if (isNative(agent) && entryOf(space.root, 255) != 0) return false;
  for (let index: u32 = isNative(agent) ? 256 : 255; index < 512; index++)
    if ((entryOf(space.root, index) & SAME) != (entryOf(paging().root, index) & SAME)) return false;
  const own = ownsFirst(agent);
  if (own == 0 && (entryOf(space.first, 0) & PTE_ADDRESS) != changetype<Image>(agent.image).directory) return false;
  let tables = SPACE_TABLES - 1;
  for (let index: u32 = 0; index < 255; index++) {
    const entry = entryOf(space.root, index);
    if ((entry & PTE_PRESENT) == 0) continue;
    const below = leadsToTable(entry) ? countTables(entry & PTE_ADDRESS, PAGE_1G, index == 0 ? 1 - own : 0) : 0;
    if (below == 0) return false;
    tables += below;
  }
  if (tables != space.tables) return false;
  return space.leafSpan == NO_SPAN || tableWalk(space, <u64>space.leafSpan << PAGE_2M) == space.leaf;
}

/** 1 when the first GiB is made of the agent's own mappings: its image is native. */
function ownsFirst(agent: Agent): u32 {
  return isNative(agent) ? 1 : 0;
}

/** Tables from this one down; 0 when something about them is wrong. */
function countTables(table: u64, shift: u32, first: u32): u32 {
  let count: u32 = 1;
  for (let index = first; shift > PAGE_4K && index < 512; index++) {
    const entry = entryOf(table, index);
    if ((entry & PTE_PRESENT) == 0) continue;
    if (shift == PAGE_2M && (entry & PTE_LARGE) != 0) continue;
    const below = leadsToTable(entry) ? countTables(entry & PTE_ADDRESS, shift - 9, 0) : 0;
    if (below == 0) return 0;
    count += below;
  }
  return count;
}

/**
 * Every page lies in a range, shows what the range is made of, and allows no more than it: never
 * writing and executing.
 */
export function pagesAsMapped(): bool {
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    if (agent.space == 0) continue;
    const root = changetype<AddressSpace>(agent.space).root;
    for (let index: u32 = 0; index < 255; index++) {
      const entry = entryOf(root, index);
      const first: u32 = index == 0 ? 1 - ownsFirst(agent) : 0;
      if ((entry & PTE_PRESENT) == 0) continue;
      if (!leavesHold(agent, entry & PTE_ADDRESS, <u64>index << TOP_SHIFT, PAGE_1G, first)) return false;
    }
  }
  return true;
}

function leavesHold(agent: Agent, table: u64, base: u64, shift: u32, first: u32): bool {
  for (let index = first; index < 512; index++) {
    const entry = entryOf(table, index);
    if ((entry & PTE_PRESENT) == 0) continue;
    const address = base + (<u64>index << shift);
    const leaf = shift == PAGE_4K || (entry & PTE_LARGE) != 0;
    if (leaf && !leafHolds(agent, address, entry)) return false;
    if (!leaf && !leavesHold(agent, entry & PTE_ADDRESS, address, shift - 9, 0)) return false;
  }
  return true;
}

function leafHolds(agent: Agent, address: u64, entry: u64): bool {
  const at = mappingAt(agent, address);
  if (at == 0 || (entry & PTE_USER) == 0) return false;
  const mapping = changetype<Mapping>(at);
  const writable = (entry & PTE_WRITABLE) != 0;
  const executable = (entry & PTE_NO_EXECUTE) == 0;
  if (writable && executable) return false;
  if (writable && (mapping.protection & PROTECTION_WRITE) == 0) return false;
  if (executable && (mapping.protection & PROTECTION_EXECUTE) == 0) return false;
  const frame = entry & PTE_ADDRESS;
  const offset = address - mapping.start;
  if (mapping.type == MAPPING_FRAME) return frame == changetype<FrameBlock>(mapping.object).base + offset;
  if (mapping.type == MAPPING_REGION)
    return frame == load<u64>(changetype<Region>(mapping.object).frames + (<usize>(offset >> PAGE_SHIFT) << 3));
  if (mapping.type == MAPPING_IMAGE) return frame == imagePage(mapping, address);
  return mapping.type == MAPPING_ANONYMOUS && reach(frame, PAGE_BYTES) != 0;
}

/** What a pass over the pages of agents' own memory does with each. */
const PASS_TAKE: u32 = 0;
const PASS_CHECK: u32 = 1;
const PASS_PUT: u32 = 2;
const PASS_WRITABLE: u32 = 3;
const PASS_COUNT: u32 = 4;
const NONE: u32 = 0xffff_ffff;

/**
 * A frame counts the pages that show it, belongs to agents, and is writable only where it is shown
 * once; a region's frames are nobody's own memory. The counts are taken down to 0 and put back.
 */
export function sharingCounted(): bool {
  let holds = writableAlone();
  passAll(PASS_TAKE);
  holds = passAll(PASS_CHECK) != NONE && holds;
  for (let at = objectNext(KIND_REGION, 0); at != 0; at = objectNext(KIND_REGION, at)) {
    const region = changetype<Region>(at);
    for (let page: u64 = 0; page < region.bytes >> PAGE_SHIFT; page++) {
      const frame = load<u64>(region.frames + (<usize>page << 3));
      if (frame != 0 && frameUsers(frame) != 1) holds = false;
    }
  }
  passAll(PASS_PUT);
  return holds;
}

/** No page of own memory is writable whose frame has another user. */
function writableAlone(): bool {
  return passAll(PASS_WRITABLE) != NONE;
}

/** Pages seen, or NONE when one is not as the pass expects it. */
function passAll(pass: u32): u32 {
  let seen: u32 = 0;
  for (let at = objectNext(KIND_MAPPING, 0); at != 0; at = objectNext(KIND_MAPPING, at)) {
    const mapping = changetype<Mapping>(at);
    if (mapping.type != MAPPING_ANONYMOUS) continue;
    const found = passMapping(mapping, pass);
    if (found == NONE) return NONE;
    seen += found;
  }
  return seen;
}

function passMapping(mapping: Mapping, pass: u32): u32 {
  const space = changetype<AddressSpace>(changetype<Agent>(mapping.agent).space);
  let seen: u32 = 0;
  for (let at = mapping.start; at < mapping.end; ) {
    const stop = min((at & ~(SPAN_BYTES - 1)) + SPAN_BYTES, mapping.end);
    const table = tableFind(space, at);
    for (; table != 0 && at < stop; at += PAGE_BYTES) {
      const value = load<u64>(table + (<usize>(<u32>(at >> PAGE_SHIFT) & 511) << 3));
      if ((value & PTE_PRESENT) == 0) continue;
      seen += 1;
      const frame = frameAt(value & PTE_ADDRESS);
      if (pass == PASS_TAKE) frame.references -= 1;
      else if (pass == PASS_PUT) frame.references += 1;
      else if (pass == PASS_CHECK && (frame.references != 0 || frame.owner != OWNER_AGENT)) return NONE;
      else if (pass == PASS_WRITABLE && (value & PTE_WRITABLE) != 0 && frame.references != 1) return NONE;
    }
    at = stop;
  }
  return seen;
}

/**
 * What was promised to agents and is not there yet is counted, and so many frames are free: pages
 * of their memory, tables, pages of regions. Discardable mappings count their pages.
 */
export function promisesBacked(): bool {
  let promised: u64 = 0;
  for (let at = objectNext(KIND_MAPPING, 0); at != 0; at = objectNext(KIND_MAPPING, at)) {
    const mapping = changetype<Mapping>(at);
    if (mapping.type != MAPPING_ANONYMOUS) continue;
    const present = passMapping(mapping, PASS_COUNT);
    const reserved = discardableReserve(mapping.end - mapping.start);
    if (mapping.discardable == 0) promised += (mapping.end - mapping.start) >> PAGE_SHIFT;
    else if (present != mapping.present) return false;
    else promised += present < reserved ? reserved : present;
  }
  promised -= ownFrames();
  for (let at = objectNext(KIND_REGION, 0); at != 0; at = objectNext(KIND_REGION, at))
    promised += (changetype<Region>(at).bytes >> PAGE_SHIFT) - changetype<Region>(at).present;
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    if (agent.space == 0) continue;
    promised += SPACE_TABLES + agent.tablesReserved - changetype<AddressSpace>(agent.space).tables;
  }
  return promised == framesPromised() && promised <= framesFree();
}

/** Frames that agents' own memory has: each is seen with its last user when counts are taken down. */
function ownFrames(): u32 {
  let count: u32 = 0;
  for (let at = objectNext(KIND_MAPPING, 0); at != 0; at = objectNext(KIND_MAPPING, at))
    if (changetype<Mapping>(at).type == MAPPING_ANONYMOUS) count += takeLast(changetype<Mapping>(at));
  passAll(PASS_PUT);
  return count;
}

function takeLast(mapping: Mapping): u32 {
  const space = changetype<AddressSpace>(changetype<Agent>(mapping.agent).space);
  let last: u32 = 0;
  for (let at = mapping.start; at < mapping.end; at += PAGE_BYTES) {
    const table = tableFind(space, at);
    if (table == 0) {
      at = (at & ~(SPAN_BYTES - 1)) + SPAN_BYTES - PAGE_BYTES;
      continue;
    }
    const value = load<u64>(table + (<usize>(<u32>(at >> PAGE_SHIFT) & 511) << 3));
    if ((value & PTE_PRESENT) == 0) continue;
    const frame = frameAt(value & PTE_ADDRESS);
    frame.references -= 1;
    if (frame.references == 0) last += 1;
  }
  return last;
}
