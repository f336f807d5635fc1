/** What the store is asked; its answers are JSON. */
export type Command =
  | { readonly op: "set"; readonly key: string; readonly value: unknown }
  | { readonly op: "get"; readonly key: string }
  | { readonly op: "end" };

/** @throws TypeError with what is wrong */
export function readCommand(value: unknown): Command {
  const { op, key } = (value ?? {}) as Partial<Record<"op" | "key", unknown>>;
  if (op !== "set" && op !== "get" && op !== "end")
    throw new TypeError(`unknown op: ${String(op)}`);
  if (op !== "end" && typeof key !== "string") throw new TypeError(`${op}: no key`);
  return value as Command;
}
