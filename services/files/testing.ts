/** A machine with the service for files, and an agent whose capabilities are a test's. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RIGHT_CREATE, RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import type { Child } from "../../sdk/agent/births.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import { machineWith } from "../../sdk/agent/testing.ts";
import type { Machine } from "../../sim/host/machine.ts";
import type { ProgramFunction } from "../../sim/host/programs.ts";
import { CONTROLLER_ADDRESS, Doors } from "../host/door.ts";
import { Birth } from "../messages/birth.ts";
import { encode } from "../messages/json.ts";
import { parseCapability, scopeOf } from "../messages/scope.ts";
import { type Code, wasmProgram } from "../wasm/agent.ts";
import { wasiPersonality } from "../wasm/wasi.ts";
import { filesService } from "./files.ts";
import type { Budget } from "./quota.ts";
import type { Mount } from "./tree.ts";

export interface Given {
  readonly capabilities?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly mounts?: readonly Mount[];
  readonly budget?: Budget;
  /** How often the service looks for agents that are over, ns. */
  readonly again?: bigint;
  /** The service's files; a new folder by default. */
  readonly directory?: string;
  /** What else the parent does while the agent runs. */
  readonly meanwhile?: (sys: Sys, told: Told) => Step<void>;
}

/** What the parent knows: the agent, its own capabilities to the scopes, and the service. */
export interface Told {
  readonly child: Child;
  readonly scopes: readonly number[];
  endFiles(): Step<void>;
  /** All that the agent has written so far. */
  written(): Step<string>;
}

export interface Outcome {
  readonly code: number;
  readonly reason: string;
  readonly output: string;
  readonly errors: string;
}

export const EPOCH = 1_700_000_000;
const PIPE_BYTES = 16 * 1024;
const STEPS = 1000;
const LATE_MAX = 1000;
const LOOK_NS = 1_000_000;

/** An agent of WASI's, up to its end. */
export async function runWasi(code: Code, given: Given = {}): Promise<Outcome> {
  const worker = wasmProgram<Birth>({
    code,
    *birth(sys) {
      return Birth.parse(JSON.parse(new TextDecoder().decode((yield* sys.receive()).bytes)));
    },
    personalities: (told) => [wasiPersonality({ ...told, epoch: EPOCH })],
  });
  return await withFiles(given, { worker });
}

/** An agent of a test's own steps, born as those of WASI are. */
export async function runSteps(
  given: Given,
  run: (sys: Sys, birth: Birth) => Step<unknown>,
): Promise<Outcome> {
  const worker = agent(function* (sys) {
    const birth = Birth.parse(JSON.parse(new TextDecoder().decode((yield* sys.receive()).bytes)));
    yield* run(sys, birth);
  });
  return await withFiles(given, { worker });
}

