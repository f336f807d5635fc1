/** What a command says when it is refused. */
import { RequestError } from "../../../services/messages/errors.ts";
import { EXIT_BAD_INPUT, EXIT_REFUSED, EXIT_UNAVAILABLE } from "../exit.ts";
import type { Context } from "./context.ts";

/** One line about what went wrong, and the status that stands for it; what is a fault of ours is thrown on. */
export function complain(error: unknown, err: NodeJS.WriteStream): number {
  const { name, code, message } = error as { name: string; code?: string; message: string };
  const status = STATUS_OF[name];
  if (!status) throw error;
  err.write(`error: ${message}${(code && REMEDIES[code]) ?? ""}\n`);
  return status(code ?? "");
}

/** What helps at a command line. */
const REMEDIES: Readonly<Record<string, string>> = {
  "bad-token": ' (--token or AIOS_TOKEN; "aios tokens --create" makes one)',
};

const STATUS_OF: Readonly<Record<string, (code: string) => number>> = {
  RequestError: (code) =>
    ({ unavailable: EXIT_UNAVAILABLE, "bad-request": EXIT_BAD_INPUT })[code] ?? EXIT_REFUSED,
  FileError: () => EXIT_BAD_INPUT,
  OciError: () => EXIT_BAD_INPUT,
};

/**
 * Does something to each of those that are named, and goes on where one is refused, as rm and docker do: each refusal is
 * a line, and the status the last one's. Where no system answers the others aren't tried.
 */
export async function eachOf(
  context: Context,
  names: readonly string[],
  act: (name: string) => Promise<unknown>,
): Promise<number> {
  // The library takes "-9" for a number, and so for an argument; nothing is done before it is refused.
  const option = names.find((name) => name.startsWith("-"));
  if (option) throw new RequestError("bad-request", `unknown option '${option}'`);
  let status = 0;
  for (const name of names)
    try {
      await act(name);
    } catch (error) {
      if (context.signal.aborted || (error as { code?: string }).code === "unavailable")
        throw error;
      status = complain(error, context.err);
    }
  return status;
}
