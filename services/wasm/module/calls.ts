/**
 * Which functions look at the fuel when they are entered.
 *
 * Between two looks at the fuel only a bounded time may pass, and between two looks at the stack only a
 * bounded depth. Loops look in every round. A tree of calls without loops can still take a time that is
 * exponential in the module's size, and recursion has no bound at all. So a function looks as well if it
 * can reach itself, or if what it calls without looking is more than the limits below. All others, the
 * small ones at the leaves, pay nothing.
 */
import { type Facts, scanBody } from "./body.ts";
import type { WasmModule } from "./model.ts";

/** Cycles, and bytes of the host's stack, that may pass unseen. */
const UNSEEN_CYCLES_MAX = 10_000;
const UNSEEN_BYTES_MAX = 16 * 1024;

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
  cycles: number;
  bytes: number;
  /** 0: from there nothing can look. */
  held: number;
}

/** By the index of a defined function, without the imported ones. */
export function meterings(module: WasmModule): Metering[] {
  const first = module.imports.length;
  const facts = module.functions.map((_, n) => scanBody(module, first + n));
  const graph = callGraph(module, facts);
  const result: Metering[] = [];
  /** Of each function, and of an indirect call, which is the last node. */
  const unseen: Unseen[] = graph.map(() => ({ cycles: 0, bytes: 0, held: 0 }));
  const looking = new Uint8Array(graph.length);
  const indirect = graph.length - 1;
  for (const { nodes, cyclic } of components(graph)) {
    // What an indirect call may come to is known before the functions that make one.
    if (nodes.includes(indirect))
      for (const callee of graph[indirect] ?? []) raise(unseen[indirect], unseen[callee]);
    if (cyclic) for (const node of nodes) looking[node] = 1;
    for (const node of nodes) {
      const known = facts[node];
      if (!known) continue;
      const calls = known.calls.map((callee) => unseen[callee - first]);
      const { cycles, below } = sums(known, calls, unseen[indirect] ?? NOTHING);
      const stackBytes = known.frameBytes + below;
      const looks = cyclic || cycles > UNSEEN_CYCLES_MAX || stackBytes > UNSEEN_BYTES_MAX;
      if (looks) looking[node] = 1;
      const leads = (graph[node] ?? []).filter(
        (callee) => looking[callee] || (unseen[callee]?.held ?? 0) > 0,
      );
      const heldBytes =
        known.frameBytes + Math.max(0, ...leads.map((callee) => unseen[callee]?.held ?? 0));
      if (!looks)
        raise(unseen[node], { cycles, bytes: stackBytes, held: leads.length > 0 ? heldBytes : 0 });
      result[node] = { facts: known, looks, stackBytes, heldBytes };
    }
  }
  return result;
}

const NOTHING: Unseen = { cycles: 0, bytes: 0, held: 0 };

function raise(it: Unseen | undefined, to: Unseen | undefined): void {
  if (!it || !to) return;
  it.cycles = Math.max(it.cycles, to.cycles);
  it.bytes = Math.max(it.bytes, to.bytes);
  it.held = Math.max(it.held, to.held);
}

function sums(facts: Facts, calls: readonly (Unseen | undefined)[], indirect: Readonly<Unseen>) {
  let cycles = facts.cost + facts.indirectCalls * indirect.cycles;
  let below = facts.indirectCalls > 0 ? indirect.bytes : 0;
  for (const callee of calls) {
    cycles += callee?.cycles ?? 0;
    below = Math.max(below, callee?.bytes ?? 0);
  }
  return { cycles, below };
}

/** Callees of each defined function; the last node stands for whatever an indirect call may reach. */
function callGraph(module: WasmModule, facts: readonly Facts[]): number[][] {
  const first = module.imports.length;
  const any = facts.length;
  const defined = (functions: Iterable<number>) =>
    [...new Set(functions)].filter((index) => index >= first).map((index) => index - first);
  const graph = facts.map(({ calls, indirectCalls }) =>
    indirectCalls > 0 ? [...defined(calls), any] : defined(calls),
  );
  graph.push(defined(module.addressed));
  return graph;
}

interface Component {
  readonly nodes: number[];
  /** Its nodes can reach themselves. */
  readonly cyclic: boolean;
}

/** Strongly connected components, callees before callers (Tarjan 1972), with a stack of its own. */
function components(graph: readonly (readonly number[])[]): Component[] {
  const order = new Int32Array(graph.length).fill(-1);
  const low = new Int32Array(graph.length);
  const waiting = new Uint8Array(graph.length);
  const stack: number[] = [];
  const found: Component[] = [];
  let count = 0;
  const enter = (node: number) => {
    order[node] = low[node] = count++;
    waiting[node] = 1;
    stack.push(node);
    return { node, next: 0 };
  };
  for (let root = 0; root < graph.length; root++) {
    if (order[root] !== -1) continue;
    const path = [enter(root)];
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const { node } = top;
      const callee = graph[node]?.[top.next++];
      if (callee === undefined) {
        path.pop();
        const above = path.at(-1)?.node;
        if (above !== undefined) low[above] = Math.min(low[above] ?? 0, low[node] ?? 0);
        if (low[node] === order[node]) found.push(component(graph, stack, waiting, node));
      } else if (order[callee] === -1) path.push(enter(callee));
      else if (waiting[callee]) low[node] = Math.min(low[node] ?? 0, order[callee] ?? 0);
    }
  }
  return found;
}

function component(
  graph: readonly (readonly number[])[],
  stack: number[],
  waiting: Uint8Array,
  root: number,
): Component {
  const nodes = stack.splice(stack.lastIndexOf(root));
  for (const node of nodes) waiting[node] = 0;
  return { nodes, cyclic: nodes.length > 1 || (graph[root]?.includes(root) ?? false) };
}
