/** Scripts as agents of a machine, for tests. */
import type { Child } from "../../../sdk/agent/births.ts";
import type { Step } from "../../../sdk/agent/calls.ts";
import type { Notice } from "../../../sdk/agent/notices.ts";
import type { Sys } from "../../../sdk/agent/sys.ts";
import { type Run, runAgents, type TestOptions } from "../../../sdk/agent/testing.ts";
import { Birth } from "../../messages/birth.ts";
import { decode, encode } from "../../messages/json.ts";
import { wasmProgram } from "../../wasm/agent.ts";
import { quickjsHost } from "../agent.ts";
import { loadEngine } from "../engine/load.ts";

const QUOTA = 16 << 20;
const PIPE_BYTES = 65_536;

export interface Started extends Child {
  /** Capabilities to the ends of its pipes. */
  readonly stdout: number;
  readonly stderr: number;
}

export interface Given {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Capabilities of the parent's, by the name that the script has for them. */
  readonly capabilities?: Readonly<Record<string, number>>;
  /** The parent's capability to a pipe that it reads from. */
  readonly stdin?: number;
  /** Bytes. */
  readonly quota?: number;
  /** Capabilities that it may hold. */
  readonly handles?: number;
}

/** Starts the script "name" with pipes for its output, and tells it what it is given. */
export function* startScript(sys: Sys, name: string, given: Given = {}): Step<Started> {
  const { capabilities = {}, quota = QUOTA, handles } = given;
  const stdout = yield* sys.endpoint("pipe", PIPE_BYTES);
  const stderr = yield* sys.endpoint("pipe", PIPE_BYTES);
  const pipes = [stdout, stderr];
  const child = yield* sys.spawn({
    image: yield* sys.image(name),
    quota,
    grants: grantsOf([...pipes, ...inputOf(given)], capabilities),
    ...(handles !== undefined && { capabilities: handles }),
  });
  yield* tell(sys, child, given);
  return { ...child, stdout, stderr };
}

/** Clones a script that stands still; the clone has pipes of its own. */
export function* cloneScript(sys: Sys, original: Child, given: Given = {}): Step<Started> {
  const { capabilities = {} } = given;
  const stdout = yield* sys.endpoint("pipe", PIPE_BYTES);
  const stderr = yield* sys.endpoint("pipe", PIPE_BYTES);
  const grants = grantsOf([stdout, stderr, ...inputOf(given)], capabilities);
  const child = yield* sys.clone(original.capability, { grants });
  yield* tell(sys, child, given);
  return { ...child, stdout, stderr };
}

const inputOf = ({ stdin }: Given): number[] => (stdin === undefined ? [] : [stdin]);

const grantsOf = (pipes: readonly number[], capabilities: Readonly<Record<string, number>>) =>
  [...pipes, ...Object.values(capabilities)].map((capability) => ({ capability }));

function* tell(sys: Sys, child: Child, given: Given): Step<void> {
  const { args = [], env = {}, capabilities = {} } = given;
  const [out = 0, err = 0, ...rest] = child.grants;
  const [input = null, ...handles] = given.stdin === undefined ? [null, ...rest] : rest;
  const told = {
    args: ["script", ...args],
    env,
    streams: [input, out, err],
    capabilities: Object.keys(capabilities).map((text, n) => ({ text, handle: handles[n] ?? 0 })),
  };
  yield* sys.send(child.capability, encode(told));
}

/** What a pipe has. */
export function* drain(sys: Sys, pipe: number): Step<string> {
  const reply = yield* sys.attempt("PIPE_READ", pipe, yield* sys.room(PIPE_BYTES), PIPE_BYTES);
  if (reply.error !== 0) return "";
  return new TextDecoder().decode(yield* sys.load(yield* sys.room(PIPE_BYTES), reply.value));
}

export interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly end: Notice & { readonly kind: "ended" };
}

/** Waits for a script's end. */
export function* outcomeOf(sys: Sys, started: Started): Step<Outcome> {
  const end = yield* sys.ended(started.id);
  const stdout = yield* drain(sys, started.stdout);
  return { stdout, stderr: yield* drain(sys, started.stderr), end };
}

/** Programs that run scripts; each agent is told by its parent what it is given. */
export async function programsOf(scripts: Readonly<Record<string, string>>) {
  const engine = await loadEngine();
  const programs = Object.entries(scripts).map(([name, script]) => {
    const host = quickjsHost(engine, new TextEncoder().encode(script), function* (sys) {
      return Birth.parse(decode((yield* sys.receive()).bytes));
    });
    return [name, wasmProgram(host)] as const;
  });
  return Object.fromEntries(programs);
}

/** A machine whose first agent runs `init`; each script is an image of its name. */
export async function runScripts(
  scripts: Readonly<Record<string, string>>,
  init: Run,
  options: TestOptions = {},
) {
  return await runAgents({ init }, { ...options, programs: await programsOf(scripts) });
}

/** Runs one script to its end. */
export async function runScript(script: string, given: Given = {}): Promise<Outcome> {
  const outcomes: Outcome[] = [];
  await runScripts({ script }, function* (sys) {
    outcomes.push(yield* outcomeOf(sys, yield* startScript(sys, "script", given)));
  });
  const [outcome] = outcomes;
  if (!outcome) throw new Error("the script has not ended");
  return outcome;
}
