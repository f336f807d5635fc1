import fc from "fast-check";
import { expect, test } from "vitest";
import { calleesFirst, ringBreakers } from "./rings.ts";

const FUNCTIONS = 12;
const TYPES = 3;
/** Functions call functions and types; types reach functions. */
const graphs = fc
  .tuple(
    fc.array(fc.uniqueArray(fc.nat(FUNCTIONS + TYPES - 1), { maxLength: 4 }), {
      minLength: FUNCTIONS,
      maxLength: FUNCTIONS,
    }),
    fc.array(fc.uniqueArray(fc.nat(FUNCTIONS - 1), { maxLength: 4 }), {
      minLength: TYPES,
      maxLength: TYPES,
    }),
  )
  .map(([calls, reached]) => ({ functions: FUNCTIONS, callees: [...calls, ...reached], calls }));

/** By the closure of the edges: whether a node that isn't removed reaches itself. */
function hasRing(callees: readonly (readonly number[])[], removed: readonly number[]): boolean {
  const count = callees.length;
  const reaches = callees.map((list, from) =>
    Array.from(
      { length: count },
      (_, to) => list.includes(to) && !removed.includes(to) && !removed.includes(from),
    ),
  );
  for (let via = 0; via < count; via++)
    for (let from = 0; from < count; from++)
      for (let to = 0; to < count; to++)
        if (reaches[from]?.[via] && reaches[via]?.[to]) (reaches[from] as boolean[])[to] = true;
  return reaches.some((row, node) => row[node]);
}

const listed = (breaks: Uint8Array): number[] =>
  [...breaks.keys()].filter((node) => breaks[node] === 1);

test("every ring goes through a function that breaks it, and none of them could be left out", () => {
  fc.assert(
    fc.property(graphs, fc.array(fc.nat(9), { minLength: 12, maxLength: 12 }), (graph, sizes) => {
      const found = listed(ringBreakers(graph, sizes));
      expect(found.every((node) => node < FUNCTIONS)).toBe(true);
      expect(hasRing(graph.callees, found)).toBe(false);
      for (const one of found)
        expect(
          hasRing(
            graph.callees,
            found.filter((node) => node !== one),
          ),
        ).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test("callees come before their callers but for those that break rings, and all come once", () => {
  fc.assert(
    fc.property(graphs, (graph) => {
      const breaks = ringBreakers(graph, Array(FUNCTIONS).fill(1));
      const order = calleesFirst(graph, breaks);
      expect([...order].sort((a, b) => a - b)).toEqual([...graph.callees.keys()]);
      for (const [from, list] of graph.callees.entries())
        for (const to of list)
          if (!breaks[to]) expect(order.indexOf(to)).toBeLessThan(order.indexOf(from));
    }),
    { numRuns: 200 },
  );
});

test("the small function at the entry of a large one isn't what breaks their ring", () => {
  // 0 calls 1, which calls 2, which calls 0.
  const callees = [[1], [2], [0]];
  const graph = { functions: 3, callees, calls: callees };
  expect(listed(ringBreakers(graph, [4, 900, 9]))).toEqual([0]);
});
