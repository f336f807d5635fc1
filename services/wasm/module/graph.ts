/** Who may call whom: defined functions, and behind them a node for each type of calls through the table. */
import type { Facts } from "./body.ts";
import { type FunctionType, functionType, type WasmModule } from "./model.ts";

export interface Graph {
  /** How many nodes are functions; the others are types. */
  readonly functions: number;
  /** Nodes by node, once each: of a type, the functions that such a call may reach. */
  readonly callees: readonly (readonly number[])[];
  /** Of functions, once for every call. */
  readonly calls: readonly (readonly number[])[];
}

/** Two types of the same form are the same to a call. */
const formOf = ({ parameters, results }: FunctionType): string => `${parameters}>${results}`;

export function graphOf(module: WasmModule, facts: readonly Facts[]): Graph {
  const first = module.imports.length;
  const nodes = new Map<string, number>();
  const nodeOf = (type: FunctionType): number => {
    const form = formOf(type);
    const node = nodes.get(form) ?? facts.length + nodes.size;
    nodes.set(form, node);
    return node;
  };
  const calls = facts.map(({ calls, indirectCalls }) => [
    ...calls.filter((index) => index >= first).map((index) => index - first),
    ...indirectCalls.flatMap((type) => module.types[type] ?? []).map(nodeOf),
  ]);
  const reached: number[][] = Array.from(nodes, () => []);
  for (const index of [...module.addressed].sort((a, b) => a - b)) {
    const node = index < first ? undefined : nodes.get(formOf(functionType(module, index)));
    if (node !== undefined) reached[node - facts.length]?.push(index - first);
  }
  const callees = [...calls.map((list) => [...new Set(list)]), ...reached];
  return { functions: facts.length, callees, calls };
}
