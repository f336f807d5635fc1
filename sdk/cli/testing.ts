import { type Command, CommanderError } from "commander";
import { vi } from "vitest";

export interface Outcome {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command with these arguments in this process, and catches what it prints. */
export async function runCommand(command: Command, args: readonly string[]): Promise<Outcome> {
  let [out, err, status] = ["", "", 0];
  for (const each of [command, ...command.commands] as Command[]) {
    each.configureOutput({ writeErr: (text) => (err += text), writeOut: (text) => (out += text) });
  }
  const exit = vi.spyOn(process, "exit").mockImplementation((code) => {
    throw new CommanderError(Number(code ?? 0), "test.exit", "");
  });
  const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += text;
    return true;
  });
  try {
    await command.parseAsync(args, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    status = error.exitCode;
  } finally {
    exit.mockRestore();
    write.mockRestore();
  }
  return { status, out, err };
}