export async function withFiles(
  given: Given,
  programs: Readonly<Record<string, ProgramFunction | ReturnType<typeof wasmProgram>>>,
): Promise<Outcome> {
  const directory = given.directory ?? mkdtempSync(join(tmpdir(), "aios-files-"));
  const { mounts = [], budget, again } = given;
  let machine: Machine | null = null;
  const doors = new Doors((frame) => machine?.input.frame(frame));
  const files = filesService({
    ...{ directory, mounts, door: doors.make() },
    ...(budget && { budget }),
    ...(again !== undefined && { again }),
  });
  const done: Outcome[] = [];
  const init = function* (sys: Sys): Step<void> {
    done.push(yield* new Parent(sys, given).run());
  };
  const nic = CONTROLLER_ADDRESS;
  machine = await machineWith({ init }, { nic, programs: { files: files.program, ...programs } });
  const start = process.hrtime.bigint();
  /** A trap of the agent is for its parent to see; a fault of another is the test's. */
  let late = 0;
  while (done.length === 0) {
    const until = process.hrtime.bigint() - start;
    const reason = machine.run({ until, steps: STEPS });
    const [failure] = machine.agents.failures;
    if (failure && ++late > LATE_MAX) throw failure.error.cause ?? failure.error;
    if (reason !== "steps" && reason !== "limit" && reason !== "idle")
      throw new Error(`the machine ended with ${reason}: ${machine.consoleText}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await files.close();
  if (given.directory === undefined) rmSync(directory, { recursive: true });
  const [outcome] = done;
  if (!outcome) throw new Error("the agent has no end");
  return outcome;
}

class Parent {
  private readonly sys: Sys;
  private readonly given: Given;
  private readonly texts = ["", ""];
  private service: Child | null = null;

  constructor(sys: Sys, given: Given) {
    this.sys = sys;
    this.given = given;
  }

  *run(): Step<Outcome> {
    const { sys, given } = this;
    const files = yield* this.startFiles();
    const pipes: number[] = [];
    for (let n = 0; n < 3; n++) pipes.push(yield* sys.endpoint("pipe", PIPE_BYTES));
    const [input = 0, output = 0, errors = 0] = pipes;
    if (given.input !== undefined) yield* sys.write(input, new TextEncoder().encode(given.input));
    const grants = [...pipes, files].map((capability) => ({ capability }));
    const image = yield* sys.image("worker");
    const child = yield* sys.spawn({ image, quota: 32 << 20, grants });
    const scopes = yield* this.bear(child);
    const written = () => this.drain([output, errors]);
    const endFiles = () => this.endFiles();
    if (given.meanwhile) yield* given.meanwhile(sys, { child, scopes, endFiles, written });
    while (true) {
      const woken = yield* sys.wait({
        notices: true,
        deadline: (yield* sys.now()) + BigInt(LOOK_NS),
      });
      yield* written();
      if (woken.what !== "notice" || woken.notice.kind !== "ended") continue;
      const { agent: id, reason, code } = woken.notice;
      if (id !== child.id) continue;
      const [out = "", err = ""] = this.texts;
      return { reason, code: Number(code), output: out, errors: err };
    }
  }

  /** Tells the agent what it has been given; the parent's own capabilities, from which that comes. */
  private *bear(child: Child): Step<number[]> {
    const { sys, given } = this;
    const [input = 0, output = 0, errors = 0, files = 0] = child.grants;
    const capabilities: { text: string; handle: number }[] = [];
    const scopes: number[] = [];
    for (const text of given.capabilities ?? []) {
      const scope = scopeOf(parseCapability(text));
      const own = yield* sys.derive(sys.allScopes, { scope });
      scopes.push(own);
      const handle = yield* sys.derive(own, { holder: child.capability, scope });
      capabilities.push({ text, handle });
    }
    const told: Birth = {
      args: ["worker", ...(given.args ?? [])],
      env: { ...given.env },
      streams: [given.input === undefined ? null : input, output, errors],
      ...{ capabilities, files },
    };
    yield* sys.send(child.capability, encode(told));
    return scopes;
  }

  private *startFiles(): Step<number> {
    const { sys } = this;
    const grants = [{ capability: Number(sys.argument), rights: RIGHT_CREATE }];
    const child = yield* sys.spawn({ image: yield* sys.image("files"), quota: 8 << 20, grants });
    yield* sys.send(child.capability, encode({ kernel: child.grants[0], scopes: 0 }));
    this.service = child;
    return yield* sys.derive(child.capability, { rights: RIGHT_SEND | RIGHT_DERIVE });
  }

  private *endFiles(): Step<void> {
    const { sys, service } = this;
    if (service) yield* sys.kill(service.capability, 1);
  }

  private *drain(pipes: readonly number[]): Step<string> {
    const { sys, texts } = this;
    for (const [n, pipe] of pipes.entries()) {
      const at = yield* sys.room(PIPE_BYTES);
      const reply = yield* sys.attempt("PIPE_READ", pipe, at, PIPE_BYTES);
      if (reply.error !== 0) continue;
      texts[n] += new TextDecoder().decode(yield* sys.load(at, reply.value));
    }
    return texts[0] ?? "";
  }
}
