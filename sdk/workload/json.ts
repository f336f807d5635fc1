/**
 * The JSON that rt-app reads (json-c's, not strict): comments of both kinds, commas before a closing
 * bracket, and keys that occur more than once in an object, whose order matters.
 */
import { parse, tokenize, type ValueNode } from "@humanwhocodes/momoa";
import { type Place, WorkloadError } from "./error.ts";

/** A workload of a million agents is told by a few tasks with many instances. */
export const FILE_BYTES_MAX = 1 << 20;
/** The format itself needs seven levels; what is deeper would exhaust the parser's stack. */
export const NESTING_MAX = 32;

/** One member of an object. */
export interface Member {
  readonly key: string;
  readonly value: Value;
}

/** A value of the file that knows where it stands and how to refuse what is wrong with it. */
export class Value {
  readonly place: Place;
  private readonly node: ValueNode;

  constructor(node: ValueNode, file: string, path: string) {
    const { line, column } = node.loc.start;
    this.place = { file, line, column, path };
    this.node = node;
  }

  /** What it is, as a reader of the file would say. */
  get type(): string {
    return this.node.type.toLowerCase();
  }

  refuse(reason: string): never {
    throw new WorkloadError(this.place, reason);
  }

  /** A whole number from `low` to `high`. */
  integer(low: number, high: number): number {
    const { node } = this;
    if (node.type !== "Number") this.refuse(`${article(this.type)} where a whole number belongs`);
    if (!Number.isInteger(node.value)) this.refuse(`${node.value} is not a whole number`);
    if (node.value < low || node.value > high)
      this.refuse(`${node.value} is not from ${low} to ${high}`);
    return node.value;
  }

  string(): string {
    const { node } = this;
    if (node.type !== "String") this.refuse(`${article(this.type)} where a string belongs`);
    this.requirePrintable(node.value);
    return node.value;
  }

  /** Names are printed to terminals and into pictures. */
  private requirePrintable(text: string): void {
    if (/\p{Cc}/u.test(text)) this.refuse("a control character in a string");
  }

  boolean(): boolean {
    return this.node.type === "Boolean"
      ? this.node.value
      : this.refuse(`${article(this.type)} where true or false belongs`);
  }

  /** One of the table's keys; returns what the table has for it. */
  choice<T>(table: Readonly<Record<string, T>>): T {
    const word = this.string();
    const found = Object.hasOwn(table, word) ? table[word] : undefined;
    return found ?? this.refuse(`"${word}" is not one of ${Object.keys(table).join(", ")}`);
  }

  elements(): Value[] {
    if (this.node.type !== "Array") this.refuse(`${article(this.type)} where an array belongs`);
    return this.node.elements.map(
      ({ value }, index) => new Value(value, this.place.file, this.below(String(index))),
    );
  }

  /** All members in the file's order; keys may repeat. */
  members(): Member[] {
    if (this.node.type !== "Object") this.refuse(`${article(this.type)} where an object belongs`);
    return this.node.members.map(({ name, value }) => {
      const key = name.type === "String" ? name.value : name.name;
      this.requirePrintable(key);
      return { key, value: new Value(value, this.place.file, this.below(key)) };
    });
  }

  /** The members of an object whose keys are known and don't repeat. */
  fields<K extends string>(known: readonly K[]): ReadonlyMap<K, Value> {
    const found = new Map<K, Value>();
    for (const { key, value } of this.members()) {
      const name = known.find((each) => each === key);
      if (name === undefined) return value.refuse(`unknown key; known are ${known.join(", ")}`);
      if (found.has(name)) value.refuse("the key is given twice");
      found.set(name, value);
    }
    return found;
  }

  private below(key: string): string {
    return this.place.path === "" ? key : `${this.place.path}.${key}`;
  }
}

function article(type: string): string {
  return /^[aeiou]/.test(type) ? `an ${type}` : type === "null" ? type : `a ${type}`;
}

/** momoa's errors have the place in the message as well as beside it. */
interface ParserError extends Error {
  readonly line: number;
  readonly column: number;
}

const isParserError = (error: unknown): error is ParserError =>
  error instanceof Error && "line" in error && "column" in error;

/** Refuses what is nested too deep, and a file that ends inside of brackets. */
function requireClosed(text: string, file: string): void {
  let depth = 0;
  let end = { line: 1, column: 1 };
  for (const { type, loc } of tokenize(text, { mode: "jsonc" })) {
    if (type === "LBrace" || type === "LBracket") depth += 1;
    if (type === "RBrace" || type === "RBracket") depth -= 1;
    end = loc.end;
    if (depth > NESTING_MAX)
      throw new WorkloadError(
        { file, ...loc.start, path: "" },
        `brackets are nested more than ${NESTING_MAX} deep`,
      );
  }
  if (depth > 0) throw new WorkloadError({ file, ...end, path: "" }, "a bracket is not closed");
}

/**
 * Parses a file's text.
 * @param file its name, for errors
 * @throws WorkloadError
 */
export function parseJson(text: string, file: string): Value {
  const start = { file, line: 1, column: 1, path: "" };
  if (text.length > FILE_BYTES_MAX)
    throw new WorkloadError(start, `${text.length} characters; a workload has ${FILE_BYTES_MAX}`);
  const plain = text.replace(/^\uFEFF/, "");
  try {
    requireClosed(plain, file);
    return new Value(parse(plain, { mode: "jsonc", allowTrailingCommas: true }).body, file, "");
  } catch (error) {
    if (!isParserError(error)) throw error;
    const { line, column, message } = error;
    const reason = message.replace(/ \(\d+:\d+\)$/, "").replace(/\.$/, "");
    throw new WorkloadError({ file, line, column, path: "" }, lowerFirst(reason));
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}
