/**
 * The machine for Node and browsers: `Machine`, what it is given and gives back, and the typed
 * views through which its state is read and changed.
 */

export type { AgentView } from "../../kernel/host/agents.ts";
/** Classes of the kernel's structures, to which `machine.kernel` leads. */
export * as KernelStructures from "../../kernel/host/views.generated.ts";
export type { BundleFile, KernelPanic, KernelViews } from "../../kernel/host/views.ts";
export type { AgentFailure, Agents } from "./agents.ts";
export type { Drive, DriveBackend, DriveOptions } from "./drives.ts";
export type { DriveFailure } from "./engine.ts";
export { MachineError, type MachineErrorCode } from "./errors.ts";
export type { InputPort } from "./input-port.ts";
export type { FaultName, Input, Width } from "./inputs.ts";
export { type DriveShape, Journal, type JournalEntry } from "./journal.ts";
export {
  type BootOptions,
  type CopyOptions,
  Machine,
  type MachineOptions,
  type RunOptions,
} from "./machine.ts";
export type { Modules } from "./modules.ts";
export type { Configuration } from "./options.ts";
export type { PhysicalMemory, VirtualMemory } from "./physical.ts";
export {
  type AgentStart,
  type CallOperation,
  CallReply,
  type CloneStart,
  type FreezableProgram,
  type Integer,
  type LoadOperation,
  type Operation,
  type Program,
  type ProgramForms,
  type ProgramFunction,
  Programs,
  programNumber,
  type Reply,
  type StoreOperation,
} from "./programs.ts";
export type { StopReason } from "./reasons.ts";
export { Snapshot } from "./snapshot.ts";
export type { EventKind, MachineEvent } from "./trace-events.ts";
/** Classes of the machine's structures, to which `machine.sim` leads. */
export * as SimStructures from "./views.generated.ts";
export type { ScheduledEvent, SimViews } from "./views.ts";
export type { Watch } from "./watch.ts";
