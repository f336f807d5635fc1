/** Capabilities as an agent's author names them: what is wanted, and of what. */

export interface CapabilityName {
  /** Like FS_READ. */
  readonly name: string;
  /** Like /projects/demo; null for what has no scope. */
  readonly scope: string | null;
}

/** Characters of a whole capability. */
export const CAPABILITY_CHARACTERS_MAX = 256;
const FORM = /^([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)*)(?::(.+))?$/s;
/** A host or "*", and possibly a port. */
const HOST =
  /^(\*|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])(:(\*|[1-9]\d{0,4}))?$/;
const WORD = /^[A-Za-z0-9_.:/@*-]+$/;

/** What is wrong with a scope, or null; by the first part of the capability's name. */
const SCOPES: Readonly<Record<string, (scope: string | null) => string | null>> = {
  FS: (scope) =>
    scope === null ? "names no path, as in FS_READ:/projects/demo" : pathProblem(scope),
  NET: (scope) =>
    scope !== null && HOST.test(scope) ? null : "names no host, as in NET_BIND:localhost",
};

/** What is wrong with the text of a capability, or null. */
export function capabilityProblem(text: string): string | null {
  if (text.length > CAPABILITY_CHARACTERS_MAX)
    return `has ${text.length} characters; ${CAPABILITY_CHARACTERS_MAX} at most`;
  const parsed = parse(text);
  if (parsed === null) return "is no capability like PROC_SPAWN or FS_READ:/projects/demo";
  const { name, scope } = parsed;
  const problem = SCOPES[name.split("_")[0] ?? ""];
  if (problem) return problem(scope);
  return scope === null || WORD.test(scope) ? null : "has characters that no scope has";
}

/** The two parts of a text with which nothing is wrong; null for any other. */
export function capabilityOf(text: string): CapabilityName | null {
  return capabilityProblem(text) === null ? parse(text) : null;
}

function parse(text: string): CapabilityName | null {
  const [, name, scope = null] = FORM.exec(text) ?? [];
  return name === undefined ? null : { name, scope };
}

/** Paths are absolute and in their only form: a check of prefixes is enough for whoever grants them. */
function pathProblem(path: string): string | null {
  if (!path.startsWith("/")) return "has a path that isn't absolute";
  if (/[\p{Cc}\p{Cf}\p{Surrogate}\\]/u.test(path)) return "has characters that no path has";
  if (path === "/") return null;
  const parts = path.slice(1).split("/");
  return parts.some((part) => part === "" || part === "." || part === "..")
    ? 'has a path with an empty part, "." or ".."'
    : null;
}
