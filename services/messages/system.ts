/** What services tell each other that no client sees. */
import type { Limits } from "./api.ts";

export const PROJECT_IMAGE = "project";

/** The first message of a service: its handles of what init has granted it; 0 for none. */
export interface Handles {
  readonly kernel: number;
  readonly scopes: number;
  /** Of a project. */
  readonly name?: string;
}

/** What a project is asked to start. */
export interface SpawnSpec {
  readonly uid: string;
  readonly name: string;
  /** Its image in the bundle, by which the kernel finds the runtime. */
  readonly runtime: string;
  /** Digest of its code. */
  readonly code: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  readonly limits: Limits;
}

/** An agent of a project, as that knows it. */
export interface Member {
  readonly uid: string;
  readonly agent: number;
  /** Once it is over. */
  readonly end: { readonly reason: string; readonly code: number } | null;
}

/** A project tells the logs of a pipe, whose capability comes along. */
export interface StreamGiven {
  readonly stream: "stdout" | "stderr";
  readonly uid: string;
}
