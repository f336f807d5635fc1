/** How a project is to be: what `project.apply` takes. */
import { z } from "zod";
import { size } from "../../sdk/oci/amounts.ts";
import { Name, Reference } from "./method.ts";
import { Mounts } from "./mounts.ts";
import {
  Arguments,
  Capabilities,
  Environment,
  Restart,
  RestartPolicy,
  SomeLimits,
} from "./shapes.ts";

const MIB = 1024 * 1024;

/**
 * An agent is asked {"ask": N, "method": "health"} with a capability, by which it sends {"answer": N,
 * "result": …}; or another image says whether it is well. Times in seconds.
 */
export const HealthCheck = z.strictObject({
  /**
   * An image, and arguments: it is started beside the agent with its capabilities, and ends in time with the status 0
   * if the agent is well.
   */
  exec: Arguments.min(1).optional(),
  interval: z.number().min(0.05).max(3600).default(10),
  timeout: z.number().min(0.01).max(60).default(1),
  /** Failures one after the other that make it unhealthy; then it is ended, and its policy decides. */
  retries: z.int().min(1).max(100).default(3),
});
export type HealthCheck = z.infer<typeof HealthCheck>;

const common = {
  image: Reference,
  /** What isn't said here of arguments, environment and limits is as the image has it. */
  args: Arguments.optional(),
  env: Environment.default({}),
  capabilities: Capabilities.default([]),
  mounts: Mounts.default([]),
  limits: SomeLimits.default({}),
};

export const AgentSpec = z.strictObject({
  ...common,
  restart: Restart.default(RestartPolicy.parse({ policy: "always" })),
  /** Agents of the project that have to run, or to be healthy, before it is started. */
  dependsOn: z.record(Name, z.enum(["started", "healthy"])).default({}),
  health: HealthCheck.optional(),
});
export type AgentSpec = z.output<typeof AgentSpec>;

const CRON = /^\S+( \S+){4}$/;
export const JobSpec = z
  .strictObject({
    ...common,
    /** Seconds from one start to the next. */
    every: z.number().min(0.1).max(31_536_000).optional(),
    /** Minute, hour, day of the month, month, day of the week, as in crontab(5); UTC. */
    cron: z.string().regex(CRON, "five fields, like 0 3 * * 1-5").optional(),
    /** When it is due and the last run isn't over. */
    concurrency: z.enum(["forbid", "allow", "replace"]).default("forbid"),
    /** Runs that are over and kept. */
    history: z.int().min(0).max(100).default(3),
    suspended: z.boolean().default(false),
  })
  .refine((job) => (job.every === undefined) !== (job.cron === undefined), {
    message: "has either every or cron",
  });
export type JobSpec = z.output<typeof JobSpec>;

export const Document = z.strictObject({
  project: Name,
  /** Bytes of memory of all its agents, also as text like "64M"; can be changed while none of them runs. */
  memory: size
    .pipe(
      z
        .int()
        .min(MIB, "less than 1 MiB")
        .max(16_384 * MIB, "more than 16 GiB"),
    )
    .optional(),
  agents: z.record(Name, AgentSpec).default({}),
  jobs: z.record(Name, JobSpec).default({}),
  /** Says what would change, and changes nothing. */
  dryRun: z.boolean().default(false),
});
export type Document = z.output<typeof Document>;

export const Applied = z.object({
  project: Name,
  created: z.array(Name),
  changed: z.array(Name),
  unchanged: z.array(Name),
  removed: z.array(Name),
});
export type Applied = z.infer<typeof Applied>;

export const Job = z.object({
  name: Name,
  project: Name,
  spec: JobSpec,
  /** Runs so far. */
  runs: z.int(),
  /** When it is due next, seconds since 1970; null while it is suspended. */
  next: z.number().nullable(),
});
export type Job = z.infer<typeof Job>;
