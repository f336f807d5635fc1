/** What users of docker, kubectl and systemd type out of habit, and what does that here. */
import type { Command } from "commander";

export const HABITS: Readonly<Record<string, string>> = {
  attach: "logs --follow",
  build: "image build",
  commit: "snapshot",
  create: "run",
  delete: "rm --force",
  describe: "inspect",
  fork: "clone",
  get: "ps",
  grant: "caps grant",
  import: "load",
  info: "status",
  journalctl: "logs",
  list: "ps",
  ls: "ps",
  pull: "load",
  remove: "rm",
  restart: "kill, and then start,",
  restore: "rollback",
  revoke: "caps revoke",
  show: "inspect",
  stats: "top",
  stop: "kill --grace 10",
  suspend: "pause",
  token: "tokens",
  unpause: "resume",
  verify: "image verify",
  version: "--version",
  watch: "events --follow",
};

const UNKNOWN = /^error: unknown command '([^']*)'\n(\(Did you mean [^\n]*\)\n)?/;

/** An unknown command that is one elsewhere is refused with what it is called here. */
export function knowingHabits(program: Command): Command {
  return program.configureOutput({
    outputError(text, write) {
      const [all = "", word = ""] = UNKNOWN.exec(text) ?? [];
      const here = Object.hasOwn(HABITS, word) ? HABITS[word] : undefined;
      const refused = `error: unknown command '${word}': aios ${here} does that\n`;
      write(here === undefined ? text : `${refused}${text.slice(all.length)}`);
    },
  });
}
