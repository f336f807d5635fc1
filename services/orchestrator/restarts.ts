/** When an agent that has ended is started again: as systemd's and docker's users know it. */
import type { RestartPolicy } from "../messages/api.ts";

export interface End {
  readonly reason: string;
  readonly code: number;
}

export type Verdict =
  | { readonly again: false; readonly why: string | null }
  /** `pause` in seconds; `failures` is what is to be remembered for the next time. */
  | { readonly again: true; readonly pause: number; readonly failures: number };

/**
 * @param failures restarts since it last was healthy
 * @param ranFor seconds that it has run this time
 */
export function verdict(
  { policy, limit, pause, longestPause, healthyAfter }: RestartPolicy,
  end: End,
  failures: number,
  ranFor: number,
): Verdict {
  if (policy === "no" || (policy === "on-failure" && isSuccess(end)))
    return { again: false, why: null };
  const before = ranFor >= healthyAfter ? 0 : failures;
  if (limit > 0 && before >= limit)
    return { again: false, why: `it was restarted ${before} times without being healthy` };
  return { again: true, pause: Math.min(pause * 2 ** before, longestPause), failures: before + 1 };
}

const isSuccess = ({ reason, code }: End): boolean => reason === "exited" && code === 0;
