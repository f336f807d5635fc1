/**
 * What clients can ask for: the one table from which the gateway's routes, the OpenAPI document, the
 * client's types and the orchestrator's checks are made.
 */
import type { z } from "zod";
import { AGENT_METHODS } from "./agent-methods.ts";
import { SYSTEM_METHODS } from "./system-methods.ts";
import { TOKEN_METHODS } from "./token-methods.ts";

export { INPUT_BYTES_MAX } from "./agent-methods.ts";
export { AgentSpec, Applied, Document, HealthCheck, Job, JobSpec } from "./document.ts";
export { Digest, type Method, Name } from "./method.ts";
export {
  Agent,
  Event,
  LIMITS_OF_A_LIFE,
  Limits,
  LogLine,
  RESTART,
  RestartPolicy,
  Run,
  RunRequest,
  Snapshot,
  SomeLimits,
  STATES,
  Usage,
} from "./shapes.ts";
export { Image, Project, Service } from "./system-methods.ts";
export { Token } from "./token-methods.ts";

export const API = { ...AGENT_METHODS, ...SYSTEM_METHODS, ...TOKEN_METHODS } as const;

export type MethodName = keyof typeof API;
/** Those that the orchestrator answers; the gateway answers the others itself. */
export type OrchestratorMethod = Exclude<MethodName, keyof typeof TOKEN_METHODS>;
export type Params<M extends MethodName> = z.input<(typeof API)[M]["params"]>;
export type Result<M extends MethodName> = z.output<(typeof API)[M]["result"]>;
