/**
 * The memory of an agent that is machine code: the segments of its image, and a stack. All of it lies
 * in the first GiB, where nothing else can be mapped.
 *
 *   read-only and executable segments   MAPPING_IMAGE: frames of the image, which all its agents share
 *   writable segments                   memory of its own, with the file's bytes at the beginning
 *   the stack                           memory of its own; no page below it is ever mapped
 *
 * What is the agent's own is ordinary memory from then on: it can be freed, protected, shared.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { ImageSegment, summarySegment } from "../agent/elf";
import { STACK_END } from "../agent/elf_format";
import { elfOf, Image, isNative } from "../agent/image";
import { stackBuild } from "../agent/stack";
import { STATUS_OK } from "../syscall/status";
import { AddressSpace, Mapping } from "./address_space";
import { extendedReset } from "./extended";
import { pageIn } from "./fault";
import { USER_BASE } from "./layout";
import { mappingCreate, mappingInsert, withinLimits } from "./mappings";
import { PROTECTION_ALL, rangeReserve } from "./memory";
import { Pool } from "./pool";
import { MAPPING_ANONYMOUS, MAPPING_IMAGE, PROTECTION_READ, PROTECTION_WRITE } from "./protection";
import { mappingEnd, rangeEnd } from "./unmap";

const PAGE_SHIFT: u64 = 12;
const READ_WRITE: u32 = PROTECTION_READ | PROTECTION_WRITE;

/**
 * Maps what the agent's image consists of, if it is native; its pool pays. A status: when it isn't OK,
 * a part may be mapped, which ends with the agent.
 */
export function imageEnter(agent: Agent): u32 {
  const image = changetype<Image>(agent.image);
  if (!isNative(agent)) return STATUS_OK;
  const elf = elfOf(image);
  for (let index: u32 = 0; index < elf.count; index++) {
    const segment = summarySegment(elf, index);
    const own = (segment.protection & PROTECTION_WRITE) != 0;
    const status = own ? mapOwn(agent, segment) : mapShared(agent, segment);
    if (status != STATUS_OK) return status;
  }
  const status = mapAnonymous(agent, <u64>STACK_END - elf.stackBytes, STACK_END);
  if (status != STATUS_OK) return status;
  stackBuild(agent, image);
  extendedReset(changetype<AddressSpace>(agent.space));
  return STATUS_OK;
}

function mapShared(agent: Agent, segment: ImageSegment): u32 {
  const pool = changetype<Pool>(agent.pool);
  const limits = withinLimits(agent, 1, 0);
  if (limits != STATUS_OK) return limits;
  const status = rangeReserve(agent, pool, segment.start, segment.end, 1, 0, 0);
  if (status != STATUS_OK) return status;
  const mapping = changetype<Mapping>(mappingCreate(agent, pool));
  mapping.start = segment.start;
  mapping.end = segment.end;
  mapping.type = MAPPING_IMAGE;
  mapping.protection = segment.protection;
  mapping.allowed = segment.protection;
  mapping.object = changetype<usize>(segment);
  mappingInsert(agent, mapping);
  return STATUS_OK;
}

function mapOwn(agent: Agent, segment: ImageSegment): u32 {
  const status = mapAnonymous(agent, segment.start, segment.end);
  if (status != STATUS_OK) return status;
  const mapping = changetype<Mapping>(agent.mappingFinger);
  for (let page: u32 = 0; page < segment.pages; page++) {
    const offset = <u64>page * PAGE_BYTES;
    const to = pageIn(agent, mapping, segment.start + offset, true);
    memory.copy(to, pointer(segment.frames + offset), <usize>PAGE_BYTES);
  }
  return STATUS_OK;
}

/** Memory of its own at [start, end), under the finger afterwards. */
function mapAnonymous(agent: Agent, start: u64, end: u64): u32 {
  const pool = changetype<Pool>(agent.pool);
  const limits = withinLimits(agent, 1, end - start);
  if (limits != STATUS_OK) return limits;
  const status = rangeReserve(agent, pool, start, end, 1, end - start, <u32>((end - start) >> PAGE_SHIFT));
  if (status != STATUS_OK) return status;
  const mapping = changetype<Mapping>(mappingCreate(agent, pool));
  mapping.start = start;
  mapping.end = end;
  mapping.type = MAPPING_ANONYMOUS;
  mapping.protection = READ_WRITE;
  mapping.allowed = PROTECTION_ALL;
  mappingInsert(agent, mapping);
  agent.mappingFinger = changetype<usize>(mapping);
  agent.mappedBytes += end - start;
  return STATUS_OK;
}

/** Unmaps all of the first GiB: what an image has left there. */
export function imageLeave(agent: Agent): void {
  while (agent.mappings != 0 && changetype<Mapping>(agent.mappings).start < USER_BASE) {
    const mapping = changetype<Mapping>(agent.mappings);
    const start = mapping.start;
    const end = mapping.end;
    mappingEnd(agent, mapping);
    rangeEnd(agent, start, end);
  }
}

/** Physical address of the frame behind `address` of a mapping of an image. */
export function imagePage(mapping: Mapping, address: u64): u64 {
  return changetype<ImageSegment>(mapping.object).frames + (address - mapping.start);
}
