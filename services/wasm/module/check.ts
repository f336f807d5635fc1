/** What an agent's code may not have though WebAssembly allows it, found without running or compiling anything. */
import { Body } from "./body.ts";
import { Reader } from "./bytes.ts";
import { WasmError } from "./errors.ts";
import {
  SECTION_CODE,
  VALUE_F32,
  VALUE_F64,
  VALUE_I32,
  VALUE_I64,
  VALUE_V128,
  type WasmModule,
} from "./model.ts";
import * as op from "./operators.ts";

/** Variables of all functions. Runs of them take no room in a file, and much of what prepares it. */
export const VARIABLES_MAX = 2_000_000;
/** Types of values: a reference in a frame couldn't be kept as bytes. */
const VALUES = new Set([VALUE_I32, VALUE_I64, VALUE_F32, VALUE_F64, VALUE_V128]);

export function checkValue(type: number, at: number): void {
  if (!VALUES.has(type))
    throw new WasmError("wasm-feature", at, "an agent's code can't have references as values");
}

/** Of bytes that nobody has validated: what isn't well-formed is left to the engine's own refusal. */
export function checkVariables(bytes: Uint8Array, first: number): void {
  let variables = 0;
  try {
    for (const body of bodiesOf(new Reader(bytes, first)))
      for (let runs = body.u32(); runs > 0; runs--) {
        variables += body.u32();
        body.byte();
      }
  } catch (error) {
    if (!(error instanceof WasmError)) throw error;
  }
  if (variables > VARIABLES_MAX)
    throw new WasmError(
      "wasm-too-large",
      null,
      `${variables} variables of functions; ${VARIABLES_MAX} at most`,
    );
}

function* bodiesOf(reader: Reader): Generator<Reader> {
  while (!reader.done) {
    const id = reader.byte();
    const contents = new Reader(reader.slice(reader.u32()));
    if (id !== SECTION_CODE) continue;
    for (let count = contents.u32(); count > 0; count--)
      yield new Reader(contents.slice(contents.u32()));
  }
}

/**
 * Reads all code, 25 ms a megabyte.
 * @throws WasmError wasm-feature, at the operator or at the function
 */
export function checkBodies(module: WasmModule): void {
  for (const [n, { at }] of module.bodies.entries()) {
    const body = new Body(module, module.imports.length + n);
    for (const { type } of body.locals) checkValue(type, at);
    while (body.next()) checkOperator(module, body);
  }
}

function checkOperator(module: WasmModule, body: Body): void {
  const { opcode, at } = body;
  if (op.REFERENCES.has(opcode)) checkValue(opcode, at);
  if (opcode !== op.OP_BLOCK && opcode !== op.OP_IF && opcode !== op.OP_LOOP) return;
  const { parameters, results } = body.blockType(module);
  for (const type of results) checkValue(type, at);
  if (opcode === op.OP_LOOP && parameters.length > 0)
    throw new WasmError("wasm-feature", at, "an agent's code can't have loops with parameters");
}
