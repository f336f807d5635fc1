/** The program of all WebAssembly agents: what they are told at birth says which code is theirs. */
import type { Step } from "../../sdk/agent/calls.ts";
import { Sys } from "../../sdk/agent/sys.ts";
import type { AgentStart, Operation, Program, Reply } from "../../sim/host/programs.ts";
import { Birth } from "../messages/birth.ts";
import { decode } from "../messages/json.ts";
import { type Code, type WasmHost, WasmProgram } from "./agent.ts";
import { WasmError } from "./module/errors.ts";
import { wasiPersonality } from "./wasi.ts";

export function wasmProgram(codes: ReadonlyMap<string, Code>) {
  return function* (start: AgentStart): Generator<Operation, void, Reply> {
    const birth = yield* born(new Sys(start));
    const code = codes.get(birth.code ?? "");
    if (!code) throw new WasmError("wasm-state", null, `no code ${birth.code} has been prepared`);
    const host: WasmHost<Birth> = {
      code,
      *birth() {
        return birth;
      },
      personalities: (told) => [wasiPersonality(told)],
    };
    yield* new WasmProgram(host, start) as Program;
  };
}

function* born(sys: Sys): Step<Birth> {
  return Birth.parse(decode((yield* sys.receive()).bytes));
}
