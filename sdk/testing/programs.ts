/** Programs of agents under test: a module, or a script in the engine, whose calls are noted. */

import { Birth } from "../../services/messages/birth.ts";
import { decode } from "../../services/messages/json.ts";
import { quickjsHost } from "../../services/quickjs/agent.ts";
import { loadEngine } from "../../services/quickjs/engine/load.ts";
import { type Code, wasmProgram } from "../../services/wasm/agent.ts";
import { prepare } from "../../services/wasm/module/prepare.ts";
import { modulePersonalities } from "../../services/wasm/personalities.ts";
import type { ProgramForms, ProgramFunction } from "../../sim/host/programs.ts";
import type { Step } from "../agent/calls.ts";
import type { Sys } from "../agent/sys.ts";
import { type Watcher, watched } from "./trace.ts";

export interface AgentUnderTest {
  /** A WebAssembly module, or else a script: an ES module in one piece. */
  readonly module?: Uint8Array;
  readonly script?: Uint8Array;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Agents that it may send to, by their names; "test" is the test. */
  readonly peers?: readonly string[];
  /** Bytes; default 12 MiB. */
  readonly memory?: number;
}

export async function programOf(
  { module, script }: AgentUnderTest,
  watcher: Watcher,
): Promise<[ProgramFunction, ProgramForms]> {
  if (module) return moduleProgram(await codeOf(module), watcher);
  if (script) return await scriptProgram(script, watcher);
  throw new Error("an agent has a module or a script");
}

async function codeOf(bytes: Uint8Array): Promise<Code> {
  const prepared = await prepare(bytes);
  return { prepared, module: await WebAssembly.compile(prepared.code as BufferSource) };
}

function moduleProgram(code: Code, watcher: Watcher): [ProgramFunction, ProgramForms] {
  return wasmProgram<Birth>({
    code,
    birth: born,
    personalities(told) {
      const named = told.capabilities.map(({ text }) => text);
      return modulePersonalities(told).map((it) => watched(it, named, watcher));
    },
  });
}

async function scriptProgram(
  script: Uint8Array,
  watcher: Watcher,
): Promise<[ProgramFunction, ProgramForms]> {
  const host = quickjsHost(await loadEngine(), script, born);
  return wasmProgram({
    ...host,
    personalities(options) {
      const named = options.told.capabilities.map(({ text }) => text);
      return host.personalities(options).map((it) => watched(it, named, watcher));
    },
  });
}

function* born(sys: Sys): Step<Birth> {
  return Birth.parse(decode((yield* sys.receive()).bytes));
}
