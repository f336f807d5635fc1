#!/usr/bin/env node
/** The command `aios`. */
import { Command } from "commander";
import { bootCommand } from "./boot.ts";
import { completionCommand } from "./completion.ts";
import { diskCommand } from "./disk.ts";
import { doctorCommand } from "./doctor.ts";
import { exitWithBadInput } from "./exit.ts";
import { imageCommand } from "./image.ts";
import { schedCommand } from "./sched.ts";
import { version } from "./version.ts";

const program = exitWithBadInput(new Command("aios"))
  .description("An operating system whose processes are AI agents, on a simulated x86_64 machine.")
  .version(version())
  .showHelpAfterError("(aios --help says more)")
  .addCommand(bootCommand())
  .addCommand(diskCommand())
  .addCommand(imageCommand())
  .addCommand(schedCommand())
  .addCommand(doctorCommand())
  .addCommand(completionCommand());

await program.parseAsync();
