/**
 * Functions that break all rings of calls: whatever calls itself, directly or by others, goes through one of them. To
 * find the fewest is hard (Karp 1972, feedback node set). Those to which a search in depth comes back break all, since
 * each ring has an edge that goes back (Tarjan 1972); then each that isn't needed is left out again, the smallest
 * ones first, whose entry would be dear. In QuickJS 67 of 1,466 functions are left; 1,118 are part of rings.
 */
import type { Graph } from "./graph.ts";

/** Edges that are gone over to leave some out: some seconds. Those that come later stay. */
const EDGES_MAX = 200_000_000;

type Edges = readonly (readonly number[])[];

/** 1 for each node that breaks rings: all are functions. `sizes`: by function. */
export function ringBreakers({ callees, functions }: Graph, sizes: readonly number[]): Uint8Array {
  const breaks = new Uint8Array(callees.length);
  search(callees, {
    // Who calls a function of a type can look; a type can't.
    back(from, to) {
      breaks[to < functions ? to : from] = 1;
    },
  });
  const found = sizes.map((_, node) => node).filter((node) => breaks[node]);
  found.sort((a, b) => (sizes[a] ?? 0) - (sizes[b] ?? 0) || a - b);
  let edges = EDGES_MAX;
  for (const node of found) {
    breaks[node] = 0;
    const { closed, visited } = ringThrough(callees, breaks, node, edges);
    edges -= visited;
    if (closed) breaks[node] = 1;
  }
  return breaks;
}

/** All nodes, callees before their callers but for calls of those that break rings. */
export function calleesFirst({ callees }: Graph, breaks: Uint8Array): number[] {
  const order: number[] = [];
  search(callees, { enters: (to) => !breaks[to], left: (node) => void order.push(node) });
  return order;
}

interface Visits {
  /** Whether a node that has been come to by an edge is entered now. */
  readonly enters?: (to: number) => boolean;
  /** The edge goes to a node that is on the way to it. */
  readonly back?: (from: number, to: number) => void;
  readonly left?: (node: number) => void;
}

/** In depth, with a stack of its own, from each node that hasn't been come to before. */
function search(edges: Edges, { enters, back, left }: Visits): void {
  const [UNKNOWN, OPEN, DONE] = [0, 1, 2];
  const state = new Uint8Array(edges.length).fill(UNKNOWN);
  for (let root = 0; root < edges.length; root++) {
    if (state[root] !== UNKNOWN) continue;
    const path = [{ node: root, next: 0 }];
    state[root] = OPEN;
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const to = edges[top.node]?.[top.next++];
      if (to === undefined) {
        state[top.node] = DONE;
        left?.(top.node);
        path.pop();
      } else if (state[to] === OPEN) back?.(top.node, to);
      else if (state[to] === UNKNOWN && (enters?.(to) ?? true)) {
        state[to] = OPEN;
        path.push({ node: to, next: 0 });
      }
    }
  }
}

/** Whether a way leads from a node back to it that no other breaks, or it can't be told within so many edges. */
function ringThrough(edges: Edges, breaks: Uint8Array, node: number, most: number) {
  const seen = new Uint8Array(edges.length);
  const left = [node];
  let visited = 0;
  for (let from = left.pop(); from !== undefined; from = left.pop())
    for (const to of edges[from] ?? []) {
      if (to === node || ++visited > most) return { closed: true, visited };
      if (breaks[to] || seen[to]) continue;
      seen[to] = 1;
      left.push(to);
    }
  return { closed: false, visited };
}
