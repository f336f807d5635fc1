#!/usr/bin/env node
/** The command `aios`. */
import { Command } from "commander";
import { bootCommand } from "./boot.ts";
import { diskCommand } from "./disk.ts";
import { exitWithBadInput } from "./exit.ts";
import { schedCommand } from "./sched.ts";

const program = exitWithBadInput(new Command("aios"))
  .description("An operating system whose processes are AI agents, on a simulated x86_64 machine.")
  .showHelpAfterError("(aios --help says more)")
  .addCommand(bootCommand())
  .addCommand(diskCommand())
  .addCommand(schedCommand());

await program.parseAsync();
