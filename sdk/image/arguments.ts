/** Arguments and environment of a native agent, as entries of the boot bundle (kernel/agent/arguments.ts). */
import { elfErrorName } from "../../kernel/agent/elf_error_names.ts";
import * as error from "../../kernel/agent/elf_errors.ts";
import * as elf from "../../kernel/agent/elf_format.ts";
import type { BundleEntry } from "./bundle.ts";
import { ImageError } from "./errors.ts";

export interface AgentArguments {
  /** argv[1] and those after it; argv[0] is the image's name. */
  readonly arguments?: readonly string[];
  /** envp, like "NAME=value". */
  readonly environment?: readonly string[];
}

/**
 * The entries beside the image `name`, none for what is empty.
 *
 * @throws ImageError agent-arguments: a zero byte, too many, or too long
 */
export function argumentEntries(name: string, given: AgentArguments): BundleEntry[] {
  const { arguments: args = [], environment = [] } = given;
  const entries = [
    { name: `${name}.args`, data: strings(args) },
    { name: `${name}.env`, data: strings(environment) },
  ].filter(({ data }) => data.length > 0);
  if ([...args, ...environment].some((text) => text.includes("\0")))
    refuse(error.ELF_BAD_ARGUMENTS);
  if (entries.reduce((sum, { data }) => sum + data.length, 0) > elf.ARGUMENT_BYTES_MAX)
    refuse(error.ELF_ARGUMENTS_TOO_LARGE);
  if (Math.max(args.length, environment.length) > elf.ARGUMENTS_MAX)
    refuse(error.ELF_TOO_MANY_ARGUMENTS);
  return entries;
}

function strings(texts: readonly string[]): Uint8Array {
  return new TextEncoder().encode(texts.map((text) => `${text}\0`).join(""));
}

function refuse(reason: number): never {
  throw new ImageError(
    "agent-arguments",
    null,
    `an agent can't have these: ${elfErrorName(reason)}`,
  );
}
