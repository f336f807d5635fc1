/**
 * From a module to code that can be metered, suspended and copied: validation, metering (meter.ts), and
 * Binaryen's asyncify, which lets a call of the host leave the code and come back into it later.
 *
 * The data segments and the initial values are no part of the code that results. They are the state at
 * birth, so an agent begins in the way in which it goes on after a snapshot.
 */
import type binaryen from "binaryen";
import { checkBodies } from "./check.ts";
import { WasmError } from "./errors.ts";
import * as aios from "./interface.ts";
import { type FunctionType, functionType, KIND_FUNCTION, type WasmModule } from "./model.ts";
import { PAGE_BYTES, type Pages, WASM_PAGE_BYTES } from "./pages.ts";
import { readModule } from "./read.ts";
import { splitFunctions } from "./split.ts";
import { writeMetered } from "./write.ts";

export interface PreparedImport {
  readonly module: string;
  readonly name: string;
  readonly type: FunctionType;
}

export interface Prepared {
  /** What the engine runs. */
  readonly code: Uint8Array;
  readonly imports: readonly PreparedImport[];
  /** Functions that it exports, by name. */
  readonly exports: ReadonlyMap<string, FunctionType>;
  readonly hasStart: boolean;
  /** Mutable globals, which are part of the state. */
  readonly globals: readonly number[];
  /** What they are at birth; none: what the code says. */
  readonly values: readonly (number | bigint)[];
  /** Pages of 64 KiB: at birth, and at most. */
  readonly initial: number;
  readonly maximum: number;
  /** The memory at birth. */
  readonly birth: Pages;
  /** How deep it may call, in bytes of the host's stack as calls.ts estimates them. */
  readonly stackBytes: number;
}

/** Asyncify's own work, and what undoes the worst that it does to code. */
const OPTIMIZE_LEVEL = 2;
/** The slow code of a function has one caller, and must not become part of it. */
const ONE_CALLER_INLINE_MAX = 0;

export interface Stack {
  readonly stackBytes?: number;
}

/** @throws WasmError */
export async function prepare(bytes: Uint8Array, stack: Stack = {}): Promise<Prepared> {
  const { stackBytes = aios.STACK_BYTES_DEFAULT } = stack;
  const module = readModule(bytes);
  checkBodies(module);
  const birth = memoryAtBirth(module);
  const metered = writeMetered(module);
  const code = await makeSuspendable(metered, module);
  const imports = asked(module).map(({ module: from, name, type }) => ({
    module: from,
    name,
    type: module.types[type] ?? { parameters: [], results: [] },
  }));
  const functions = module.exports.filter(({ kind }) => kind === KIND_FUNCTION);
  const { initial, maximum } = module.memory ?? { initial: 0, maximum: 0 };
  return {
    code,
    imports,
    exports: new Map(functions.map(({ name, index }) => [name, functionType(module, index)])),
    hasStart: module.start !== null,
    globals: module.globals.flatMap(({ mutable }, index) => (mutable ? [index] : [])),
    values: [],
    initial,
    maximum,
    birth,
    stackBytes,
  };
}

/** The imports for which the code is left. */
const asked = ({ imports }: WasmModule) => imports.filter((it) => !aios.tellsRoom(it));

function memoryAtBirth(module: WasmModule): Pages {
  const size = (module.memory?.initial ?? 0) * WASM_PAGE_BYTES;
  const pages = new Map<number, Uint8Array>();
  for (const [index, { offset, bytes }] of module.data.entries()) {
    if (offset === null) continue;
    if (offset + bytes.length > size)
      throw new WasmError(
        "wasm-data",
        null,
        `data segment ${index} ends at ${offset + bytes.length}; the memory has ${size} bytes`,
      );
    for (let done = 0; done < bytes.length; ) {
      const at = offset + done;
      const page = Math.floor(at / PAGE_BYTES);
      const room = PAGE_BYTES - (at % PAGE_BYTES);
      const part = bytes.subarray(done, done + room);
      const known = pages.get(page) ?? new Uint8Array(PAGE_BYTES);
      known.set(part, at % PAGE_BYTES);
      pages.set(page, known);
      done += part.length;
    }
  }
  return Array.from({ length: size / PAGE_BYTES }, (_, n) => pages.get(n) ?? null);
}

async function makeSuspendable(metered: Uint8Array, module: WasmModule): Promise<Uint8Array> {
  // A hundred megabytes of compiler: loaded when there is something to prepare.
  const { default: compiler } = await import("binaryen");
  const { Features } = compiler;
  const own = [aios.IMPORT_YIELD, aios.IMPORT_GROW].map((name) => `${aios.MODULE}.${name}`);
  const names = [...own, ...asked(module).map(({ module: from, name }) => `${from}.${name}`)];
  const features =
    Features.MutableGlobals |
    Features.SignExt |
    Features.NontrappingFPToInt |
    Features.BulkMemory |
    Features.BulkMemoryOpt |
    Features.SIMD128 |
    Features.ReferenceTypes |
    Features.Multivalue |
    Features.TailCall;
  const through = (bytes: Uint8Array, work: (it: binaryen.Module) => void): Uint8Array => {
    const it = compiler.readBinary(bytes);
    try {
      it.setFeatures(features);
      work(it);
      return it.emitBinary();
    } finally {
      it.dispose();
    }
  };
  compiler.setPassArgument("asyncify-imports", names.join(","));
  compiler.setOptimizeLevel(OPTIMIZE_LEVEL);
  compiler.setShrinkLevel(0);
  compiler.setOneCallerInlineMaxSize(ONE_CALLER_INLINE_MAX);
  const suspendable = through(metered, (it) => it.runPasses(["asyncify"]));
  return through(splitFunctions(suspendable), (it) => it.optimize());
}
