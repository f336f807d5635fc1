/** Modules that use "aios", on a machine of a test: each an image of its name, told its birth by the first agent. */
import type { Child } from "../../../sdk/agent/births.ts";
import type { Step } from "../../../sdk/agent/calls.ts";
import type { Sys } from "../../../sdk/agent/sys.ts";
import { type Run, runAgents } from "../../../sdk/agent/testing.ts";
import { agentImage } from "../../../sdk/image/agent-image.ts";
import { sha256 } from "../../../sdk/image/sha256.ts";
import { digestOf } from "../../../sdk/oci/write.ts";
import type {
  AgentStart,
  FreezableProgram,
  Operation,
  ProgramForms,
  ProgramFunction,
  Reply,
} from "../../../sim/host/programs.ts";
import type { Birth } from "../../messages/birth.ts";
import { encode } from "../../messages/json.ts";
import type { Code } from "../agent.ts";
import { prepare } from "../module/prepare.ts";
import { modulePersonalities } from "../personalities.ts";
import { type WasmParts, wasmProgram } from "../program.ts";
import { keepReply, replyOf } from "../replies.ts";
import { States } from "../states.ts";

type Kind = [ProgramFunction, ProgramForms];

/** Runs `init` beside modules by name; `wrap` may change how their programs go on. */
export async function runModules(
  modules: Readonly<Record<string, Uint8Array>>,
  init: Run,
  wrap = (kind: Kind) => kind,
  states: WasmParts["states"] = new States(),
) {
  const codes = new Map<string, Code>();
  for (const [name, bytes] of Object.entries(modules)) {
    const prepared = await prepare(bytes);
    const code = { prepared, module: await WebAssembly.compile(prepared.code as BufferSource) };
    codes.set(await digestOf(await imageOf(name)), code);
  }
  const runnable = (digest: string) => {
    const code = codes.get(digest);
    return code && { code, personalities: (told: Birth) => modulePersonalities(told) };
  };
  const wasm = wrap(wasmProgram({ runnable, states }));
  const images = Object.fromEntries(
    await Promise.all(Object.keys(modules).map(async (name) => [name, await imageOf(name)])),
  );
  return await runAgents({ init }, { programs: { wasm }, images });
}

/** Its content is its name. */
const imageOf = async (name: string) =>
  agentImage({
    runtime: "host",
    program: "wasm",
    content: await sha256(new TextEncoder().encode(name)),
  });

/** Programs that are taken apart and restored before each reply. */
export function anew([begin, forms]: Kind): Kind {
  const wrap = (start: AgentStart, it: FreezableProgram) => new Anew(start, forms, it);
  return [
    (start) => wrap(start, begin(start) as FreezableProgram),
    {
      thaw: (start, state) => wrap(start, forms.thaw(start, state)),
      clone: (start, state) => wrap(start, forms.clone?.(start, state) as FreezableProgram),
    },
  ];
}

class Anew implements FreezableProgram {
  private readonly begun: AgentStart;
  private readonly forms: ProgramForms;
  private it: FreezableProgram;

  constructor(begun: AgentStart, forms: ProgramForms, it: FreezableProgram) {
    this.begun = begun;
    this.forms = forms;
    this.it = it;
  }

  get operation(): Operation | null {
    return this.it.operation;
  }

  next(reply: Reply): IteratorResult<Operation, void> {
    const before = this.it.operation;
    if (before === null) return this.it.next(reply);
    this.it = this.forms.thaw(this.begun, this.it.freeze());
    return this.it.next(this.it.operation ? replyOf(keepReply(reply), this.it.operation) : reply);
  }

  throw(error: unknown): IteratorResult<Operation, void> {
    return this.it.throw(error);
  }

  return(): IteratorResult<Operation, void> {
    return this.it.return(undefined);
  }

  [Symbol.iterator](): this {
    return this;
  }

  freeze(): unknown {
    return this.it.freeze();
  }
}

/** Starts a module and grants it capabilities by name; images have names of modules. */
export function* startModule(
  sys: Sys,
  name: string,
  capabilities: Readonly<Record<string, number>> = {},
  more: Partial<Birth> = {},
): Step<Child> {
  const grants = Object.values(capabilities).map((capability) => ({ capability }));
  const image = yield* sys.image(name);
  const child = yield* sys.spawn({ image, quota: 12 << 20, grants });
  const named = Object.keys(capabilities).map((text, n) => ({
    text,
    handle: child.grants[n] ?? 0,
  }));
  const birth: Birth = {
    args: [],
    env: {},
    streams: [],
    files: null,
    ...more,
    capabilities: named,
  };
  yield* sys.send(child.capability, encode(birth));
  return child;
}
