/** A function's variables, and where they are while its code goes over from one form to the other. */
import { Reader, type Writer } from "./bytes.ts";
import { type FunctionType, VALUE_F32, VALUE_F64, VALUE_I32, VALUE_I64 } from "./model.ts";
import * as op from "./operators.ts";
import type { Sections } from "./sections.ts";

/** In front of the frames (instance.ts). */
const FRAMES_AT = 16;
const SLOT_BYTES = 8;
/**
 * Where a function can be entered at a loop, all its variables may come from there, and the engine keeps them
 * from its beginning on. With some more than these it loses by that: the loop of an interpreter in C, with more
 * than a hundred, took twice as long.
 */
const VARIABLES_MAX = 32;

/** memory.fill 0 (WebAssembly 2.0, 5.4.6). */
const MEMORY_FILL = [0xfc, 0x0b, 0x00];
/** The constant 0 of a type. */
const ZEROES = new Map([
  [VALUE_I32, [op.OP_I32_CONST, 0]],
  [VALUE_I64, [op.OP_I64_CONST, 0]],
  [VALUE_F32, [op.OP_F32_CONST, ...Array(4).fill(0)]],
  [VALUE_F64, [op.OP_F64_CONST, ...Array(8).fill(0)]],
]);
/** How a type is stored and loaded. */
const ACCESS = new Map([
  [VALUE_I32, { store: op.OP_I32_STORE, load: op.OP_I32_LOAD }],
  [VALUE_I64, { store: op.OP_I64_STORE, load: op.OP_I64_LOAD }],
  [VALUE_F32, { store: op.OP_F32_STORE, load: op.OP_F32_LOAD }],
  [VALUE_F64, { store: op.OP_F64_STORE, load: op.OP_F64_LOAD }],
]);

export function functionTypeOf(sections: Sections, index: number): FunctionType {
  const { imported, functions, types } = sections;
  const type = imported[index] ?? functions[index - imported.length] ?? -1;
  return types[type] ?? { parameters: [], results: [] };
}

export class Slots {
  /** Types of all variables. */
  private readonly types: number[];
  private readonly runs: Uint8Array;
  private readonly count: number;
  /** They are few, and each can be stored. */
  readonly storable: boolean;

  constructor(body: Uint8Array, parameters: readonly number[]) {
    const reader = new Reader(body);
    this.count = reader.u32();
    const begin = reader.at;
    this.types = [...parameters];
    for (let n = 0; n < this.count; n++) {
      const length = reader.u32();
      const type = reader.byte();
      for (let k = 0; k < length; k++) this.types.push(type);
    }
    this.runs = body.subarray(begin, reader.at);
    this.storable =
      this.types.length <= VARIABLES_MAX && this.types.every((type) => ACCESS.has(type));
  }

  /** The variable that says where the function is entered: one more. 0: at its beginning. */
  get entry(): number {
    return this.types.length;
  }

  declare(out: Writer, entered: boolean): void {
    out.u32(this.count + (entered ? 1 : 0)).raw(this.runs);
    if (entered) out.u32(1).byte(VALUE_I32);
  }

  /** @param frames the global that has the frames' place */
  save(out: Writer, frames: number, entry: number): void {
    for (const [n, type] of this.types.entries()) {
      out.byte(op.OP_GLOBAL_GET).u32(frames).byte(op.OP_LOCAL_GET).u32(n);
      out.byte(ACCESS.get(type)?.store ?? op.OP_UNREACHABLE);
      this.place(out, n);
    }
    out.byte(op.OP_GLOBAL_GET).u32(frames).byte(op.OP_I32_CONST).signed(entry);
    out.byte(op.OP_I32_STORE);
    this.place(out, this.entry);
  }

  /** Leaves zeroes there. */
  restore(out: Writer, frames: number): void {
    for (const [n, type] of [...this.types, VALUE_I32].entries()) {
      out.byte(op.OP_GLOBAL_GET).u32(frames);
      out.byte(ACCESS.get(type)?.load ?? op.OP_UNREACHABLE);
      this.place(out, n);
      out.byte(op.OP_LOCAL_SET).u32(n);
    }
    out.byte(op.OP_GLOBAL_GET).u32(frames);
    out.byte(op.OP_I32_CONST).signed(FRAMES_AT).byte(op.OP_I32_ADD);
    out.byte(op.OP_I32_CONST).signed(0);
    out.byte(op.OP_I32_CONST).signed((this.entry + 1) * SLOT_BYTES);
    out.raw(MEMORY_FILL);
  }

  /** Sets a variable to 0, if that is a number of its type. */
  clear(out: Writer, n: number): void {
    const zero = ZEROES.get(this.types[n] ?? 0);
    if (zero) out.raw(zero).byte(op.OP_LOCAL_SET).u32(n);
  }

  /** How many there are. */
  get variables(): number {
    return this.types.length;
  }

  private place(out: Writer, n: number): void {
    out.u32(0).u32(FRAMES_AT + n * SLOT_BYTES);
  }
}
