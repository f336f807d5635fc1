import { homedir } from "node:os";
import { join, resolve } from "node:path";

/** Names a state directory when no option does. */
export const STATE_VARIABLE = "AIOS_STATE";

/**
 * Where `aios up` keeps what outlives it, absolute: what the option says, else the variable AIOS_STATE,
 * else `aios` in the user's folder for state (XDG Base Directory Specification 0.8).
 */
export function stateDirectory(option?: string): string {
  const { [STATE_VARIABLE]: named, XDG_STATE_HOME: home } = process.env;
  const states = home?.startsWith("/") ? home : join(homedir(), ".local/state");
  return resolve(option ?? (named || join(states, "aios")));
}
