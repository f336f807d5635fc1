/** Agents, as clients see them and as they say how they want them. */
import { z } from "zod";
import { share, size } from "../../sdk/oci/amounts.ts";
import { HANDLES_MAX, MESSAGES_MAX, STORAGE_BYTES_MAX } from "../../sdk/oci/media.ts";
import { CapabilityText, Digest, Name, Reference } from "./method.ts";
import { Mounts } from "./mounts.ts";

const KIB = 1024;
const MIB = 1024 * KIB;
const Known = z
  .strictObject({
    /** Bytes of memory, of its pool. */
    memory: z
      .int()
      .min(64 * KIB, "less than 64 KiB")
      .max(1024 * MIB, "more than 1 GiB"),
    /** Guaranteed and capped share of a CPU, of 1; without, the agent runs in the fair class. */
    cpu: z.number().gt(0, "not more than 0").max(1, "more than 1, which is one processor"),
    /** Share in the fair class. */
    weight: z.int().min(1).max(65_536),
    /** Short turns: the same share at a lower latency, for what a person waits for. */
    foreground: z.boolean(),
    /** Capabilities that it may hold, those with which it begins included; without, 1,024. */
    handles: z.int().min(1).max(HANDLES_MAX),
    /** Messages that may wait in its mailbox; without, 256. */
    messages: z.int().min(1).max(MESSAGES_MAX),
    /** Bytes by which it may make files longer, over all its lives; without, as much as its folders may hold. */
    storage: z.int().min(0).max(STORAGE_BYTES_MAX),
  })
  .partial();
const { memory, cpu, weight, foreground, handles, messages, storage } = Known.shape;
/**
 * What somebody says of an agent's limits; the others are as they were, or as they usually are. Sizes also as text
 * like "64M", a share also like "20%".
 */
export const SomeLimits = Known.extend({
  memory: size.pipe(memory.unwrap()).optional(),
  cpu: z
    .union([z.number(), share.transform((thousandths) => thousandths / 1000)], {
      error: "not a share like 20% or 0.2",
    })
    .pipe(cpu.unwrap())
    .optional(),
  storage: size.pipe(storage.unwrap()).optional(),
});
export type SomeLimits = z.infer<typeof SomeLimits>;
export const Limits = z.object({
  memory: memory.unwrap().default(16 * MIB),
  cpu,
  weight: weight.unwrap().default(1024),
  foreground: foreground.unwrap().default(false),
  ...{ handles, messages, storage },
});
/** Limits that an agent has from its birth on; the others can be changed while it runs. */
export const LIMITS_OF_A_LIFE = ["memory", "handles", "messages", "storage"] as const;
export type Limits = z.infer<typeof Limits>;

export const RESTART = ["no", "on-failure", "always"] as const;

/** When an agent that has ended is started again. Times in seconds. */
export const RestartPolicy = z.strictObject({
  /** on-failure: when its code wasn't 0, or it was ended by a fault. */
  policy: z.enum(RESTART).default("no"),
  /** Restarts without a time of health between them; 0 for any number. */
  limit: z.int().min(0).max(1_000_000).default(0),
  /** The first pause; each is twice as long as the one before. */
  pause: z.number().min(0.01).max(3600).default(0.1),
  longestPause: z.number().min(0.01).max(86_400).default(60),
  /** Having run for so long, it counts as healthy: pauses and the limit begin anew. */
  healthyAfter: z.number().min(0.1).max(86_400).default(10),
});
export type RestartPolicy = z.infer<typeof RestartPolicy>;
const DEFAULT_RESTART: RestartPolicy = RestartPolicy.parse({});

/** As docker's users write it: "always", "on-failure:5"; or in full. */
export const Restart = z
  .union([
    z
      .string()
      .regex(/^(no|always|on-failure)(:\d{1,6})?$/, "no, always or on-failure, with :LIMIT"),
    RestartPolicy,
  ])
  .transform((said): RestartPolicy => {
    if (typeof said !== "string") return said;
    const [policy, limit = 0] = said.split(":");
    return { ...DEFAULT_RESTART, policy: policy as (typeof RESTART)[number], limit: Number(limit) };
  });

