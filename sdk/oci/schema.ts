/** What the JSON documents of an image may say. */
import { z } from "zod";
import { RequestError } from "../../services/messages/errors.ts";
import { problemOf } from "../../services/messages/issues.ts";
import { parseCapability } from "../../services/messages/scope.ts";
import { OciError } from "./errors.ts";
import { type Document, readJson } from "./json.ts";
import * as media from "./media.ts";

const DIGEST = /^sha256:[0-9a-f]{64}$/;
/** Semantic Versioning 2.0.0, section 2 and 9 to 11. */
const VERSION = /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
const NAME = /^[a-z0-9]+([._-][a-z0-9]+)*$/;
/** OCI distribution specification 1.1, "pulling manifests". */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/;
const LABEL = /^[a-z][a-z0-9]*([./_-][a-z0-9]+)*$/;
const TOOL = /^[a-z@][a-z0-9@/._-]*$/;

const sized = (what: string, max: number) =>
  z.string().max(max, `${what} has ${max} characters at most`);
/** Reaches agents as a string that ends with a zero byte. */
const argument = z.string().refine((text) => !text.includes("\0"), "has a zero byte");
const whole = (low: number, high: number) =>
  z
    .int(`not a whole number from ${low} to ${high}`)
    .min(low, `less than ${low}`)
    .max(high, `more than ${high}`);
const digest = z.string().regex(DIGEST, "not sha256: and 64 lower-case hexadecimal digits");

export const nameSchema = sized("a name", media.NAME_CHARACTERS_MAX).regex(
  NAME,
  "a name has lower-case letters and digits, with single dots, dashes or underscores between",
);
export const versionSchema = sized("a version", 64).regex(VERSION, "not a version like 1.2.3");
export const tagSchema = z
  .string()
  .regex(TAG, "not a tag: letters, digits, dots, dashes, 128 at most");
/** What the system understands, so that nobody learns of a mistake only when the agent is to start. */
export const capabilitySchema = sized("a capability", 256).superRefine((text, context) => {
  const problem = /[\p{Cc}\p{Cf}\p{Surrogate}]/u.test(text)
    ? "a capability has a control character"
    : capabilityProblem(text);
  if (problem !== null) context.addIssue({ code: "custom", message: problem });
});

function capabilityProblem(text: string): string | null {
  try {
    parseCapability(text);
    return null;
  } catch (error) {
    if (error instanceof RequestError) return error.message;
    throw error;
  }
}

export const capabilitiesSchema = z
  .array(capabilitySchema)
  .max(media.HANDLES_MAX)
  .refine((all) => new Set(all).size === all.length, "a capability is there twice");
export const argumentsSchema = z.array(argument).max(media.STRINGS_MAX, "too many arguments");
export const environmentSchema = z
  .record(z.string().regex(VARIABLE, "not the name of a variable"), argument)
  .refine((all) => Object.keys(all).length <= media.STRINGS_MAX, "too many variables");
export const labelsSchema = z
  .record(
    sized("a label", 128).regex(LABEL, "not a label like org.example.team"),
    sized("a label's value", 1024),
  )
  .refine((all) => Object.keys(all).length <= 64, "more than 64 labels");

export const limitFields = {
  /** Bytes. */
  memory: whole(media.MEMORY_BYTES_MIN, media.MEMORY_BYTES_MAX),
  /** Thousandths of a processor, guaranteed and capped (the real-time class). */
  milliCpu: whole(1, media.MILLI_CPU_MAX),
  /** In the fair class, where 1,024 is usual. */
  weight: whole(1, media.WEIGHT_MAX),
  /** Capabilities that it may hold. */
  handles: whole(1, media.HANDLES_MAX),
  /** Messages that may wait for it. */
  messages: whole(1, media.MESSAGES_MAX),
  /** Bytes of files. */
  storage: whole(0, media.STORAGE_BYTES_MAX),
};
/** The two classes of scheduling exclude each other. */
export const ONE_CLASS = "an agent has a share of a processor or a weight, not both";

