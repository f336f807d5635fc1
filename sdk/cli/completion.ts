import { Argument, Command } from "commander";
import { completionScript, SHELLS, type Shell } from "./completion/scripts.ts";
import { commandTree } from "./completion/tree.ts";
import { exitWithBadInput } from "./exit.ts";
import { helpText } from "./help.ts";

const HELP = `
Examples:
  eval "$(aios completion bash)"                               in ~/.bashrc
  aios completion zsh > "\${fpath[1]}/_aios"
  aios completion fish > ~/.config/fish/completions/aios.fish
`;

/** `aios completion`, to be added to the program's command, whose tree it completes. */
export function completionCommand(): Command {
  const command = new Command("completion")
    .summary("print a script with which a shell completes this command")
    .description("Print a script with which a shell completes commands, options and their values.")
    .addArgument(new Argument("<shell>", "whose script").choices(SHELLS))
    .addHelpText("after", helpText(HELP))
    .action((shell: Shell, _, self: Command) => {
      process.stdout.write(completionScript(shell, commandTree(self.parent ?? self)));
    });
  return exitWithBadInput(command);
}
