/** `agent.json`: what an author says of an agent. JSON with comments; sizes and shares as people write them (amounts.ts). */
import { z } from "zod";
import { share, size } from "./amounts.ts";
import { readJson } from "./json.ts";
import * as media from "./media.ts";
import * as schema from "./schema.ts";

const { milliCpu, memory, storage, ...counts } = schema.limitFields;
const limits = z
  .strictObject({
    ...counts,
    memory: size.pipe(memory),
    storage: size.pipe(storage),
    cpu: share.pipe(milliCpu),
  })
  .partial()
  .refine(({ cpu, weight }) => cpu === undefined || weight === undefined, schema.ONE_CLASS)
  .transform(({ cpu, ...rest }) => (cpu === undefined ? rest : { ...rest, milliCpu: cpu }));

/** Relative to the file's folder, and in it. */
const path = z
  .string()
  .min(1, "is empty")
  .max(1024)
  .refine((text) => !/[\p{Cc}\p{Surrogate}\\]/u.test(text), "has characters that no path has")
  .refine((text) => !text.startsWith("/"), "an absolute path; files lie in the agent's folder")
  .refine((text) => !text.split("/").includes(".."), "leads out of the agent's folder");

const common = {
  /** For editors that know JSON Schema. */
  $schema: z.string().optional(),
  name: schema.nameSchema,
  version: schema.versionSchema,
  args: schema.argumentsSchema.default([]),
  env: schema.environmentSchema.default({}),
  capabilities: schema.capabilitiesSchema.default([]),
  limits: limits.default({}),
  labels: schema.labelsSchema.default({}),
};

const anyAgent = z.discriminatedUnion(
  "runtime",
  [
    z.strictObject({
      ...common,
      runtime: z.literal("wasm"),
      entry: path,
      /** The exported function that runs. */
      export: z.string().min(1, "is empty").max(256).default("_start"),
    }),
    z.strictObject({ ...common, runtime: z.literal("quickjs"), entry: path }),
    z.strictObject({ ...common, runtime: z.literal("native"), entry: path }),
    z.strictObject({
      ...common,
      runtime: z.literal("host"),
      /** Under which the host knows it. */
      program: z.string().min(1, "is empty").max(64),
    }),
  ],
  { error: `not one of ${media.RUNTIMES.join(", ")}` },
);
export const agentFileSchema = anyAgent.refine(
  ({ args, env }) => schema.stringsFit(args, env),
  schema.STRINGS_TOO_LONG,
);
export type AgentFile = z.output<typeof agentFileSchema>;

/**
 * @param name of the file, for errors
 * @throws OciError "json", "schema", with line and column
 */
export function readAgentFile(bytes: Uint8Array, name: string): AgentFile {
  return schema.check(readJson(bytes, name, true), agentFileSchema);
}
