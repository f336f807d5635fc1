/** The command's tree as completion scripts need it: made from commander's own, so it can't go out of date. */
import type { Command, Option } from "commander";
import { SPECS } from "../system/specs.ts";

/** A word that can be typed, and what it does. */
export interface Word {
  readonly word: string;
  readonly about: string;
}

export interface OptionWords {
  /** "-o" and "--output". */
  readonly flags: readonly string[];
  readonly about: string;
  /** Whether the next word belongs to it. An optional value is written with "=". */
  readonly takesValue: boolean;
  /** Values that it can have; empty for any, such as a file's name. */
  readonly choices: readonly string[];
}

export interface Node {
  /** "aios image build". */
  readonly path: string;
  readonly commands: readonly Word[];
  readonly options: readonly OptionWords[];
  /** Values of its first argument. */
  readonly choices: readonly string[];
  /** The command that lists the names which its arguments can be; null for none. */
  readonly names: string | null;
}

/** Of what a running system has. */
const LISTS = { agents: "ps -aq", images: "images -q" } as const;

/** Every command with its options, parents before their children. */
export function commandTree(root: Command): Node[] {
  return nodesOf(root, root.name());
}

function nodesOf(command: Command, path: string): Node[] {
  const help = command.createHelp();
  const subcommands = help.visibleCommands(command);
  const node: Node = {
    path,
    commands: subcommands.map((each) => ({
      word: each.name(),
      about: help.subcommandDescription(each),
    })),
    options: help.visibleOptions(command).map(optionWords),
    choices: command.registeredArguments[0]?.argChoices ?? [],
    names: listOf(command),
  };
  // The command "help" is made for the help only: it isn't among the commands, and has none itself.
  const inner = command.commands.filter((each) => subcommands.includes(each));
  return [node, ...inner.flatMap((each) => nodesOf(each, `${path} ${each.name()}`))];
}

function listOf(command: Command): string | null {
  const isOfSystem = command.parent?.parent === null;
  const kind = isOfSystem ? SPECS[command.name()]?.completes : undefined;
  return kind === undefined ? null : LISTS[kind];
}

function optionWords({ short, long, description, required, argChoices }: Option): OptionWords {
  return {
    flags: [short, long].filter((flag) => flag !== undefined),
    about: description,
    takesValue: required,
    choices: argChoices ?? [],
  };
}
