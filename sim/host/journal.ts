/** The journal: every input with the step and the virtual time at which it came. */
import type { Drive } from "./drives.ts";
import type { Input } from "./inputs.ts";
import type { Configuration } from "./options.ts";

export interface JournalEntry {
  /** Micro-steps made when the input came. */
  readonly steps: bigint;
  /** Virtual time at which it came, in ns. */
  readonly time: bigint;
  readonly input: Input;
}

export class Journal {
  readonly configuration: Configuration;
  readonly drives: readonly Drive[];
  readonly entries: readonly JournalEntry[];

  constructor(
    configuration: Configuration,
    drives: readonly Drive[],
    entries: readonly JournalEntry[],
  ) {
    this.configuration = configuration;
    this.drives = drives;
    this.entries = entries;
  }
}
