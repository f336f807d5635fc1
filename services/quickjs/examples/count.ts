/** Counts the words of a file, and ends with their number. */
import { args, exit, readText, SystemError } from "aios";

try {
  exit(
    readText(args[0] ?? "")
      .split(/\s+/)
      .filter(Boolean).length,
  );
} catch (error) {
  if (!(error instanceof SystemError)) throw error;
  console.error(error.message);
  exit(0xffff);
}
