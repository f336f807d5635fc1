/**
 * Frees code from most of what asyncify costs.
 *
 * Asyncify lets a function's frame be saved and restored. Its code asks at every step whether it is being
 * restored; so a call costs twice what it did. But a function that is called while nothing is being
 * restored will not be restored in this call: if it is left, another call restores it. Therefore each
 * function is written twice:
 *
 *     f        if (state = rewinding) return f'(...)
 *              the code for the state "normal": it only looks, after a call, whether it is to be left
 *     f'       the code as asyncify has made it
 *
 * Both save the same frames. What has been restored goes on in f' until it returns; all that it calls is
 * fast again.
 */
import { Reader, Writer } from "./bytes.ts";
import { WasmError } from "./errors.ts";
import {
  KIND_FUNCTION,
  KIND_MEMORY,
  SECTION_CODE,
  SECTION_EXPORT,
  SECTION_FUNCTION,
  SECTION_IMPORT,
  SECTION_TYPE,
} from "./model.ts";
import * as op from "./operators.ts";

const HEADER_BYTES = 8;
const VOID = 0x40;
/** Asyncify's states (Binaryen's Asyncify.cpp). */
const STATE_NORMAL = 0;
const STATE_UNWINDING = 1;
const STATE_REWINDING = 2;
/** Its function that tells the state: `global.get`, and nothing else. */
const EXPORT_STATE = "asyncify_get_state";

/** A module as sections. */
interface Sections {
  readonly contents: readonly { readonly id: number; readonly bytes: Uint8Array }[];
  /** Parameters of each type. */
  readonly parameters: readonly number[];
  /** Functions that are imported; they come before the defined ones. */
  readonly imported: number;
  /** Types of the defined functions, and their bodies. */
  readonly functions: readonly number[];
  readonly bodies: readonly Uint8Array[];
  readonly stateFunction: number;
}

/** @param bytes what asyncify has made, before anything else has been done to it */
export function splitFunctions(bytes: Uint8Array): Uint8Array {
  const sections = readSections(bytes);
  const { bodies, functions, imported, parameters } = sections;
  const state = stateGlobal(bodies[sections.stateFunction - imported]);
  const written = [...bodies];
  const types = [...functions];
  for (const [n, body] of bodies.entries()) {
    const normal = normalCode(body, state);
    if (normal === null) continue;
    const type = functions[n] ?? 0;
    const slow = imported + written.push(body) - 1;
    types.push(type);
    written[n] = dispatching(normal, state, slow, parameters[type] ?? 0);
  }
  return writeSections(sections, types, written);
}

/** A body's declarations of variables, and its code. */
interface Code {
  readonly variables: Uint8Array;
  readonly operators: Uint8Array;
}

/** The code for the state "normal"; null for a function whose frame is never restored. */
function normalCode(body: Uint8Array, state: number): Code | null {
  const reader = new Reader(body);
  skipVariables(reader);
  const begin = reader.at;
  const out = new Writer(body.length);
  let restores = false;
  while (!reader.done) {
    const at = reader.at;
    const opcode = op.readOperator(reader);
    const immediates = reader.at;
    op.skipImmediates(reader, opcode);
    const looks = opcode === op.OP_GLOBAL_GET && new Reader(body, immediates).u32() === state;
    const wanted = looks ? comparedWith(body, reader.at) : null;
    restores ||= wanted === STATE_REWINDING;
    if (looks && wanted !== STATE_UNWINDING) out.byte(op.OP_I32_CONST).signed(STATE_NORMAL);
    else out.raw(body.subarray(at, reader.at));
  }
  return restores ? { variables: body.subarray(0, begin), operators: out.bytes } : null;
}

/** The constant that what is on the operand stack is compared with; null if it isn't. */
function comparedWith(body: Uint8Array, at: number): number | null {
  const reader = new Reader(body, at);
  if (reader.byte() !== op.OP_I32_CONST) return null;
  const constant = reader.s33();
  return reader.byte() === op.OP_I32_EQ ? constant : null;
}

/** Code that hands its parameters over when it is to be restored. */
function dispatching(
  { variables, operators }: Code,
  state: number,
  slow: number,
  parameters: number,
): Uint8Array {
  const out = new Writer(variables.length + operators.length).raw(variables);
  out.byte(op.OP_GLOBAL_GET).u32(state);
  out.byte(op.OP_I32_CONST).signed(STATE_REWINDING).byte(op.OP_I32_EQ);
  out.byte(op.OP_IF).byte(VOID);
  for (let n = 0; n < parameters; n++) out.byte(op.OP_LOCAL_GET).u32(n);
  // In place of its frame: a stack that is restored takes no more than it did.
  out.byte(op.OP_RETURN_CALL).u32(slow).byte(op.OP_END);
  return out.raw(operators).bytes;
}

function stateGlobal(body: Uint8Array | undefined): number {
  const reader = new Reader(body ?? new Uint8Array());
  skipVariables(reader);
  if (reader.byte() !== op.OP_GLOBAL_GET)
    throw new WasmError("wasm-invalid", null, "asyncify's state isn't where it was");
  return reader.u32();
}

function skipVariables(reader: Reader): void {
  const runs = reader.u32();
  for (let n = 0; n < runs; n++) {
    reader.u32();
    reader.byte();
  }
}

function readSections(bytes: Uint8Array): Sections {
  const contents: { id: number; bytes: Uint8Array }[] = [];
  for (const reader = new Reader(bytes, HEADER_BYTES); !reader.done; ) {
    const id = reader.byte();
    contents.push({ id, bytes: reader.slice(reader.u32()) });
  }
  const section = (wanted: number) =>
    new Reader(contents.find(({ id }) => id === wanted)?.bytes ?? Uint8Array.of(0));
  const exported = list(section(SECTION_EXPORT), (from) => {
    const [name, kind, index] = [from.text(), from.byte(), from.u32()];
    return { name, kind, index };
  });
  const told = exported.find(({ name, kind }) => kind === KIND_FUNCTION && name === EXPORT_STATE);
  return {
    contents,
    parameters: list(section(SECTION_TYPE), (from) => {
      from.byte();
      const parameters = list(from, (it) => it.byte()).length;
      list(from, (it) => it.byte());
      return parameters;
    }),
    imported: list(section(SECTION_IMPORT), importKind).filter((kind) => kind === KIND_FUNCTION)
      .length,
    functions: list(section(SECTION_FUNCTION), (from) => from.u32()),
    bodies: list(section(SECTION_CODE), (from) => from.slice(from.u32())),
    stateFunction: told?.index ?? -1,
  };
}

function list<T>(from: Reader, one: (from: Reader) => T): T[] {
  return Array.from({ length: from.u32() }, () => one(from));
}

/** Of an import: metered code has functions, and its memory without a maximum. */
function importKind(from: Reader): number {
  from.text();
  from.text();
  const kind = from.byte();
  from.u32();
  if (kind === KIND_MEMORY) from.u32();
  return kind;
}

function writeSections(
  { contents }: Sections,
  types: readonly number[],
  bodies: readonly Uint8Array[],
): Uint8Array {
  const functions = new Writer().u32(types.length);
  for (const type of types) functions.u32(type);
  const code = new Writer().u32(bodies.length);
  for (const body of bodies) code.vector(body);
  const changed = new Map([
    [SECTION_FUNCTION, functions.bytes],
    [SECTION_CODE, code.bytes],
  ]);
  const out = new Writer().raw([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
  for (const { id, bytes } of contents) out.byte(id).vector(changed.get(id) ?? bytes);
  return out.bytes;
}
