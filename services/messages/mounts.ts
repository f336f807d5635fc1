/**
 * Folders under names of their own, which docker's users write with -v. A mount gives what capabilities for its
 * source give, and nothing else: whoever asks for it holds them, they show among the agent's, and can be revoked.
 */
import { z } from "zod";
import { CapabilityText } from "./method.ts";

const MOUNTS_MAX = 16;
const PATH_CHARACTERS_MAX = 256;
/** Where the folder is, as capabilities name it: that it fits into one is looked at there. */
const Folder = z
  .string()
  .max(PATH_CHARACTERS_MAX)
  .regex(
    /^(\/|(\/(?!\.{1,2}(\/|$))[^/\p{Cc}]+)+)$/u,
    "a folder like /projects/demo, without . and ..",
  );
const Source = Folder.refine((source) => CapabilityText.safeParse(`FS_WRITE:${source}`).success, {
  message: "longer than a capability has room for",
});

export const Mount = z.strictObject({
  source: Source,
  /** What the agent finds it under. */
  target: Folder,
  readOnly: z.boolean().default(false),
});
export type Mount = z.output<typeof Mount>;

const areDifferent = (texts: readonly string[]): boolean => new Set(texts).size === texts.length;

export const Mounts = z
  .array(Mount)
  .max(MOUNTS_MAX)
  .refine((all) => areDifferent(all.map(({ source }) => source)), "a source is there twice")
  .refine((all) => areDifferent(all.map(({ target }) => target)), "a target is there twice");

/** Capabilities of an agent, with those of its mounts: each once. */
export function heldBy(of: {
  readonly capabilities: readonly string[];
  readonly mounts?: readonly Mount[] | undefined;
}): string[] {
  const mounted = (of.mounts ?? []).flatMap(({ source, readOnly }) =>
    readOnly ? [`FS_READ:${source}`] : [`FS_READ:${source}`, `FS_WRITE:${source}`],
  );
  return [...new Set([...of.capabilities, ...mounted])];
}
