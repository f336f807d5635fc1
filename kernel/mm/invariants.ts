/**
 * What holds of agents' memory after every system call: lists of ranges, reservations, counts.
 * What holds of the pages themselves is in invariants_pages.ts.
 */
import { PAGE_BYTES } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { NATIVE_BASE } from "../agent/elf_format";
import { Image, isNative } from "../agent/image";
import { Capability } from "../cap/capability";
import { kernelCpu } from "../cpu/cpu";
import { AGENT_BYTES_MAX, MAPPINGS_PER_AGENT_MAX } from "../limits";
import {
  KIND_AGENT,
  KIND_CAPABILITY,
  KIND_FRAME,
  KIND_IMAGE,
  KIND_MAPPING,
  KIND_POOL,
  KIND_REGION,
} from "../object/kinds";
import { objectFind, objectNext } from "../object/slab";
import { kernel } from "../state";
import { AddressSpace, Mapping, SPACE_BYTES, SPACE_TABLES } from "./address_space";
import { blockCharge, FrameBlock } from "./frame_block";
import { framesOwned, framesValid, OWNER_QUARANTINE } from "./frames";
import { USER_BASE, USER_END } from "./layout";
import { NOTHING_AFTER } from "./mappings";
import { mappingCharge } from "./move";
import { Pool, POOL_BYTES } from "./pool";
import { MAPPING_GUARD_BELOW } from "./protection";
import { discardableReserve } from "./reclaim";
import { Region, regionCharge } from "./region";
import { quarantine } from "./shootdown";
import { tablesNeeded } from "./tables";

/** Each frame of RAM is free or one owner's, and the counts of the owners add up. */
export function framesOwnedOnce(): bool {
  return framesValid();
}

/** Ranges are in order, apart, whole pages of the agent's half, and counted; no record is in no list. */
export function mappingsInOrder(): bool {
  let listed: u32 = 0;
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    if (agent.mappingCount > MAPPINGS_PER_AGENT_MAX || !listHolds(agent)) return false;
    listed += agent.mappingCount;
  }
  let live: u32 = 0;
  for (let at = objectNext(KIND_MAPPING, 0); at != 0; at = objectNext(KIND_MAPPING, at)) live += 1;
  return live == listed;
}

function listHolds(agent: Agent): bool {
  let previous: usize = 0;
  let end: u64 = isNative(agent) ? NATIVE_BASE : USER_BASE;
  let count: u32 = 0;
  let bytes: u64 = 0;
  for (let at = agent.mappings; at != 0; at = changetype<Mapping>(at).next) {
    const mapping = changetype<Mapping>(at);
    if (mapping.previous != previous || mapping.agent != changetype<usize>(agent)) return false;
    if (mapping.start < end || mapping.end <= mapping.start || mapping.end > USER_END) return false;
    if (((mapping.start | mapping.end) & (PAGE_BYTES - 1)) != 0) return false;
    if ((mapping.protection & ~mapping.allowed) != 0 || count == agent.mappingCount) return false;
    if (mapping.type < <u32>MAPPING_GUARD_BELOW) bytes += mapping.end - mapping.start;
    previous = at;
    end = mapping.end;
    count += 1;
  }
  return count == agent.mappingCount && bytes == agent.mappedBytes && bytes <= AGENT_BYTES_MAX;
}

/** Tables that ranges need are reserved, exactly, and no more are there than were reserved. */
export function tablesReserved(): bool {
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    let needed: u32 = 0;
    let before: u64 = 0;
    for (let link = agent.mappings; link != 0; link = changetype<Mapping>(link).next) {
      const mapping = changetype<Mapping>(link);
      needed += tablesNeeded(mapping.start, mapping.end, before, NOTHING_AFTER);
      before = mapping.end;
    }
    if (needed != agent.tablesReserved || (agent.space == 0 && agent.mappings != 0)) return false;
    if (agent.space == 0) continue;
    if (changetype<AddressSpace>(agent.space).tables > SPACE_TABLES + needed) return false;
  }
  return true;
}

/** Regions and blocks of frames count their mappings and pages, and end with the last of them. */
export function memoryObjectsCounted(): bool {
  for (let at = objectNext(KIND_REGION, 0); at != 0; at = objectNext(KIND_REGION, at)) {
    const region = changetype<Region>(at);
    let present: u32 = 0;
    for (let page: u64 = 0; page < region.bytes >> 12; page++)
      if (load<u64>(region.frames + (<usize>page << 3)) != 0) present += 1;
    if (region.mappings == 0 || present != region.present) return false;
    if (mappingsOf(at) != region.mappings) return false;
  }
  for (let at = objectNext(KIND_FRAME, 0); at != 0; at = objectNext(KIND_FRAME, at)) {
    const block = changetype<FrameBlock>(at);
    if (mappingsOf(at) != block.mappings || namesOf(KIND_FRAME, block.id) != block.names) return false;
    if (block.mappings == 0 && (block.names == 0 || block.closed != 0)) return false;
  }
  return true;
}

function mappingsOf(object: usize): u32 {
  let count: u32 = 0;
  for (let at = objectNext(KIND_MAPPING, 0); at != 0; at = objectNext(KIND_MAPPING, at))
    if (changetype<Mapping>(at).object == object) count += 1;
  return count;
}

export function namesOf(kind: u32, id: u64): u32 {
  let count: u32 = 0;
  for (let at = objectNext(KIND_CAPABILITY, 0); at != 0; at = objectNext(KIND_CAPABILITY, at)) {
    const held = changetype<Capability>(at);
    if (held.kind == kind && held.object == id) count += 1;
  }
  return count;
}

