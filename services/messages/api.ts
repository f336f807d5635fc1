/**
 * What clients can ask for: the one table from which the gateway's routes, the OpenAPI document, the
 * client's types and the orchestrator's checks are made.
 */
import { z } from "zod";
import { type Capability, parseCapability } from "./scope.ts";

const NAME = /^[a-z0-9][a-z0-9._-]{0,30}$/;

export const Name = z
  .string()
  .regex(NAME, "1 to 31 small letters, digits, dots, dashes; a letter or digit first")
  .meta({ example: "worker-1" });
export const Digest = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, "sha256: and 64 hexadecimal digits")
  .meta({ example: `sha256:${"0".repeat(64)}` });
const CapabilityText = z
  .string()
  .superRefine((text, context) => {
    try {
      parseCapability(text);
    } catch (error) {
      context.addIssue({ code: "custom", message: (error as Error).message });
    }
  })
  .meta({ example: "FS_READ:/projects/demo" });

const MIB = 1024 * 1024;
export const Limits = z.object({
  /** Bytes of memory, of its pool. */
  memory: z
    .int()
    .min(MIB)
    .max(1024 * MIB)
    .default(64 * MIB),
  /** Guaranteed and capped share of a CPU, of 1; without, the agent runs in the fair class. */
  cpu: z.number().gt(0).max(1).optional(),
  /** Share in the fair class. */
  weight: z.int().min(1).max(65_536).default(1024),
});
export type Limits = z.infer<typeof Limits>;

export const RESTART = ["no", "on-failure", "always"] as const;

export const Run = z.object({
  image: z.string().min(1).max(200),
  name: Name.optional(),
  project: Name.default("default"),
  args: z.array(z.string().max(4096)).max(256).default([]),
  env: z.record(z.string().max(256), z.string().max(4096)).default({}),
  capabilities: z.array(CapabilityText).max(64).default([]),
  limits: Limits.default({ memory: 64 * MIB, weight: 1024 }),
  restart: z.enum(RESTART).default("no"),
});
export type Run = z.infer<typeof Run>;

export const STATES = ["starting", "running", "paused", "exited", "waiting", "lost"] as const;

/** An agent as clients see it. */
export const Agent = z.object({
  name: Name,
  project: Name,
  /** Its identity as long as it is known, over restarts. */
  uid: z.string(),
  /** The kernel's identifier; null when it doesn't run. */
  agent: z.int().nullable(),
  state: z.enum(STATES),
  image: z.object({ reference: z.string(), digest: Digest }),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  capabilities: z.array(z.string()),
  limits: Limits,
  restart: z.enum(RESTART),
  restarts: z.int(),
  /** How it ended last. */
  exit: z.object({ reason: z.string(), code: z.int() }).nullable(),
  /** Seconds since 1970. */
  created: z.number(),
});
export type Agent = z.infer<typeof Agent>;

/** What the kernel says of a running one. */
export const Usage = z.object({
  /** Virtual time for which it has run, ns. */
  cpuTime: z.int(),
  /** Bytes in use, of its pool. */
  memory: z.int(),
  syscalls: z.int(),
  kernelState: z.string(),
});

const Named = z.object({ name: Name, project: Name.default("default") });

export const LogLine = z.object({
  /** Grows by one with each line of the agent. */
  sequence: z.int(),
  /** Seconds since 1970. */
  time: z.number(),
  stream: z.enum(["stdout", "stderr"]),
  text: z.string(),
});
export type LogLine = z.infer<typeof LogLine>;

type Verb = "GET" | "POST" | "PUT" | "DELETE";

export interface Method<P extends z.ZodObject = z.ZodObject, R extends z.ZodType = z.ZodType> {
  readonly summary: string;
  readonly http: readonly [verb: Verb, path: string];
  readonly params: P;
  readonly result: R;
  /** What a client must hold for it; all of them. */
  needs(params: z.infer<P>): readonly Capability[];
}

function method<P extends z.ZodObject, R extends z.ZodType>(it: Method<P, R>): Method<P, R> {
  return it;
}

export const API = {
  "agent.run": method({
    summary: "Starts an agent",
    http: ["POST", "/v1/agents"],
    params: Run,
    result: Agent,
    needs: ({ project, capabilities }) => [
      { verb: "PROC_SPAWN", object: project },
      ...capabilities.map(parseCapability),
    ],
  }),
  "agent.list": method({
    summary: "Agents that there are",
    http: ["GET", "/v1/agents"],
    params: z.object({ project: Name.optional() }),
    result: z.array(Agent),
    needs: ({ project = "" }) => [{ verb: "PROC_READ", object: project }],
  }),
  "agent.inspect": method({
    summary: "All that is known of an agent",
    http: ["GET", "/v1/agents/{project}/{name}"],
    params: Named,
    result: Agent.extend({ usage: Usage.nullable() }),
    needs: ({ project }) => [{ verb: "PROC_READ", object: project }],
  }),
  "agent.kill": method({
    summary: "Ends an agent and all below it",
    http: ["POST", "/v1/agents/{project}/{name}/kill"],
    params: Named.extend({ code: z.int().min(0).max(255).default(137) }),
    result: Agent,
    needs: ({ project }) => [{ verb: "PROC_CONTROL", object: project }],
  }),
  "agent.logs": method({
    summary: "What an agent has written, from a line on; with wait, once there is something",
    http: ["GET", "/v1/agents/{project}/{name}/logs"],
    params: Named.extend({
      from: z.coerce.number().int().min(0).default(0),
      limit: z.coerce.number().int().min(1).max(1000).default(1000),
      wait: z.coerce.number().min(0).max(30).default(0),
    }),
    result: z.object({ lines: z.array(LogLine), next: z.int(), ended: z.boolean() }),
    needs: ({ project }) => [{ verb: "LOG_READ", object: project }],
  }),
} as const;

export type MethodName = keyof typeof API;
export type Params<M extends MethodName> = z.input<(typeof API)[M]["params"]>;
export type Result<M extends MethodName> = z.output<(typeof API)[M]["result"]>;
