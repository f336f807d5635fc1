/** The first message that an agent gets: all that it is given, by name. */
import { z } from "zod";
import { Mount } from "./mounts.ts";

export const Birth = z.object({
  args: z.array(z.string()).default([]),
  env: z.record(z.string(), z.string()).default({}),
  /** Its handles of pipes: standard input, output and error; null where there is none. */
  streams: z.array(z.int().nullable()).max(3).default([]),
  /** Its handles: scopes, with what they are as text, and agents and images, by names. */
  capabilities: z
    .array(
      z.object({
        text: z.string(),
        handle: z.int(),
        /** It can't be handed on: not to others, nor to a copy of the agent. */
        alone: z.boolean().optional(),
      }),
    )
    .default([]),
  /** Folders of its capabilities that it finds under other names. */
  mounts: z.array(Mount).optional(),
  /** Its handle of the service for files. */
  files: z.int().nullable().default(null),
  /** Its handle of a queue with the last word about whom it can reach: when one has been started anew, News. */
  news: z.int().nullish(),
  /** Name of a state that it goes on from. */
  state: z.string().optional(),
  /** It is a clone that leaves its state under this name, and ends. */
  keepAs: z.string().optional(),
});
export type Birth = z.infer<typeof Birth>;

/** Whom an agent can reach by what it was given at its birth, as it is now; what a handle stood for may be over. */
export const News = Birth.pick({ files: true, capabilities: true });
export type News = z.infer<typeof News>;
