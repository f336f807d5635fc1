/** What a schema has against a value, in words for whoever wrote the value: of documents, files and requests. */
import type { z } from "zod";

export interface Problem {
  /** Members and indexes that lead to it. */
  readonly path: readonly PropertyKey[];
  /** Whether the key is wrong at which the path ends, or the value that is there. */
  readonly what: "key" | "value";
  readonly reason: string;
}

const TYPES: Readonly<Record<string, string>> = {
  record: "an object",
  object: "an object",
  array: "an array",
  int: "a whole number",
};

/** The first one, in the order of the schema's members. */
export function problemOf(error: z.ZodError, value: unknown): Problem {
  const issue = innermost(error.issues);
  if (!issue) throw error;
  if (issue.code === "unrecognized_keys")
    return { path: [...issue.path, issue.keys[0] ?? ""], what: "key", reason: "unknown key" };
  const what = issue.code === "invalid_key" ? "key" : "value";
  return { path: issue.path, what, reason: reasonOf(issue, value) };
}

/** The same in one line, with its place: "agents.a.image: is missing". */
export function problemLine(error: z.ZodError, value: unknown, whole = "parameters"): string {
  const { path, reason } = problemOf(error, value);
  return `${path.map(String).join(".") || whole}: ${reason}`;
}

/** Where a value may have several forms, what is wrong in that which it has: the one that says a place in it. */
function innermost(issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue | undefined {
  const [issue] = issues;
  if (issue?.code !== "invalid_union") return issue;
  for (const form of issue.errors) {
    const inner = innermost(form);
    if (inner && (inner.path.length > 0 || inner.code === "unrecognized_keys"))
      return { ...inner, path: [...issue.path, ...inner.path] };
  }
  return issue;
}

/** How the library begins where a schema has no words of its own. */
const LIBRARY = /^(Invalid |Too (big|small): )/;
/** What of a value has a limit. */
const COUNTED: Readonly<Record<string, string>> = { string: " characters", array: " elements" };

function reasonOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === "invalid_key") return issue.issues[0]?.message ?? issue.message;
  if (!LIBRARY.test(issue.message)) return issue.message;
  if (valueAt(value, issue.path) === undefined) return "is missing";
  if (issue.code === "invalid_type") return `not ${TYPES[issue.expected] ?? `a ${issue.expected}`}`;
  if (issue.code === "too_big") return `more than ${issue.maximum}${COUNTED[issue.origin] ?? ""}`;
  if (issue.code === "too_small") return `less than ${issue.minimum}${COUNTED[issue.origin] ?? ""}`;
  if (issue.code === "invalid_format") return `not ${issue.format}`;
  if (issue.code === "invalid_value") return `not one of ${issue.values.map(String).join(", ")}`;
  return issue.message;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (at, key) => (at === null || typeof at !== "object" ? undefined : Reflect.get(at, key)),
    value,
  );
}
