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
  /**
   * Its handle of a queue, in which what agents are called by their names is renewed: when one has been started
   * anew, the next message there is a `Renewal`.
   */
  names: z.int().optional(),
  /** Folders of its capabilities that it finds under other names. */
  mounts: z.array(Mount).optional(),
  /** Its handle of the service for files. */
  files: z.int().nullable().default(null),
  /** Its handle of a queue that tells who the service for files is from now on: FilesNews. */
  news: z.int().nullish(),
  /** Name of a state that it goes on from. */
  state: z.string().optional(),
  /** It is a clone that leaves its state under this name, and ends. */
  keepAs: z.string().optional(),
});
export type Birth = z.infer<typeof Birth>;

/** The service for files has been started anew, and this is the agent's handle of it. */
export const FilesNews = z.object({ files: z.int() });
export type FilesNews = z.infer<typeof FilesNews>;

/** All that an agent has by name, as it is now: places are as at its birth. */
export const Renewal = z.object({
  capabilities: z.array(z.object({ text: z.string(), handle: z.int() })),
});
export type Renewal = z.infer<typeof Renewal>;
