/** Whether agents that depend on each other can be started at all. */

/** A ring of dependencies, its first name again at the end; null when there is none. */
export function cycleOf(graph: ReadonlyMap<string, readonly string[]>): string[] | null {
  const done = new Set<string>();
  for (const start of graph.keys()) {
    const path: string[] = [];
    /** For each name of the path, which of its dependencies comes next. */
    const next: number[] = [];
    path.push(start);
    next.push(0);
    while (path.length > 0) {
      const name = path[path.length - 1] as string;
      const index = next[next.length - 1] as number;
      const to = done.has(name) ? undefined : graph.get(name)?.[index];
      if (to === undefined) {
        done.add(name);
        path.pop();
        next.pop();
        continue;
      }
      next[next.length - 1] = index + 1;
      const at = path.indexOf(to);
      if (at >= 0) return [...path.slice(at), to];
      path.push(to);
      next.push(0);
    }
  }
  return null;
}
