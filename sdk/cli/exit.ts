import type { Command } from "commander";
import type { StopReason } from "../../sim/host/reasons.ts";

/** Exit statuses of the command `aios`. */
export const EXIT_OFF = 0;
export const EXIT_PANIC = 1;
export const EXIT_BAD_INPUT = 2;
export const EXIT_LIMIT = 3;
/** Of commands that ask a running system: it refuses, or there is none. */
export const EXIT_REFUSED = 1;
export const EXIT_UNAVAILABLE = 4;

/** What each end of a run means to a shell. A reset counts as an orderly end: nothing restarts. */
export const EXIT_STATUS: Readonly<Record<StopReason, number>> = {
  "power-off": EXIT_OFF,
  reset: EXIT_OFF,
  panic: EXIT_PANIC,
  "triple-fault": EXIT_PANIC,
  // The port's own status is what counts: see boot-run.ts.
  "debug-exit": EXIT_PANIC,
  crashed: EXIT_PANIC,
  limit: EXIT_LIMIT,
  idle: EXIT_LIMIT,
  steps: EXIT_LIMIT,
  break: EXIT_LIMIT,
  condition: EXIT_LIMIT,
  "journal-full": EXIT_LIMIT,
};

/** commander ends with 1 for bad usage, for which this command has 2. */
export function exitWithBadInput(command: Command): Command {
  return command.exitOverride(({ exitCode }) =>
    process.exit(exitCode === 0 ? EXIT_OFF : EXIT_BAD_INPUT),
  );
}
