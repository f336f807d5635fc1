/** Agents as whoever looks from outside sees them. */
import * as states from "../agent/states.ts";
import { KIND_AGENT } from "../object/kinds.ts";
import * as Views from "./views.generated.ts";

/** kernel/object/slab.ts: 1,024 pages of 1,024 chunks. */
const DIRECTORY_BITS = 10;
const INDEX_MASK = 2 ** 22 - 1;
const KIND_SHIFT = 22n;
const KIND_MASK = 15n;

/** Makes a view at an address of RAM; null elsewhere (views.ts). */
type At = (at: number) => Views.Agent | null;

/** Names of the states and ends, as kernel/agent/states.ts has them: "waiting", "fault". */
function names(prefix: string, values: readonly string[]): ReadonlyMap<number, string> {
  const table = states as Readonly<Record<string, number>>;
  return new Map(
    values.map((value) => [
      table[`${prefix}${value}`] ?? -1,
      value.toLowerCase().replaceAll("_", "-"),
    ]),
  );
}

const STATES = names("AGENT_", [
  "SPAWNING",
  "READY",
  "RUNNING",
  "WAITING",
  "SUSPENDED",
  "DEAD",
  "DYING",
  "KEPT",
]);
/** "running" for AGENT_RUNNING; "unknown" for what is no state. */
export const stateName = (state: number): string => STATES.get(state) ?? "unknown";

const ENDS = names("END_", ["EXITED", "KILLED", "FAULT", "MERGED", "SPAWN_FAILED"]);
const CLASSES = names("CLASS_", ["FAIR", "REALTIME", "IDLE"]);

/** One agent: its control block, with names for its numbers. */
export class AgentView {
  readonly block: Views.Agent;

  constructor(block: Views.Agent) {
    this.block = block;
  }

  get id(): number {
    return Number(this.block.id);
  }
  get state(): string {
    return stateName(this.block.state);
  }
  get class(): string {
    return CLASSES.get(this.block.class) ?? "unknown";
  }
  /** Why it is over; null while it isn't. */
  get end(): { readonly reason: string; readonly code: bigint } | null {
    const { endReason, endCode } = this.block;
    return endReason === 0 ? null : { reason: ENDS.get(endReason) ?? "unknown", code: endCode };
  }
  /** Identifier of its parent; 0 for the first agent. */
  get parent(): number {
    return this.block.parent === 0 ? 0 : Number(this.block.parentAt(0).id);
  }
  /** Identifiers of its children, newest first. */
  get children(): number[] {
    const found: number[] = [];
    const { childCount } = this.block;
    for (let at = this.block.firstChild; at !== 0 && found.length < childCount; ) {
      const child = new Views.Agent(this.block.data, at);
      found.push(Number(child.id));
      at = child.nextSibling;
    }
    return found;
  }
}

/** The slots of the table of agents that are in use, in the order of their indexes. */
export function* agentSlots(slab: Views.Slab, data: DataView, at: At): Generator<Views.Agent> {
  const perChunk = 2 ** slab.chunkShift;
  let left = slab.live;
  for (let chunk = 0; left > 0 && chunk * perChunk < slab.limit; chunk++) {
    const base = chunkAt(slab, data, chunk);
    if (base === 0) continue;
    for (let slot = 0; slot < perChunk; slot++) {
      const agent = at(base + slot * slab.bytes);
      if (agent === null || !isAgent(agent.id)) continue;
      left -= 1;
      yield agent;
    }
  }
}

function isAgent(id: bigint): boolean {
  return ((id >> KIND_SHIFT) & KIND_MASK) === BigInt(KIND_AGENT);
}

/** The agent `id`; null when there is none of that name. */
export function agentSlot(
  slab: Views.Slab,
  data: DataView,
  id: number,
  at: At,
): Views.Agent | null {
  const index = id % (INDEX_MASK + 1);
  const base = chunkAt(slab, data, Math.floor(index / 2 ** slab.chunkShift));
  if (base === 0) return null;
  const agent = at(base + (index % 2 ** slab.chunkShift) * slab.bytes);
  return agent !== null && Number(agent.id) === id ? agent : null;
}

/** Linear address of a chunk; 0 when it was never needed. */
function chunkAt(slab: Views.Slab, data: DataView, chunk: number): number {
  const word = (at: number) =>
    at !== 0 && at + 4 <= data.byteLength ? data.getUint32(at, true) : 0;
  const page = word(slab.directory + 4 * (chunk >>> DIRECTORY_BITS));
  return page === 0 ? 0 : word(page + 4 * (chunk & (2 ** DIRECTORY_BITS - 1)));
}
