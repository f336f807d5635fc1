/**
 * Structures that calls read in their caller's memory, drawn so that they could be right. Where each
 * field is comes from kernel/syscall/*_layouts.ts, which the kernel reads them by.
 */
import { CLASS_FAIR, CLASS_IDLE, CLASS_REALTIME } from "../agent/states.ts";
import { RIGHTS_ALL } from "../cap/rights.ts";
import { MAPPING_ANONYMOUS } from "../mm/protection.ts";
import { KIND_AGENT, KIND_IMAGE, KIND_POOL, KIND_SCOPE } from "../object/kinds.ts";
import * as cap from "../syscall/cap_layouts.ts";
import * as layouts from "../syscall/layouts.ts";
import type { Draft, Integer } from "./draft.ts";

/** Draws a structure's bytes. */
export type Structure = (draft: Draft) => Uint8Array;

class Fields {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: number) {
    this.bytes = new Uint8Array(bytes);
    this.view = new DataView(this.bytes.buffer);
  }

  u16(at: number, value: number): this {
    this.view.setUint16(at, value, true);
    return this;
  }

  u32(at: number, value: number): this {
    this.view.setUint32(at, value, true);
    return this;
  }

  u64(at: number, value: Integer): this {
    this.view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    return this;
  }
}

/** How an agent is scheduled: of each class what is admitted often, and seldom. */
function writeSchedule(fields: Fields, at: number, { random, scene }: Draft): void {
  const kind = random.pick([CLASS_FAIR, CLASS_FAIR, CLASS_FAIR, CLASS_REALTIME, CLASS_IDLE]);
  const period = random.pick([200_000, 1_000_000, 10_000_000]);
  const share = random.pick([0.01, 0.05, 0.3, 1]);
  fields
    .u32(at + layouts.SCHEDULE_CLASS, kind)
    .u32(at + layouts.SCHEDULE_WEIGHT, random.pick([1, 1024, 1 + random.below(65_536)]))
    .u64(at + layouts.SCHEDULE_AFFINITY, random.below(3) > 0 ? 0n : scene.cpus & BigInt(random.next()))
    .u32(at + layouts.SCHEDULE_FLAGS, random.below(4));
  if (kind !== CLASS_REALTIME) return;
  fields
    .u64(at + layouts.SCHEDULE_BUDGET, Math.round(period * share))
    .u64(at + layouts.SCHEDULE_PERIOD, period)
    .u64(at + layouts.SCHEDULE_DEADLINE, random.once(2) ? 0 : Math.round((period * (1 + share)) / 2));
}

export const schedule: Structure = (draft) => {
  const fields = new Fields(layouts.SCHEDULE_BYTES);
  writeSchedule(fields, 0, draft);
  return fields.bytes;
};

export const configuration: Structure = ({ random }) => {
  const quantum = random.pick([100_000, 500_000, 1_000_000]);
  return new Fields(layouts.CONFIGURE_BYTES)
    .u64(layouts.CONFIGURE_EPOCH, quantum * random.between(1, 20))
    .u32(layouts.CONFIGURE_QUANTUM, quantum)
    .u32(layouts.CONFIGURE_FOREGROUND, Math.floor(quantum / random.between(1, 4)))
    .u32(layouts.CONFIGURE_FAIR_RESERVE, random.pick([0, 100, 512, 1024]))
    .u32(layouts.CONFIGURE_AGEING, random.between(1, 20)).bytes;
};

/** Grants in the caller's memory: their address and how many. */
function grants(draft: Draft): readonly [number, number] {
  const { random, caller } = draft;
  const count = caller.handles.length === 0 ? 0 : random.pick([0, 0, 1, 2, 3, 5]);
  if (count === 0) return [0, 0];
  const fields = new Fields(count * layouts.GRANT_BYTES);
  for (let index = 0; index < count; index++) {
    const { id, rights } = random.pick(caller.handles);
    const at = index * layouts.GRANT_BYTES;
    fields.u64(at + layouts.GRANT_CAPABILITY, id).u32(at + layouts.GRANT_RIGHTS, draft.rights(rights));
  }
  return [draft.put(fields.bytes), count];
}

/** What all ways to be born have in common. */
function writeBirth(fields: Fields, draft: Draft): Fields {
  const [at, count] = grants(draft);
  const rights = () => (draft.random.once(6) ? draft.random.next() : RIGHTS_ALL);
  return fields
    .u64(layouts.SPAWN_GRANTS, at)
    .u32(layouts.SPAWN_GRANT_COUNT, count)
    .u32(layouts.SPAWN_SELF_RIGHTS, rights())
    .u32(layouts.SPAWN_POOL_RIGHTS, rights())
    .u16(layouts.SPAWN_CAPABILITIES, draft.random.pick([0, 0, 0, 3, 8, 1024]))
    .u16(layouts.SPAWN_MESSAGES, draft.random.pick([0, 0, 0, 1, 256]))
    .u64(layouts.SPAWN_ARGUMENT, draft.random.next());
}