/**
 * No pool uses more than its quota or less than what memory it pays for costs, and each counts what
 * refers to it (others than memory may, too).
 */
export function poolsAddUp(): bool {
  for (let at = objectNext(KIND_POOL, 0); at != 0; at = objectNext(KIND_POOL, at)) {
    const pool = changetype<Pool>(at);
    if (pool.used > pool.quota || memoryCharged(at) > pool.used) return false;
    const own: u32 = at == kernel().pool ? 1 : 0;
    if (referencesOf(at) + own > pool.references) return false;
  }
  return true;
}

/** Bytes that `pool` pays for memory, child pools, and what describes them. */
export function memoryCharged(pool: usize): u64 {
  let bytes: u64 = 0;
  for (let at = objectNext(KIND_POOL, 0); at != 0; at = objectNext(KIND_POOL, at))
    if (changetype<Pool>(at).parent == pool) bytes += changetype<Pool>(at).quota + POOL_BYTES;
  for (let at = objectNext(KIND_MAPPING, 0); at != 0; at = objectNext(KIND_MAPPING, at))
    if (changetype<Mapping>(at).pool == pool) bytes += mappingCharge(changetype<Mapping>(at));
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    if (agent.pool != pool || agent.space == 0) continue;
    bytes += SPACE_BYTES + <u64>(SPACE_TABLES + agent.tablesReserved) * PAGE_BYTES;
  }
  for (let at = objectNext(KIND_REGION, 0); at != 0; at = objectNext(KIND_REGION, at))
    if (changetype<Region>(at).pool == pool) bytes += regionCharge(changetype<Region>(at).bytes);
  for (let at = objectNext(KIND_FRAME, 0); at != 0; at = objectNext(KIND_FRAME, at))
    if (changetype<FrameBlock>(at).pool == pool) bytes += blockCharge(changetype<FrameBlock>(at).order);
  for (let at = objectNext(KIND_IMAGE, 0); at != 0; at = objectNext(KIND_IMAGE, at))
    if (changetype<Image>(at).pool == pool) bytes += changetype<Image>(at).charged;
  return bytes;
}

function referencesOf(pool: usize): u32 {
  let count = namesOf(KIND_POOL, changetype<Pool>(pool).id);
  for (let at = objectNext(KIND_POOL, 0); at != 0; at = objectNext(KIND_POOL, at))
    if (changetype<Pool>(at).parent == pool) count += 1;
  for (let at = objectNext(KIND_MAPPING, 0); at != 0; at = objectNext(KIND_MAPPING, at))
    if (changetype<Mapping>(at).pool == pool) count += 1;
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at))
    if (changetype<Agent>(at).pool == pool) count += 1;
  for (let at = objectNext(KIND_REGION, 0); at != 0; at = objectNext(KIND_REGION, at))
    if (changetype<Region>(at).pool == pool) count += 1;
  for (let at = objectNext(KIND_FRAME, 0); at != 0; at = objectNext(KIND_FRAME, at))
    if (changetype<FrameBlock>(at).pool == pool) count += 1;
  for (let at = objectNext(KIND_IMAGE, 0); at != 0; at = objectNext(KIND_IMAGE, at))
    if (changetype<Image>(at).pool == pool) count += 1;
  return count;
}

/** Discardable mappings are in the ring of their pool, which counts the pages it could have back. */
export function discardableCounted(): bool {
  for (let at = objectNext(KIND_POOL, 0); at != 0; at = objectNext(KIND_POOL, at)) {
    const pool = changetype<Pool>(at);
    let ring: u32 = 0;
    let spare: u32 = 0;
    let link = pool.discardable;
    while (link != 0) {
      const mapping = changetype<Mapping>(link);
      const reserved = discardableReserve(mapping.end - mapping.start);
      if (mapping.discardable == 0 || mapping.pool != at) return false;
      if (changetype<Mapping>(mapping.discardNext).discardPrevious != link) return false;
      if (mapping.present > reserved) spare += mapping.present - reserved;
      ring += 1;
      link = mapping.discardNext;
      if (link == pool.discardable) break;
    }
    if (ring != discardableOf(at) || spare != pool.spare) return false;
  }
  return true;
}

function discardableOf(pool: usize): u32 {
  let count: u32 = 0;
  for (let at = objectNext(KIND_MAPPING, 0); at != 0; at = objectNext(KIND_MAPPING, at))
    if (changetype<Mapping>(at).pool == pool && changetype<Mapping>(at).discardable != 0) count += 1;
  return count;
}

/** Spaces know the CPUs that translate by them; what is in quarantine waits for somebody. */
export function translationsKnown(): bool {
  for (let index: u32 = 0; index < kernel().cpuCount; index++) {
    const cpu = kernelCpu(index);
    if (cpu.space == 0) continue;
    const space = changetype<AddressSpace>(cpu.space);
    if (space.root != cpu.root || ((space.cpus >> index) & 1) == 0) return false;
  }
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const space = changetype<Agent>(at).space;
    if (space == 0) continue;
    for (let left = changetype<AddressSpace>(space).cpus; left != 0; left &= left - 1)
      if (kernelCpu(<u32>ctz(left)).space != space) return false;
  }
  const state = quarantine();
  return state.frames == framesOwned(OWNER_QUARANTINE) && (state.count != 0 || state.frames == 0);
}
