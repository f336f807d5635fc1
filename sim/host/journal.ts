/** The journal: every input with the step and the virtual time at which it came. */
import { DEFAULT_BLOCK_BYTES, type Drive } from "./drives.ts";
import type { Input } from "./inputs.ts";
import { parseJournal, writeJournal } from "./journal-file.ts";
import type { Configuration } from "./options.ts";

export interface JournalEntry {
  /** Micro-steps made when the input came. */
  readonly steps: bigint;
  /** Virtual time at which it came, in ns. */
  readonly time: bigint;
  readonly input: Input;
}

/** A drive as far as the guest can tell drives apart without reading them. */
export interface DriveShape {
  readonly bytes: number;
  readonly blockBytes: number;
  readonly interface: "nvme" | "ahci";
  readonly readOnly: boolean;
}

export function driveShape({ bytes, options }: Drive): DriveShape {
  return {
    bytes,
    blockBytes: options.blockBytes ?? DEFAULT_BLOCK_BYTES,
    interface: options.interface ?? "nvme",
    readOnly: options.readOnly ?? false,
  };
}

/** With the same modules and the same bytes on its drives, a journal gives the same run. */
export class Journal {
  readonly configuration: Configuration;
  readonly drives: readonly DriveShape[];
  readonly entries: readonly JournalEntry[];

  constructor(
    configuration: Configuration,
    drives: readonly DriveShape[],
    entries: readonly JournalEntry[],
  ) {
    this.configuration = configuration;
    this.drives = drives;
    this.entries = entries;
  }

  /** The journal of a run that was taken out in these parts, in their order. */
  static join(first: Journal, ...rest: readonly Journal[]): Journal {
    const entries = [first, ...rest].flatMap((part) => part.entries);
    return new Journal(first.configuration, first.drives, entries);
  }

  /** A file: JSON lines with a version and a checksum. */
  toBytes(): Promise<Uint8Array> {
    return writeJournal(this);
  }

  /** @throws MachineError journal-malformed, -version, -truncated or -altered */
  static async fromBytes(bytes: Uint8Array): Promise<Journal> {
    const { configuration, drives, entries } = await parseJournal(bytes);
    return new Journal(configuration, drives, entries);
  }
}
