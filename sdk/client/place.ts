/** Where a running system is: the state directory, whose socket its owner uses, or an address and a token. */
import { homedir } from "node:os";
import { isAbsolute, join, resolve } from "node:path";

/** Of the environment, what says where the system is. */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Place {
  /** The state directory; else AIOS_STATE, else a folder of the user's. */
  readonly state?: string | undefined;
  /** "127.0.0.1:7117"; else AIOS_HOST. */
  readonly host?: string | undefined;
  /** Else AIOS_TOKEN. */
  readonly token?: string | undefined;
}

export const SOCKET_FILE = "aios.sock";

/** As the XDG Base Directory Specification 0.8 has it; a relative path there counts for none. */
export function stateDirectory(given: string | undefined, env: Environment): string {
  const said = given ?? env.AIOS_STATE;
  if (said) return resolve(said);
  const { XDG_STATE_HOME: xdg } = env;
  const home = xdg && isAbsolute(xdg) ? xdg : join(homedir(), ".local", "state");
  return join(home, "aios");
}
