#!/usr/bin/env node
/** The command `aios`. */
import { EXIT_REFUSED } from "./exit.ts";
import { faultText } from "./fault.ts";
import { aiosProgram } from "./program.ts";

try {
  await aiosProgram().parseAsync();
} catch (error) {
  process.stderr.write(faultText(error, process.env));
  process.exitCode = EXIT_REFUSED;
}
