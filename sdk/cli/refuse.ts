import type { Command } from "commander";
import { ImageError } from "../image/errors.ts";
import { OciError } from "../oci/errors.ts";
import { EXIT_BAD_INPUT } from "./exit.ts";
import { FileError } from "./image-file.ts";

/** Errors whose one line says to a user what is wrong with what was given. */
const BAD_INPUT = [ImageError, OciError, FileError];

/** Bad input ends the command with one line; anything else is a fault of ours and is thrown on. */
export async function refuseBadInput(command: Command, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!BAD_INPUT.some((kind) => error instanceof kind)) throw error;
    command.error(`error: ${(error as Error).message}`, { exitCode: EXIT_BAD_INPUT });
  }
}