/** They lie on a native agent's stack, each with a zero byte at its end. */
export function stringsFit(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): boolean {
  const all = [...args, ...Object.entries(env).map(([name, value]) => `${name}=${value}`)];
  const bytes = new TextEncoder().encode(all.join("\0")).length + 1;
  return all.length === 0 || bytes <= media.STRING_BYTES_MAX;
}
export const STRINGS_TOO_LONG = `arguments and environment have more than ${media.STRING_BYTES_MAX} bytes`;

/** All are optional: who starts the agent has defaults. */
export const limitsSchema = z
  .strictObject(limitFields)
  .partial()
  .refine(({ milliCpu, weight }) => milliCpu === undefined || weight === undefined, ONE_CLASS);
export type AgentLimits = z.infer<typeof limitsSchema>;

export const runtimeSchema = z.enum(media.RUNTIMES, {
  error: `not one of ${media.RUNTIMES.join(", ")}`,
});

const sourceSchema = z.strictObject({
  path: sized("a path", 1024),
  digest,
  size: whole(0, Number.MAX_SAFE_INTEGER),
});

/** The configuration: all of an agent but its code. */
export const configSchema = z
  .strictObject({
    schemaVersion: z.literal(1, "not version 1"),
    name: nameSchema,
    version: versionSchema,
    runtime: runtimeSchema,
    /** The exported function of a module, the name of a script or of the host's program; a native file has its own. */
    entry: sized("an entry", 256).min(1).nullable(),
    arguments: argumentsSchema,
    environment: environmentSchema,
    capabilities: capabilitiesSchema,
    limits: limitsSchema,
    labels: labelsSchema,
    /** What the kernel records of an agent that runs it. */
    codeDigest: digest,
    provenance: z.strictObject({
      /** Versions of what has made it, by name. */
      tools: z.record(z.string().regex(TOOL, "not a tool's name"), sized("a version", 64)),
      sources: z.array(sourceSchema).max(256, "more than 256 sources"),
    }),
  })
  .refine(({ arguments: args, environment }) => stringsFit(args, environment), STRINGS_TOO_LONG);
export type AgentConfig = z.infer<typeof configSchema>;

const annotations = z.record(z.string(), z.string()).optional();
const descriptor = z.object({
  mediaType: z.string(),
  digest,
  size: whole(0, Number.MAX_SAFE_INTEGER),
  annotations,
});
export type Descriptor = z.infer<typeof descriptor>;

/** Other members are others' business (considerations.md, "extensibility"). */
export const layoutSchema = z.object({
  imageLayoutVersion: z.literal(media.LAYOUT_VERSION, `not version ${media.LAYOUT_VERSION}`),
});
export const indexSchema = z.object({
  schemaVersion: z.literal(2, "not version 2"),
  mediaType: z.literal(media.INDEX_TYPE, `not ${media.INDEX_TYPE}`).optional(),
  manifests: z
    .array(descriptor)
    .min(1, "there is no manifest")
    .max(1, "several manifests; an agent's image has one"),
});
export const manifestSchema = z.object({
  schemaVersion: z.literal(2, "not version 2"),
  mediaType: z.literal(media.MANIFEST_TYPE, `not ${media.MANIFEST_TYPE}`),
  artifactType: z.literal(media.ARTIFACT_TYPE, `not ${media.ARTIFACT_TYPE}`),
  config: descriptor.extend({
    mediaType: z.literal(media.CONFIG_TYPE, `not ${media.CONFIG_TYPE}`),
  }),
  layers: z
    .array(descriptor)
    .min(1, "there is no layer")
    .max(1, "several layers; an agent's code is one"),
  annotations,
});
export type OciManifest = z.infer<typeof manifestSchema>;

/** Reads a document and holds it to a schema. @throws OciError "json", "schema" */
export function readDocument<T>(bytes: Uint8Array, name: string, schema: z.ZodType<T>): T {
  return check(readJson(bytes, name), schema);
}

/** @throws OciError "schema" for the first thing that is wrong, in the document's order of members */
export function check<T>(document: Document, schema: z.ZodType<T>): T {
  const result = schema.safeParse(document.value);
  if (result.success) return result.data;
  const { path, what, reason } = problemOf(result.error, document.value);
  const member = path.length === 0 ? "" : `${path.map(String).join(".")}: `;
  throw new OciError("schema", document.placeOf(path, what), `${member}${reason}`);
}
