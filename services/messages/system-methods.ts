/** Methods about images, projects, and the system itself. */
import { z } from "zod";
import { Applied, Document, Job } from "./document.ts";
import { Count, Digest, method, Name, Named, Reference, Waiting } from "./method.ts";
import { heldBy } from "./mounts.ts";
import { parseCapability } from "./scope.ts";
import { Event } from "./shapes.ts";

export const Image = z.object({
  /** Digest of its manifest: its identity. */
  digest: Digest,
  /** Name by which agents are started from it; null for one that was overtaken. */
  reference: z.string().nullable(),
  name: z.string(),
  version: z.string(),
  runtime: z.enum(["wasm", "quickjs", "native", "host"]),
  entry: z.string().nullable(),
  /** Digest of what the kernel makes its image from. */
  codeDigest: Digest,
  /** Digests of its code and of its archive, as objects. */
  code: Digest,
  archive: Digest,
  bytes: z.int(),
  args: z.array(z.string()),
  env: z.record(z.string(), z.string()),
  /** What it wants; who starts it decides what it gets. */
  capabilities: z.array(z.string()),
  limits: z.record(z.string(), z.number()),
  created: z.number(),
});
export type Image = z.infer<typeof Image>;

export const Project = z.object({
  name: Name,
  /** Bytes of memory that all its agents may have. */
  memory: z.int(),
  agents: z.int(),
  running: z.int(),
  /** Bytes reserved for agents that run. */
  reserved: z.int(),
});

export const Service = z.object({
  name: z.string(),
  agent: z.int().nullable(),
  restarts: z.int(),
  memory: z.int(),
});

const ANYTHING = { object: "" } as const;

export const SYSTEM_METHODS = {
  "image.register": method({
    summary: "Makes an image known whose archive is in the store",
    http: ["POST", "/v1/images"],
    params: z.object({ archive: Digest, reference: Reference.optional() }),
    result: Image,
    needs: () => [{ verb: "IMAGE_WRITE", ...ANYTHING }],
  }),
  "image.list": method({
    summary: "Images that there are",
    http: ["GET", "/v1/images"],
    params: z.object({}),
    result: z.array(Image),
    needs: () => [{ verb: "IMAGE_READ", ...ANYTHING }],
  }),
  "image.inspect": method({
    summary: "All that is known of an image",
    http: ["GET", "/v1/images/{reference}"],
    params: z.object({ reference: Reference }),
    result: Image,
    needs: () => [{ verb: "IMAGE_READ", ...ANYTHING }],
  }),
  "image.remove": method({
    summary: "Forgets an image that no agent has",
    http: ["DELETE", "/v1/images/{reference}"],
    params: z.object({ reference: Reference }),
    result: z.object({}),
    needs: () => [{ verb: "IMAGE_WRITE", ...ANYTHING }],
  }),
  "project.list": method({
    summary: "Projects that there are",
    http: ["GET", "/v1/projects"],
    params: z.object({}),
    result: z.array(Project),
    needs: () => [{ verb: "PROC_READ", ...ANYTHING }],
  }),
  "project.apply": method({
    summary: "Makes a project what a document says; what that changes",
    http: ["PUT", "/v1/projects/{project}"],
    params: Document,
    result: Applied,
    needs: ({ project, agents, jobs }) => [
      { verb: "PROC_SPAWN", object: project },
      { verb: "PROC_CONTROL", object: project },
      ...[...Object.values(agents), ...Object.values(jobs)].flatMap(heldBy).map(parseCapability),
    ],
  }),
  "job.list": method({
    summary: "Jobs that there are",
    http: ["GET", "/v1/jobs"],
    params: z.object({ project: Name.optional() }),
    result: z.array(Job),
    needs: ({ project = "" }) => [{ verb: "PROC_READ", object: project }],
  }),
  "job.cancel": method({
    summary: "Stops a job's schedule and its runs",
    http: ["POST", "/v1/jobs/{project}/{name}/cancel"],
    params: Named,
    result: Job,
    needs: ({ project }) => [{ verb: "PROC_CONTROL", object: project }],
  }),
  "project.remove": method({
    summary: "Ends all agents of a project and forgets them",
    http: ["DELETE", "/v1/projects/{project}"],
    params: z.object({ project: Name }),
    result: z.object({ agents: z.int() }),
    needs: ({ project }) => [{ verb: "PROC_CONTROL", object: project }],
  }),
  "events.read": method({
    summary: "What has happened, from an event on; with wait, once there is something",
    http: ["GET", "/v1/events"],
    params: z.object({
      project: Name.optional(),
      from: Count.min(0).default(0),
      limit: Count.min(1).max(1000).default(100),
      wait: Waiting,
    }),
    result: z.object({
      events: z.array(Event),
      /** Where to go on. */
      next: z.int(),
      /** The oldest that is kept. */
      first: z.int(),
    }),
    needs: ({ project = "" }) => [{ verb: "PROC_READ", object: project }],
  }),
  "system.status": method({
    summary: "How the system is",
    http: ["GET", "/v1/status"],
    params: z.object({}),
    result: z.object({
      /** Seconds since 1970. */
      time: z.number(),
      /** Seconds since the machine was turned on. */
      uptime: z.number(),
      services: z.array(Service),
      agents: z.record(z.string(), z.int()),
      /** Bytes; used are also those that are only reserved. */
      memory: z.object({ total: z.int(), used: z.int(), free: z.int() }),
      /** Nanoseconds that agents have run, on all processors together. */
      cpu: z.object({ processors: z.int(), busy: z.int() }),
    }),
    needs: () => [{ verb: "PROC_READ", ...ANYTHING }],
  }),
} as const;
