/** Values as a console shows them: enough to see what they are, bounded in depth and length. */

const DEPTH_MAX = 3;
const ITEMS_MAX = 100;
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

export function inspect(value: unknown): string {
  return show(value, 0, []);
}

function show(value: unknown, depth: number, above: readonly unknown[]): string {
  if (typeof value === "string") return depth === 0 ? value : JSON.stringify(value);
  if (typeof value === "bigint") return `${value}n`;
  if (typeof value === "symbol") return value.toString();
  if (typeof value === "function") return `[function ${value.name || "(anonymous)"}]`;
  if (typeof value !== "object" || value === null) return Object.is(value, -0) ? "-0" : `${value}`;
  if (above.includes(value)) return "[circular]";
  if (value instanceof Error) return showError(value, depth, above);
  if (depth >= DEPTH_MAX) return Array.isArray(value) ? "[array]" : "[object]";
  return showObject(value, depth, [...above, value]);
}

/** The engine's stack doesn't say what the error is. */
function showError(error: Error, depth: number, above: readonly unknown[]): string {
  const head = `${error.name}: ${error.message}`;
  const stack = typeof error.stack === "string" ? error.stack.trimEnd() : "";
  const cause =
    error.cause === undefined
      ? ""
      : `\n  cause: ${show(error.cause, depth + 1, [...above, error])}`;
  return `${head}${stack === "" ? "" : `\n${stack}`}${cause}`;
}

function showObject(value: object, depth: number, above: readonly unknown[]): string {
  const one = (item: unknown) => show(item, depth + 1, above);
  if (Array.isArray(value)) return list("[", value.length, value.slice(0, ITEMS_MAX).map(one), "]");
  if (ArrayBuffer.isView(value) && !(value instanceof DataView)) {
    const items = value as unknown as ArrayLike<number | bigint>;
    const shown = Array.from({ length: Math.min(items.length, ITEMS_MAX) }, (_, n) =>
      one(items[n]),
    );
    return list(`${value.constructor.name} [`, items.length, shown, "]");
  }
  if (value instanceof Map) {
    const shown = [...value]
      .slice(0, ITEMS_MAX)
      .map(([key, item]) => `${one(key)} => ${one(item)}`);
    return list("Map {", value.size, shown, "}");
  }
  if (value instanceof Set)
    return list("Set {", value.size, [...value].slice(0, ITEMS_MAX).map(one), "}");
  if (value instanceof Date)
    return Number.isNaN(value.getTime()) ? "Invalid Date" : value.toISOString();
  if (value instanceof RegExp) return String(value);
  if (value instanceof Promise) return "Promise {}";
  const name = Object.getPrototypeOf(value)?.constructor?.name;
  const keys = Object.keys(value);
  const shown = keys.slice(0, ITEMS_MAX).map((key) => {
    const label = IDENTIFIER.test(key) ? key : JSON.stringify(key);
    return `${label}: ${one((value as Record<string, unknown>)[key])}`;
  });
  return list(name === undefined || name === "Object" ? "{" : `${name} {`, keys.length, shown, "}");
}

function list(open: string, count: number, shown: readonly string[], close: string): string {
  const more = count > shown.length ? [`... ${count - shown.length} more`] : [];
  const all = [...shown, ...more].join(", ");
  if (all === "") return `${open}${close}`;
  return close === "]" ? `${open}${all}${close}` : `${open} ${all} ${close}`;
}
