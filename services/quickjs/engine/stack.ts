/**
 * Makes the engine's checks of its stack hold for the agent's as well.
 *
 * The engine compares its stack pointer with a limit wherever it may call itself. Behind WebAssembly that is
 * only half of the stack: frames of the code itself are the host's, and the agent's share of them is what
 * runs out first. So each of the checks takes the limit from the driver, which gives one that nothing can
 * hold when the agent has little left.
 */
import { Body } from "../../wasm/module/body.ts";
import { Reader, Writer } from "../../wasm/module/bytes.ts";
import { SECTION_CODE, type WasmModule } from "../../wasm/module/model.ts";
import { OP_CALL, OP_I32_ADD, OP_I32_CONST, OP_I32_LOAD } from "../../wasm/module/operators.ts";
import { readModule } from "../../wasm/module/read.ts";
import { STACK_LIMIT_AT } from "../guest/operations.ts";

/** The driver's function: takes a runtime, gives its limit. */
export const LIMIT_EXPORT = "stack_limit";
/** Functions of quickjs-wasi 3.6.2 that check: another number means another engine, with other structures. */
const CHECKS = 22;
const HEADER_BYTES = 8;

/** The linked module with a call of the driver in place of each load of a runtime's stack limit. */
export function guardStack(linked: Uint8Array): Uint8Array {
  const module = readModule(linked);
  const limit = module.exports.find(({ name }) => name === LIMIT_EXPORT)?.index;
  if (limit === undefined) throw new Error(`the driver exports no ${LIMIT_EXPORT}`);
  const bodies = new Writer(linked.length).u32(module.bodies.length);
  let checks = 0;
  for (const n of module.bodies.keys()) {
    const index = module.imports.length + n;
    const loads = index === limit ? [] : limitLoads(module, index);
    checks += loads.length;
    bodies.vector(withCalls(module, n, loads, limit));
  }
  if (checks !== CHECKS)
    throw new Error(`the engine has ${checks} checks of its stack, not ${CHECKS}`);
  return withCode(linked, bodies.bytes);
}

interface Load {
  readonly at: number;
  readonly end: number;
}

/** From where to where a runtime's address becomes its limit: by the load's own offset, or by one that is added. */
function limitLoads(module: WasmModule, index: number): Load[] {
  const body = new Body(module, index);
  const found: Load[] = [];
  /** Where the limit's offset has been put on the operand stack, and added. */
  let put = -1;
  let added = -1;
  while (body.next()) {
    const { opcode, at } = body;
    const sum = added;
    added = opcode === OP_I32_ADD ? put : -1;
    put = opcode === OP_I32_CONST && body.index() === STACK_LIMIT_AT ? at : -1;
    if (opcode !== OP_I32_LOAD) continue;
    const offset = offsetOf(body);
    if (offset === STACK_LIMIT_AT) found.push({ at, end: body.reader.at });
    else if (offset === 0 && sum >= 0) found.push({ at: sum, end: body.reader.at });
  }
  return found;
}

function offsetOf({ reader, immediates }: Body): number {
  const of = new Reader(reader.bytes, immediates);
  of.u32();
  return of.u32();
}

function withCalls(
  module: WasmModule,
  n: number,
  loads: readonly Load[],
  limit: number,
): Uint8Array {
  const { at, end } = module.bodies[n] ?? { at: 0, end: 0 };
  const out = new Writer(end - at);
  let from = at;
  for (const load of loads) {
    out.raw(module.bytes.subarray(from, load.at)).byte(OP_CALL).u32(limit);
    from = load.end;
  }
  return out.raw(module.bytes.subarray(from, end)).bytes;
}

/** A module with another code section. */
function withCode(bytes: Uint8Array, code: Uint8Array): Uint8Array {
  const out = new Writer(bytes.length).raw(bytes.subarray(0, HEADER_BYTES));
  for (const reader = new Reader(bytes, HEADER_BYTES); !reader.done; ) {
    const id = reader.byte();
    const contents = reader.slice(reader.u32());
    out.byte(id).vector(id === SECTION_CODE ? code : contents);
  }
  return out.bytes;
}
