/**
 * JSON that all readers understand alike: UTF-8, no key twice, no nesting that exhausts a parser. Values
 * know where they stand. What people write may have comments and commas before a closing bracket.
 */
import { type AnyNode, parse, tokenize, type ValueNode } from "@humanwhocodes/momoa";
import { OciError } from "./errors.ts";
import { DOCUMENT_BYTES_MAX } from "./media.ts";

/** Deeper than any document here. */
const NESTING_MAX = 16;

export type Path = readonly PropertyKey[];

export interface Document {
  readonly value: unknown;
  /** "name:line:column" of the value at a path, or of its key, or of the nearest value around it. */
  placeOf(path: Path, what?: "value" | "key"): string;
}

/**
 * @param name of the document, for errors
 * @throws OciError "json"
 */
export function readJson(bytes: Uint8Array, name: string, comments = false): Document {
  if (bytes.length > DOCUMENT_BYTES_MAX)
    throw new OciError("json", name, `${bytes.length} bytes; ${DOCUMENT_BYTES_MAX} at most`);
  const text = decode(bytes, name);
  const placeOf = ({ loc: { start } }: AnyNode) => `${name}:${start.line}:${start.column}`;
  try {
    const mode = comments ? "jsonc" : "json";
    requireShallow(text, name, mode);
    const { body } = parse(text, { mode, allowTrailingCommas: comments });
    return {
      value: toValue(body, placeOf),
      placeOf: (path, what) => placeOf(nodeAt(body, path, what)),
    };
  } catch (error) {
    if (!isParserError(error)) throw error;
    const reason = error.message.replace(/ \(\d+:\d+\)$/, "").replace(/\.$/, "");
    const place = `${name}:${error.line}:${error.column}`;
    throw new OciError("json", place, reason.charAt(0).toLowerCase() + reason.slice(1));
  }
}

function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new OciError("json", name, "not UTF-8");
  }
}

function requireShallow(text: string, name: string, mode: "json" | "jsonc"): void {
  let depth = 0;
  for (const { type, loc } of tokenize(text, { mode })) {
    if (type === "LBrace" || type === "LBracket") depth += 1;
    if (type === "RBrace" || type === "RBracket") depth -= 1;
    const { line, column } = loc.start;
    if (depth > NESTING_MAX)
      throw new OciError(
        "json",
        `${name}:${line}:${column}`,
        `nested more than ${NESTING_MAX} deep`,
      );
  }
}

function toValue(node: ValueNode, placeOf: (node: AnyNode) => string): unknown {
  switch (node.type) {
    case "Object": {
      const found = new Map<string, unknown>();
      for (const member of node.members) {
        const key = keyOf(member.name);
        if (found.has(key))
          throw new OciError(
            "json",
            placeOf(member),
            `the key ${JSON.stringify(key)} is there twice`,
          );
        // The one key that libraries take for something else.
        if (key === "__proto__")
          throw new OciError("json", placeOf(member), 'the key "__proto__" is reserved');
        found.set(key, toValue(member.value, placeOf));
      }
      return Object.fromEntries(found);
    }
    case "Array":
      return node.elements.map(({ value }) => toValue(value, placeOf));
    case "String":
    case "Number":
    case "Boolean":
      return node.value;
    default:
      return null;
  }
}

type Key =
  | { readonly type: "String"; readonly value: string }
  | { readonly type: "Identifier"; readonly name: string };
const keyOf = (name: Key) => (name.type === "String" ? name.value : name.name);

function nodeAt(root: ValueNode, path: Path, what: "value" | "key" = "value"): AnyNode {
  let node: ValueNode = root;
  for (const [depth, step] of path.entries()) {
    const inner = innerNode(node, step);
    if (inner === undefined) return node;
    if (what === "key" && depth === path.length - 1 && inner.type === "Member") return inner.name;
    node = inner.value;
  }
  return node;
}

function innerNode(node: ValueNode, step: PropertyKey) {
  if (node.type === "Array") return node.elements[Number(step)];
  if (node.type !== "Object") return undefined;
  return node.members.find(({ name }) => keyOf(name) === step);
}

interface ParserError extends Error {
  readonly line: number;
  readonly column: number;
}

const isParserError = (error: unknown): error is ParserError =>
  error instanceof Error && "line" in error && "column" in error;

/**
 * The one text for a value: keys sorted by UTF-16 code units, no spaces (RFC 8785). Numbers are whole.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    each !== null && typeof each === "object" && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
