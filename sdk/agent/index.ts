/** Agents in TypeScript: their programs, and the system calls that they make. */
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
export { type StatusName, SyscallError } from "./error.ts";
export {
  type AgentInfo,
  type AgentState,
  agent,
  type Derivation,
  type EndpointType,
  type EndReason,
  type Message,
  NEVER,
  type Notice,
  Sys,
  type WaitFor,
  type Woken,
} from "./sys.ts";
