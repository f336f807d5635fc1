/** What must be the same before and after a call that is refused. */
import * as Views from "../host/views.generated.ts";
import { KIND_AGENT, KINDS } from "../object/kinds.ts";
import type { World } from "./world-host.ts";

/** kernel/mm/frames.ts: owners of frames, but for the kernel, whose tables keep what they have. */
const OWNERS = [3, 4, 5, 6, 7];
/** Pointers in a page of a table's directory. */
const DIRECTORY = 1024;

/** Where RAM begins in linear memory. */
const baseOf = ({ exports }: World) => exports.linear(0n);

export const ramOf = (world: World): Uint8Array => new Uint8Array(world.data.buffer, baseOf(world));

/** All of RAM, but for the audit ring and counters of what was tried. */
export function memoryOf(world: World): Buffer {
  const { root, frames } = world.kernel;
  const base = baseOf(world);
  const { data } = world;
  const bytes = Buffer.from(data.buffer.slice(base));
  const audit = new Views.Audit(data, root.audit);
  const forget = (at: number, length: number) =>
    bytes.fill(0, at - base, at - base + length);
  forget(audit.records, audit.capacity * Views.AuditRecord.size);
  forget(root.audit, Views.Audit.size);
  if (frames === null) return bytes;
  const counters = new Views.Frames(new DataView(bytes.buffer), frames.address - base);
  counters.allocations = 0n;
  counters.failures = 0n;
  return bytes;
}

/** Objects of `kind` that are in use, as bytes; without the hint where an agent's mappings are looked for. */
function objectsOf(world: World, kind: number): Buffer[] {
  const { data } = world;
  const slab = world.kernel.root.slabsAt(kind);
  const word = (at: number) => (at === 0 ? 0 : data.getUint32(at, true));
  const found: Buffer[] = [];
  for (let chunk = 0; chunk << slab.chunkShift < slab.shardsAt(0).used; chunk++) {
    const page = word(slab.directory + Math.floor(chunk / DIRECTORY) * 4);
    const base = page === 0 ? 0 : word(page + (chunk % DIRECTORY) * 4);
    for (let index = 0; base !== 0 && index < 1 << slab.chunkShift; index++) {
      const at = base + index * slab.bytes;
      if (((data.getUint32(at, true) >>> 22) & 15) !== kind) continue;
      const bytes = Buffer.from(data.buffer.slice(at, at + slab.bytes));
      if (kind === KIND_AGENT) new Views.Agent(new DataView(bytes.buffer, bytes.byteOffset), 0).mappingFinger = 0;
      found.push(bytes);
    }
  }
  return found;
}

/** Each object in use, the frames of agents, and those promised. For a world of one CPU. */
export function belongingsOf(world: World) {
  const objects = Array.from({ length: KINDS }, (_, kind) => objectsOf(world, kind));
  const { kernel, exports } = world;
  return { objects, owned: OWNERS.map(exports.framesOwned), promised: kernel.frames?.promised };
}
