/** Agents in TypeScript: their programs, and the system calls that they make. */

export type { Derivation, Question, Scope } from "./authority.ts";
export type {
  Birth,
  Child,
  Grant,
  Range,
  Schedule,
  SchedulerConfiguration,
  Spawn,
} from "./births.ts";
export type { CallName, Step } from "./calls.ts";
export { type EndpointType, type Notification, notificationOf } from "./endpoints.ts";
export { type StatusName, SyscallError } from "./error.ts";
export type { AgentInfo, AgentState, EndReason, KernelInfo } from "./info.ts";
export type { Message } from "./messages.ts";
export type { Notice } from "./notices.ts";
export { agent, Sys } from "./sys.ts";
export { NEVER, type WaitFor, type Woken } from "./waits.ts";
