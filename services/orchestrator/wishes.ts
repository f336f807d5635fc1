/**
 * What an agent has of what its image's author wishes: the one rule for those that a client runs, and for those
 * of documents and jobs. What is said goes before what the image says. Capabilities are never taken from it.
 */
import { Run, type RunRequest, type SomeLimits } from "../messages/api.ts";

/** What agents of an image have unless somebody says otherwise. */
export interface Wishes {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly limits: SomeLimits;
}

/** Variables are added one by one; who names a class of scheduling wants none of the image's. */
export function asWished(asked: RunRequest, { args, env, limits }: Wishes): Run {
  const { cpu, weight, ...rest } = limits;
  const scheduled = asked.limits.cpu !== undefined || asked.limits.weight !== undefined;
  return Run.parse({
    ...asked,
    args: asked.args ?? args,
    env: { ...env, ...asked.env },
    limits: { ...(scheduled ? rest : limits), ...asked.limits },
  });
}
