/** System calls: regions that several agents map, and blocks of frames that agents hold by name. */
import { Capability } from "../cap/capability";
import { blockBytes, blockCharge, blockClose, BLOCK_ORDER_MAX, FrameBlock } from "../mm/frame_block";
import { USER_BASE } from "../mm/layout";
import { blockCreate, mapObject, protectionOf, regionShare, shareCharge, unmapRegion } from "../mm/objects";
import { Pool } from "../mm/pool";
import { MAPPING_FRAME, MAPPING_REGION } from "../mm/protection";
import { Region } from "../mm/region";
import { KIND_FRAME, KIND_REGION } from "../object/kinds";
import { FIRST_SLOT } from "../object/slab";
import { Call, callerOf } from "./call";
import { nameObject, roomForObject } from "./name";
import { STATUS_OBJECT_GONE, STATUS_OK, STATUS_TOO_LARGE } from "./status";

/** RegionShare: a2 bytes of the caller's memory from a1 become a region. */
export function regionShareCall(call: Call): u32 {
  const caller = callerOf(call);
  const pool = changetype<Pool>(call.object);
  const room = roomForObject(call, pool, shareCharge(caller, pool, call.a1, call.a2));
  if (room != STATUS_OK) return room;
  const slot = regionShare(caller, pool, call.a1, call.a2);
  if (slot < FIRST_SLOT) return <u32>slot;
  nameObject(call, KIND_REGION, slot);
  return STATUS_OK;
}

/** Rights of the call's capability that its holder still has. */
@inline
function rightsOf(call: Call): u32 {
  return changetype<Capability>(call.held).rights & callerOf(call).rightsLeft;
}

function mapped(call: Call, result: u64): u32 {
  if (result < USER_BASE) return <u32>result;
  call.value = result;
  return STATUS_OK;
}

/** RegionMap: at a1 (0: anywhere) with protection a2. */
export function regionMap(call: Call): u32 {
  const region = changetype<Region>(call.object);
  const allowed = protectionOf(rightsOf(call));
  return mapped(
    call,
    mapObject(callerOf(call), MAPPING_REGION, call.object, region.bytes, call.a1, call.a2, allowed),
  );
}

/** RegionUnmap: the mapping that begins at a1. */
export function regionUnmap(call: Call): u32 {
  return unmapRegion(callerOf(call), call.object, call.a1);
}

/** FrameAlloc: a block of 2^a1 frames. */
export function frameAllocCall(call: Call): u32 {
  const pool = changetype<Pool>(call.object);
  if (call.a1 > BLOCK_ORDER_MAX) return STATUS_TOO_LARGE;
  const room = roomForObject(call, pool, blockCharge(<u32>call.a1));
  if (room != STATUS_OK) return room;
  const slot = blockCreate(pool, call.a1, callerOf(call).cpu);
  if (slot < FIRST_SLOT) return <u32>slot;
  nameObject(call, KIND_FRAME, slot);
  return STATUS_OK;
}

/** FrameFree: the block has no name any more, and ends when it isn't mapped. */
export function frameFreeCall(call: Call): u32 {
  const block = changetype<FrameBlock>(call.object);
  if (block.closed != 0) return STATUS_OBJECT_GONE;
  blockClose(block);
  return STATUS_OK;
}

/** PageMap: the block at a1 (0: anywhere) with protection a2. */
export function pageMap(call: Call): u32 {
  const block = changetype<FrameBlock>(call.object);
  if (block.closed != 0) return STATUS_OBJECT_GONE;
  const allowed = protectionOf(rightsOf(call));
  return mapped(
    call,
    mapObject(callerOf(call), MAPPING_FRAME, call.object, blockBytes(block), call.a1, call.a2, allowed),
  );
}
