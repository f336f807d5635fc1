import { Command } from "commander";
import { exitWithBadInput } from "./exit.ts";
import { helpText } from "./help.ts";
import { refuseBadInput } from "./refuse.ts";

export interface DoctorArguments {
  readonly state?: string;
  /** A file, or false for none at all. */
  readonly journal?: string | false;
  readonly output: string;
  readonly bundle: boolean;
  readonly json: boolean;
}

const HELP = `
The bundle is for a bug report: versions, what was found, a summary of the state
directory, its configuration and the end of its log with everything taken out
that looks like a secret, and the last journal, with which a run can be
repeated. The journal holds what agents were given: look at the bundle before
you send it, or leave the journal out with --no-journal.

Exit status:
  0  nothing is wrong
  1  something is wrong; each line with ✗ says what, and what to do
  2  bad usage, or the bundle could not be written

Examples:
  aios doctor
  aios doctor --no-bundle --json
  aios doctor --state ~/.local/state/aios -o report.tar.gz
`;

/** `aios doctor`, to be added to the program's command. */
export function doctorCommand(): Command {
  const command = new Command("doctor")
    .summary("look for what is wrong here, and make a bundle for a bug report")
    .description("Look for what is wrong on this computer, and make a bundle for a bug report.")
    .option(
      "--state <folder>",
      "state directory of aios up (default: $AIOS_STATE, or the user's own)",
    )
    .option(
      "--journal <file>",
      "journal of the run in question (default: the running system's, else the last that was kept)",
    )
    .option("--no-journal", "leave the journal out of the bundle")
    .option("-o, --output <path>", "bundle: a .tar.gz, or else a folder", "aios-doctor.tar.gz")
    .option("--no-bundle", "only look")
    .option("--json", "print JSON", false)
    .addHelpText("after", helpText(HELP))
    .action(async (options: DoctorArguments, self: Command) => {
      const { runDoctor } = await import("./doctor-run.ts");
      await refuseBadInput(self, async () => {
        process.exitCode = await runDoctor(options);
      });
    });
  return exitWithBadInput(command);
}
