/**
 * The machine for Node and browsers: `Machine` and what it is given and gives back.
 * In Node, `aios/node` has disk images in files besides.
 */
export type { DriveBackend, DriveOptions } from "./drives.ts";
export { MachineError, type MachineErrorCode } from "./errors.ts";
export type { FaultName, Input } from "./inputs.ts";
export { Journal, type JournalEntry } from "./journal.ts";
export { type BootOptions, Machine, type MachineOptions, type RunOptions } from "./machine.ts";
export type { StopReason } from "./reasons.ts";
export { Snapshot } from "./snapshot.ts";
export type { EventKind, MachineEvent } from "./trace-events.ts";
export type { Watch } from "./watch.ts";
