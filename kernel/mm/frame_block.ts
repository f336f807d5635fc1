/**
 * Blocks of frames that agents hold by name (FrameAlloc): contiguous, for whoever cares where memory
 * is, and mapped with one 2 MiB page when they are large enough. A block lives as long as it is
 * mapped, or a capability names it and nobody has closed it.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { KernelObject, objectFree } from "../object/slab";
import { Ptr } from "../state";
import { AddressSpace, Mapping } from "./address_space";
import { entryFlags, entryMake } from "./fault";
import { frameFree } from "./frames";
import { PAGE_2M, PTE_LARGE } from "./paging";
import { Pool, poolDrop, poolRelease } from "./pool";
import { retire } from "./shootdown";
import { spanEntryMake } from "./tables";

@unmanaged
export class FrameBlock extends KernelObject {
  /** Physical address of its 2^order frames. */
  base: u64;
  order: u32;
  mappings: u32;
  /** Capabilities that name it. */
  names: u32;
  /** 1 once FrameFree was called: names count no more. */
  closed: u32;
  /** Who pays. */
  pool: Ptr<Pool>;
}

export const BLOCK_BYTES: u32 = (offsetof<FrameBlock>() + 7) & ~7;
/** Largest block: one 2 MiB page. */
export const BLOCK_ORDER_MAX: u64 = 9;

@inline
export function blockBytes(block: FrameBlock): u64 {
  return PAGE_BYTES << block.order;
}

/** What a block of 2^order frames costs its pool. */
@inline
export function blockCharge(order: u32): u64 {
  return (PAGE_BYTES << order) + BLOCK_BYTES;
}

/** Makes the page at `address` of a mapping of a block accessible; its linear address. */
export function blockPage(space: AddressSpace, mapping: Mapping, address: u64): usize {
  const block = changetype<FrameBlock>(mapping.object);
  const target = block.base + (address - mapping.start);
  const flags = entryFlags(mapping.protection);
  if (block.order == BLOCK_ORDER_MAX && (mapping.start & ((1 << PAGE_2M) - 1)) == 0)
    store<u64>(spanEntryMake(space, address), block.base | flags | PTE_LARGE);
  else store<u64>(entryMake(space, address), target | flags);
  return pointer(target);
}

/** A mapping of the block is gone. */
export function blockDrop(mapping: Mapping): void {
  const block = changetype<FrameBlock>(mapping.object);
  block.mappings -= 1;
  if (blockUsed(block)) return;
  retire(changetype<AddressSpace>(changetype<Agent>(mapping.agent).space), block.base);
  blockEnd(block);
}

/** FrameFree: the block ends, or with its last mapping. */
export function blockClose(block: FrameBlock): void {
  block.closed = 1;
  blockUnused(block);
}

/** A capability that named the block is gone. */
export function blockUnname(block: FrameBlock): void {
  block.names -= 1;
  blockUnused(block);
}

@inline
function blockUsed(block: FrameBlock): bool {
  return block.mappings != 0 || (block.names != 0 && block.closed == 0);
}

function blockUnused(block: FrameBlock): void {
  if (blockUsed(block)) return;
  frameFree(block.base);
  blockEnd(block);
}

function blockEnd(block: FrameBlock): void {
  const pool = changetype<Pool>(block.pool);
  poolRelease(pool, blockCharge(block.order));
  objectFree(changetype<usize>(block));
  poolDrop(pool);
}
