/** All of the command `aios`. */
import { Command } from "commander";
import { bootCommand } from "./boot.ts";
import { completionCommand } from "./completion.ts";
import { diskCommand } from "./disk.ts";
import { doctorCommand } from "./doctor.ts";
import { exitWithBadInput } from "./exit.ts";
import { knowingHabits } from "./habits.ts";
import { NAMES_ONLY } from "./help.ts";
import { imageCommand } from "./image.ts";
import { schedCommand } from "./sched.ts";
import { systemCommands } from "./system/commands.ts";
import { downCommand, upCommand } from "./up.ts";
import { version } from "./version.ts";

export function aiosProgram(): Command {
  const program = knowingHabits(exitWithBadInput(new Command("aios")))
    .description(
      "An operating system whose processes are AI agents, on a simulated x86_64 machine.",
    )
    .version(version())
    .configureHelp(NAMES_ONLY)
    .showHelpAfterError("(aios --help says more)");
  const others = [upCommand, downCommand, bootCommand, diskCommand, imageCommand, schedCommand];
  for (const make of [...others, doctorCommand, completionCommand]) program.addCommand(make());
  for (const command of systemCommands()) program.addCommand(command);
  return program;
}
