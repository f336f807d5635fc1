/**
 * Plain data whose keys are in order. What has been restored from a file has them so (sim/host/plain-data.ts); an
 * agent must not see, in its environment or in what it tells a child, whether it has been restored.
 */
export function ordered<T>(value: T): T {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value)) return value;
  if (Array.isArray(value)) return value.map(ordered) as T;
  const entries = Object.entries(value).map(([key, it]) => [key, ordered(it)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1))) as T;
}