export const Arguments = z.array(z.string().max(4096)).max(256);
export const Environment = z.record(z.string().max(256), z.string().max(4096));
export const Capabilities = z.array(CapabilityText).max(64);
const DEFAULT_LIMITS: Limits = Limits.parse({});

export const Run = z.object({
  image: Reference,
  name: Name.optional(),
  project: Name.default("default"),
  args: Arguments.default([]),
  env: Environment.default({}),
  capabilities: Capabilities.default([]),
  mounts: Mounts.default([]),
  limits: Limits.default(DEFAULT_LIMITS),
  restart: Restart.default(DEFAULT_RESTART),
  /** It has a standard input that is open until a client ends it (agent.input); else none. */
  stdin: z.boolean().default(false),
});
export type Run = z.infer<typeof Run>;

/** As clients ask for an agent: what they don't say is as the image has it. */
export const RunRequest = Run.extend({
  args: Arguments.optional(),
  limits: SomeLimits.default({}),
});
export type RunRequest = z.infer<typeof RunRequest>;

/**
 * starting: being born; waiting: for others, or for the end of a pause; lost: it ran when the system was
 * stopped, and isn't to be started again.
 */
export const STATES = ["starting", "running", "paused", "exited", "waiting", "lost"] as const;
export type State = (typeof STATES)[number];
export const HEALTH = ["none", "starting", "healthy", "unhealthy"] as const;

/** An agent as clients see it. */
export const Agent = z.object({
  name: Name,
  project: Name,
  /** Its identity as long as it is known, over restarts. */
  uid: z.string(),
  /** The kernel's identifier; null when it doesn't run. */
  agent: z.int().nullable(),
  state: z.enum(STATES),
  /** Why it is in this state, when that isn't plain. */
  reason: z.string().nullable(),
  health: z.enum(HEALTH),
  image: z.object({ reference: z.string(), digest: Digest }),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  /** Whether it has a standard input. */
  stdin: z.boolean().optional(),
  /** Those of its mounts included. */
  capabilities: z.array(z.string()),
  mounts: Mounts.optional(),
  limits: Limits,
  restart: RestartPolicy,
  restarts: z.int(),
  /** How it ended last. */
  exit: z.object({ reason: z.string(), code: z.int() }).nullable(),
  /** Seconds since 1970. */
  created: z.number(),
  started: z.number().nullable(),
  ended: z.number().nullable(),
  /** The agent of which it is a clone, or in whose place it was executed; the job that runs it. */
  origin: z.string().nullable(),
});
export type Agent = z.infer<typeof Agent>;

/** What the kernel says of a running one. */
export const Usage = z.object({
  /** Virtual time for which it has run, ns. */
  cpuTime: z.int(),
  /** Bytes in use, of its pool. */
  memory: z.int(),
  /** Capabilities that it holds, messages that wait for it. */
  handles: z.int(),
  messages: z.int(),
  /** Bytes by which it has made files longer, over all its lives; of one whose limits say how many it may. */
  storage: z.int().optional(),
  syscalls: z.int(),
  kernelState: z.string(),
  /** SHA-256 of the image that it runs, which the kernel has computed: the code digest of its image. */
  codeDigest: Digest,
  /** Agents below it and itself. */
  tree: z.int(),
});

export type Usage = z.infer<typeof Usage>;

export const LogLine = z.object({
  /** Grows by one with each line of the agent. */
  sequence: z.int(),
  /** Seconds since 1970. */
  time: z.number(),
  stream: z.enum(["stdout", "stderr"]),
  text: z.string(),
});
export type LogLine = z.infer<typeof LogLine>;

/** Something that has happened; durable before anybody sees it. */
export const Event = z.object({
  /** Grows by one with each event of the system. */
  sequence: z.int(),
  /** Seconds since 1970. */
  time: z.number(),
  kind: z.string().meta({ example: "agent.started" }),
  project: z.string().nullable(),
  /** Name of the agent, image, job or service. */
  name: z.string().nullable(),
  detail: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
});
export type Event = z.infer<typeof Event>;

export const Snapshot = z.object({
  id: Name,
  project: Name,
  agent: Name,
  /** Digest of the object with its state. */
  digest: Digest,
  /** Of the code that had this state: the only one that can go on from it. */
  codeDigest: Digest,
  bytes: z.int(),
  created: z.number(),
});
export type Snapshot = z.infer<typeof Snapshot>;
