/**
 * Which functions look at the fuel when they are entered.
 *
 * Between two looks at the fuel only a bounded time may pass, and between two looks at the stack only a
 * bounded depth. Loops look in every round. A tree of calls without loops can still take a time that is
 * exponential in the module's size, and recursion has no bound at all. So there is a function that looks in each
 * ring of calls (rings.ts), and a function looks as well if what it calls without looking is more than the
 * limits below. All others pay nothing.
 */
import { type Facts, scanBody } from "./body.ts";
import { graphOf } from "./graph.ts";
import type { WasmModule } from "./model.ts";
import { calleesFirst, ringBreakers } from "./rings.ts";

/** Cycles, and bytes of the host's stack, that may pass unseen. */
const UNSEEN_CYCLES_MAX = 10_000;
const UNSEEN_BYTES_MAX = 16 * 1024;
/**
 * And on the way to another look: who looks counts the longest one as taken, whichever is gone. With more, recursion
 * is refused too early; with less, more functions look.
 */
const HELD_BYTES_MAX = 512;

export interface Metering {
  readonly facts: Facts;
  /** It looks at fuel and stack when it is entered. */
  readonly looks: boolean;
  /** Bytes of the stack that it and all it calls unseen may take: so much there must be. */
  readonly stackBytes: number;
  /** Bytes of them that are still taken when something else looks: its own, and what leads there. */
  readonly heldBytes: number;
}

/** What a call may take until something looks; of the bytes, how many there are when it looks. */
interface Unseen {
  readonly cycles: number;
  readonly bytes: number;
  /** Null: from there nothing can look. */
  readonly held: number | null;
}

/** Of a function that looks: nothing passes unseen. */
const LOOKS: Unseen = { cycles: 0, bytes: 0, held: 0 };

/** By the index of a defined function, without the imported ones. */
export function meterings(module: WasmModule): Metering[] {
  const first = module.imports.length;
  const facts = module.functions.map((_, n) => scanBody(module, first + n));
  const graph = graphOf(module, facts);
  const sizes = facts.map(({ cost }) => cost);
  const looking = ringBreakers(graph, sizes);
  const result: Metering[] = [];
  const unseen: Unseen[] = [];
  for (const node of calleesFirst(graph, looking)) {
    const known = facts[node];
    const of = (callee: number): Unseen => (looking[callee] ? LOOKS : (unseen[callee] ?? LOOKS));
    if (!known) {
      unseen[node] = worst((graph.callees[node] ?? []).map(of));
      continue;
    }
    const calls = (graph.calls[node] ?? []).map(of);
    const below = worst(calls);
    const cycles = calls.reduce((sum, call) => sum + call.cycles, known.cost);
    const stackBytes = known.frameBytes + below.bytes;
    const heldBytes = known.frameBytes + (below.held ?? 0);
    const looks =
      looking[node] === 1 ||
      cycles > UNSEEN_CYCLES_MAX ||
      stackBytes > UNSEEN_BYTES_MAX ||
      (below.held !== null && heldBytes > HELD_BYTES_MAX);
    if (looks) looking[node] = 1;
    else unseen[node] = { cycles, bytes: stackBytes, held: below.held === null ? null : heldBytes };
    result[node] = { facts: known, looks, stackBytes, heldBytes };
  }
  return result;
}

function worst(calls: readonly Unseen[]): Unseen {
  let [cycles, bytes] = [0, 0];
  let held: number | null = null;
  for (const call of calls) {
    cycles = Math.max(cycles, call.cycles);
    bytes = Math.max(bytes, call.bytes);
    if (call.held !== null) held = Math.max(held ?? 0, call.held);
  }
  return { cycles, bytes, held };
}
