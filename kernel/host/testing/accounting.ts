/** Checks of the kernel's memory from outside: written without a look at how the kernel does it. */
import { RAM_BASE } from "../../../sim/host/core.ts";
import type { Machine } from "../../../sim/host/machine.ts";
import type { BootViews } from "./boot.ts";

const PAGE = 4096n;
const STATE_FREE = 1;
const STATE_USED = 2;
export const OWNERS = ["none", "firmware", "kernel", "page-table", "driver", "bundle"] as const;
type Owner = (typeof OWNERS)[number];

export interface FrameCount {
  readonly free: number;
  readonly owned: Readonly<Record<Owner, number>>;
  /** Frames in no block: neither free nor anybody's. */
  readonly lost: number;
}

/** Counts all frames block by block. @throws Error when blocks overlap or are misaligned */
export function countFrames(kernel: BootViews): FrameCount {
  const { frames } = kernel;
  const owned = { none: 0, firmware: 0, kernel: 0, "page-table": 0, driver: 0, bundle: 0 };
  let free = 0;
  let lost = 0;
  for (let frame = 0; frame < frames.count; ) {
    const { state, order, owner } = frames.entriesAt(frame);
    if (state !== STATE_FREE && state !== STATE_USED) {
      lost += 1;
      frame += 1;
      continue;
    }
    const size = 2 ** order;
    if (frame % size !== 0) throw new Error(`frame ${frame}: a block of ${size} is misaligned`);
    for (let inside = 1; inside < size; inside++)
      if (frames.entriesAt(frame + inside).state !== 0)
        throw new Error(`frame ${frame + inside}: a block inside the one of frame ${frame}`);
    if (state === STATE_FREE) free += size;
    else owned[OWNERS[owner] ?? "none"] += size;
    frame += size;
  }
  return { free, owned, lost };
}

/** What the allocator itself says that each owner has. */
export function ownedFrames(kernel: BootViews): Record<Owner, number> {
  const at = (index: number) => kernel.data.getUint32(kernel.frames.owned + index * 4, true);
  return Object.fromEntries(OWNERS.map((name, index) => [name, at(index)])) as Record<
    Owner,
    number
  >;
}

export interface Leaf {
  readonly linear: bigint;
  readonly physical: bigint;
  readonly bytes: bigint;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

export interface PageTables {
  readonly leaves: readonly Leaf[];
  /** Physical addresses of all tables, the top-level one included. */
  readonly tables: readonly bigint[];
}

/** Walks all page tables from `root` (Intel SDM 3A, 4.5). @throws Error on an entry that faults */
export function walkTables(machine: Machine, root: bigint): PageTables {
  const leaves: Leaf[] = [];
  const tables: bigint[] = [];
  const visit = (table: bigint, base: bigint, shift: bigint, rights: Rights) => {
    tables.push(table);
    for (let index = 0n; index < 512n; index++) {
      const entry = machine.physical.number(table + index * 8n, 8);
      if ((entry & 1n) === 0n) continue;
      const linear = canonical(base | (index << shift));
      const target = entry & 0x000f_ffff_ffff_f000n;
      const here = narrow(rights, entry);
      const isLeaf = shift === 12n || (entry & 0x80n) !== 0n;
      if (!isLeaf) {
        visit(target, linear, shift - 9n, here);
        continue;
      }
      if (shift > 30n) throw new Error(`entry for ${linear.toString(16)}: page size bit reserved`);
      const bytes = 1n << shift;
      const physical = shift === 12n ? target : target & ~0x1000n;
      if (physical % bytes !== 0n) throw new Error(`page at ${linear.toString(16)}: reserved bits`);
      leaves.push({ linear, physical, bytes, ...here });
    }
  };
  visit(root & ~0xfffn, 0n, 39n, { writable: true, user: true, executable: true });
  return { leaves, tables };
}

interface Rights {
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

function narrow(above: Rights, entry: bigint): Rights {
  return {
    writable: above.writable && (entry & 2n) !== 0n,
    user: above.user && (entry & 4n) !== 0n,
    executable: above.executable && entry >> 63n === 0n,
  };
}

function canonical(address: bigint): bigint {
  return BigInt.asUintN(64, BigInt.asIntN(48, address));
}

/** State and owner of the block that holds physical `address`; null when no block does. */
export function holderOf(kernel: BootViews, address: bigint): Owner | "free" | null {
  const target = Number(address / PAGE);
  for (let order = 0; order <= 18; order++) {
    const first = target - (target % 2 ** order);
    const entry = kernel.frames.entriesAt(first);
    if (entry.state !== 0 && first + 2 ** entry.order > target)
      return entry.state === STATE_FREE ? "free" : (OWNERS[entry.owner] ?? null);
  }
  return null;
}

/** Linear (WebAssembly) address of RAM as a physical one, for machines below 2 GiB. */
export const physicalOf = (linear: number) => BigInt(linear - RAM_BASE);
