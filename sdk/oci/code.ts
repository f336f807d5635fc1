/** Code of each runtime: whether it can run, and what the kernel gets of it. */
import { importProblem } from "../../services/wasm/imports.ts";
import { WasmError } from "../../services/wasm/module/errors.ts";
import {
  type FunctionType,
  functionType,
  KIND_FUNCTION,
  type WasmModule,
} from "../../services/wasm/module/model.ts";
import { readModule } from "../../services/wasm/module/read.ts";
import { agentImage } from "../image/agent-image.ts";
import { checkElf } from "../image/elf.ts";
import { ImageError } from "../image/errors.ts";
import { sha256 } from "../image/sha256.ts";
import { OciError } from "./errors.ts";
import { CODE_BYTES_MAX, type RuntimeKind } from "./media.ts";
import type { AgentLimits } from "./schema.ts";
import { sectionAt } from "./wasm-sections.ts";

export interface RunnableCode {
  readonly runtime: RuntimeKind;
  readonly entry: string | null;
  readonly limits: AgentLimits;
}

const WASM_PAGE_BYTES = 64 * 1024;

type Check = (code: Uint8Array, what: RunnableCode, place: string) => void;

const CHECKS: Readonly<Record<RuntimeKind, Check>> = {
  wasm: checkModule,
  quickjs: checkScript,
  native: checkNative,
  host: (code, _, place) => {
    if (code.length > 0) refuse(place, "a program of the host brings no code of its own");
  },
};

/**
 * Refuses code that its runtime would refuse.
 * @param place of the code, for errors: a file's name, or that of the layer
 * @throws OciError "code"
 */
export function checkCode(code: Uint8Array, what: RunnableCode, place: string): void {
  if (code.length > CODE_BYTES_MAX)
    refuse(place, `${code.length} bytes of code; ${CODE_BYTES_MAX} at most`);
  CHECKS[what.runtime](code, what, place);
}

/** What of an image the kernel's is made from. */
export interface KernelImageOf {
  readonly runtime: RuntimeKind;
  readonly entry: string | null;
  /** Digest of the code, "sha256:…". */
  readonly code: string;
}

/**
 * The bytes from which the kernel makes its image: their digest is what it records of each agent. For a
 * native agent they are its code; for the others a header that names the program and, by a digest, code
 * and entry: what runs them finds them by the digest that the kernel says.
 */
export async function kernelImage(of: KernelImageOf, code: Uint8Array): Promise<Uint8Array> {
  return of.runtime === "native" ? code : await namingImage(of);
}

/** As `kernelImage`, of one that isn't native. */
export async function namingImage({ runtime, entry, code }: KernelImageOf): Promise<Uint8Array> {
  const program = runtime === "host" ? (entry ?? "") : runtime;
  const named = new TextEncoder().encode(`${code}\n${entry ?? ""}`);
  return agentImage({ runtime: "host", program, content: await sha256(named) });
}

function checkModule(code: Uint8Array, { entry, limits }: RunnableCode, place: string): void {
  const module = moduleOf(code, place);
  const imports = module.imports.map((it, n) => ({ ...it, type: functionType(module, n) }));
  const problem = importProblem(imports);
  if (problem !== null) refuse(place, problem);
  const exported = module.exports.find(
    ({ name, kind }) => name === entry && kind === KIND_FUNCTION,
  );
  if (!exported) refuse(place, `exports no function "${entry}"`);
  const { parameters, results }: FunctionType = functionType(module, exported.index);
  if (parameters.length + results.length > 0) refuse(place, `"${entry}" has parameters or results`);
  const bytes = (module.memory?.initial ?? 0) * WASM_PAGE_BYTES;
  if (limits.memory !== undefined && bytes > limits.memory)
    refuse(place, `begins with ${bytes} bytes of memory; its limit is ${limits.memory}`);
}

function moduleOf(code: Uint8Array, place: string): WasmModule {
  try {
    return readModule(code);
  } catch (error) {
    if (!(error instanceof WasmError)) throw error;
    const section = error.at === null ? null : sectionAt(code, error.at);
    refuse(place, section === null ? error.message : `in ${section}: ${error.message}`);
  }
}

function checkScript(code: Uint8Array, _: RunnableCode, place: string): void {
  if (code.length === 0) refuse(place, "the script is empty");
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(code);
  } catch {
    refuse(place, "the script isn't UTF-8");
  }
}

function checkNative(code: Uint8Array, _: RunnableCode, place: string): void {
  try {
    checkElf(code, "it");
  } catch (error) {
    if (!(error instanceof ImageError)) throw error;
    refuse(place, error.reason);
  }
}

function refuse(place: string, reason: string): never {
  throw new OciError("code", place, reason);
}
