/** The errors of the machine's host side: every one has a code to test for and says where. */

/** What went wrong, for programs. The message says the same to people, with what and where. */
export type MachineErrorCode =
  // Options of Machine.create
  | "bad-cpus"
  | "bad-memory"
  | "bad-drive"
  | "bad-nic"
  | "bad-seed"
  | "bad-epoch"
  | "bad-guest"
  | "bad-journal"
  | "memory-unavailable"
  | "modules-unavailable"
  // Files behind drives
  | "drive-missing"
  | "drive-empty"
  | "drive-not-a-file"
  | "drive-unreadable"
  | "drive-read-only"
  | "drive-written-through"
  // Running and looking
  | "guest-trap"
  | "machine-busy"
  | "bad-argument"
  | "bad-address"
  | "not-mapped"
  | "faults-full"
  // Agents
  | "agent-lost"
  | "agent-program-missing"
  | "agent-failed"
  | "agent-ended"
  // Journals
  | "journal-malformed"
  | "journal-version"
  | "journal-truncated"
  | "journal-altered"
  | "journal-mismatch"
  | "journal-diverged"
  | "journal-full"
  // Snapshots
  | "snapshot-malformed"
  | "snapshot-version"
  | "snapshot-truncated"
  | "snapshot-altered"
  | "snapshot-modules"
  | "snapshot-drives";

export class MachineError extends Error {
  readonly code: MachineErrorCode;

  constructor(code: MachineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "MachineError";
    this.code = code;
  }
}