export const spawn: Structure = (draft) => {
  const fields = writeBirth(new Fields(layouts.SPAWN_BYTES), draft)
    .u64(layouts.SPAWN_IMAGE, draft.handleTo(KIND_IMAGE))
    .u64(layouts.SPAWN_QUOTA, draft.random.pick([0, 0, 65_536, 300_000]));
  writeSchedule(fields, layouts.SPAWN_SCHEDULE, draft);
  return fields.bytes;
};

export const clone: Structure = (draft) =>
  writeBirth(new Fields(layouts.CLONE_BYTES), draft).u64(layouts.CLONE_POOL, draft.handleTo(KIND_POOL)).bytes;

export const split: Structure = (draft) => {
  const count = draft.random.pick([1, 1, 2, 3]);
  const ranges = new Fields(count * layouts.RANGE_BYTES);
  for (let index = 0; index < count; index++) {
    const [address, bytes] = draft.pages(MAPPING_ANONYMOUS);
    const at = index * layouts.RANGE_BYTES;
    ranges.u64(at + layouts.RANGE_ADDRESS, address).u64(at + layouts.RANGE_LENGTH, bytes);
  }
  return writeBirth(new Fields(layouts.SPLIT_BYTES), draft)
    .u64(layouts.CLONE_POOL, draft.handleTo(KIND_POOL))
    .u64(layouts.SPLIT_RANGES, draft.put(ranges.bytes))
    .u64(layouts.SPLIT_RANGE_COUNT, count).bytes;
};

const TEXT = new TextEncoder().encode("FS_READ:/project/src/");

export const derivation: Structure = (draft) => {
  const { random, scene } = draft;
  const from = draft.caller.handles.find(({ id }) => id === draft.handle);
  const fields = new Fields(cap.DERIVE_BYTES)
    .u64(cap.DERIVE_HOLDER, random.once(2) ? 0 : draft.handleTo(KIND_AGENT))
    .u32(cap.DERIVE_RIGHTS, draft.rights(from?.rights ?? RIGHTS_ALL))
    .u64(cap.DERIVE_EXPIRY, random.below(4) > 0 ? 0 : scene.now + random.below(20_000_000));
  if (from?.kind !== KIND_SCOPE) return fields.bytes;
  const length = random.between(from.scope.length, 32);
  fields.bytes.set(TEXT.subarray(0, length), cap.DERIVE_SCOPE);
  fields.bytes.set(from.scope, cap.DERIVE_SCOPE);
  return fields.u32(cap.DERIVE_MASK, from.scopeMask).u32(cap.DERIVE_SCOPE_BYTES, length).bytes;
};

export const token: Structure = ({ random, caller, scene }) =>
  new Fields(cap.TOKEN_BYTES)
    .u64(cap.TOKEN_ID, random.pick([0, ...caller.handles.map(({ id }) => id)]))
    .u64(cap.TOKEN_AGENT, caller.id)
    .u64(cap.TOKEN_OBJECT, random.pick([0, ...scene.agents]))
    .u32(cap.TOKEN_RIGHTS, random.next()).bytes;

export const scope: Structure = ({ random }) => {
  const length = random.below(33);
  const fields = new Fields(cap.SCOPE_BYTES).u32(cap.SCOPE_MASK, random.next()).u32(cap.SCOPE_LENGTH, length);
  fields.bytes.set(TEXT.subarray(0, length), cap.SCOPE_TEXT);
  return fields.bytes;
};

/** Record of kernel/mm/predictions.ts: agent, start, end, next use, expiry. */
const PREDICTION_BYTES = 40;

/** Predictions, and how many. */
export function predictions(draft: Draft): readonly [Uint8Array, number] {
  const { random, scene, caller } = draft;
  const count = random.pick([1, 1, 2, 5]);
  const fields = new Fields(count * PREDICTION_BYTES);
  for (let index = 0; index < count; index++) {
    const at = index * PREDICTION_BYTES;
    const [start, bytes] = draft.pages(MAPPING_ANONYMOUS);
    const values = [
      random.pick([caller.id, ...scene.agents]),
      start,
      start + bytes,
      scene.now + random.below(20_000_000),
      scene.now + random.below(40_000_000),
    ];
    for (const [n, value] of values.entries()) fields.u64(at + 8 * n, value);
  }
  return [fields.bytes, count];
}
