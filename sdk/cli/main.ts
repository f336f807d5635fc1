#!/usr/bin/env node
/** The command `aios`. */
import { Command } from "commander";
import { bootCommand } from "./boot.ts";
import { completionCommand } from "./completion.ts";
import { diskCommand } from "./disk.ts";
import { doctorCommand } from "./doctor.ts";
import { EXIT_REFUSED, exitWithBadInput } from "./exit.ts";
import { faultText } from "./fault.ts";
import { knowingHabits } from "./habits.ts";
import { imageCommand } from "./image.ts";
import { schedCommand } from "./sched.ts";
import { systemCommands } from "./system/commands.ts";
import { downCommand, upCommand } from "./up.ts";
import { version } from "./version.ts";

const program = knowingHabits(exitWithBadInput(new Command("aios")))
  .description("An operating system whose processes are AI agents, on a simulated x86_64 machine.")
  .version(version())
  .showHelpAfterError("(aios --help says more)")
  .addCommand(upCommand())
  .addCommand(downCommand())
  .addCommand(bootCommand())
  .addCommand(diskCommand())
  .addCommand(imageCommand())
  .addCommand(schedCommand())
  .addCommand(doctorCommand())
  .addCommand(completionCommand());

for (const command of systemCommands()) program.addCommand(command);

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(faultText(error, process.env));
  process.exitCode = EXIT_REFUSED;
}
