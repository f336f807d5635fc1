/**
 * Takes out of texts and documents what may be a secret. Names decide, and form: a long run of letters and
 * digits is one even where nothing says so. What is lost by mistake can be asked for; what got out can't
 * be taken back.
 */

export const REDACTED = "[redacted]";

const SECRET_NAME =
  /token|secret|passw|credential|authorization|cookie|private|api[-_]?key|proof|\bkey\b/i;
/** Base64, base64url, hexadecimal: part of it is enough, so that a slash doesn't save the rest. */
const LONG_RUN = /[A-Za-z0-9+_=-]{16,}/g;
/** user:password@ in a URL. */
const USER_INFO = /(\/\/)[^/\s@]+@/g;
/** A name of the kind above, what stands between, and the rest of the line. */
const NAMED = new RegExp(`((?:${SECRET_NAME.source})[\\w-]*["']?\\s*[:= ]\\s*)[^\\n]+`, "gi");
const BEARER = /\b(bearer|basic)\s+\S+/gi;

export function redactText(text: string): string {
  return text
    .replace(USER_INFO, `$1${REDACTED}@`)
    .replace(BEARER, `$1 ${REDACTED}`)
    .replace(NAMED, `$1${REDACTED}`)
    .replace(LONG_RUN, (run) => (/\d/.test(run) ? REDACTED : run));
}

/** A document's values; its form stays. */
export function redactValue(value: unknown, name = ""): unknown {
  if (SECRET_NAME.test(name)) return REDACTED;
  if (typeof value === "string") return redactText(value);
  if (Array.isArray(value)) return value.map((each) => redactValue(each));
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [redactText(key), redactValue(each, key)]),
  );
}

/** Variables that say how a program runs, and never a secret. All others stay at home. */
const VARIABLES = [
  "AIOS_BUILD",
  "AIOS_STATE",
  "CI",
  "COLORTERM",
  "FORCE_COLOR",
  "LANG",
  "LC_ALL",
  "NO_COLOR",
  "NODE_ENV",
  "SHELL",
  "SOURCE_DATE_EPOCH",
  "TERM",
  "TMPDIR",
  "TZ",
  "XDG_RUNTIME_DIR",
  "XDG_STATE_HOME",
];

export function allowedVariables(environment: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    VARIABLES.flatMap((name) => {
      const value = environment[name];
      return value === undefined ? [] : [[name, redactText(value)]];
    }),
  );
}
