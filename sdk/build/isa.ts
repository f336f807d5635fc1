/**
 * Makes the decoder's tables and the numbers of the operations from the description of the
 * instruction set (sim/spec/isa).
 *
 *   tsx sdk/build/isa.ts
 */
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as C from "../../sim/spec/isa/conditions.ts";
import { FORMS } from "../../sim/spec/isa/forms.ts";
import type { Form } from "../../sim/spec/isa/notation.ts";
import * as O from "../../sim/spec/isa/operands.ts";

const ROOT = new URL("../../", import.meta.url);
const path = (file: string) => fileURLToPath(new URL(file, ROOT));
const HEADER = "// Generated from sim/spec/isa by sdk/build/isa.ts. Do not edit.\n";
/** Bytes of a form in the table; sim/core/decode/forms.ts says what they are. */
const FORM_BYTES = 16;
const OPERANDS_MAX = 4;
/** Opcode maps have 256 opcodes each. */
const OPCODES = 256;

/** Names of the operations, in order of first appearance; operation 0 is none. */
export function operations(forms: readonly Form[] = FORMS): readonly string[] {
  return ["NONE", ...new Set(forms.map(({ operation }) => operation))];
}

/** Source text of sim/spec/isa/operations.generated.ts. */
export function operationsModule(forms: readonly Form[] = FORMS): string {
  const lines = operations(forms).map((name, number) => `export const OP_${name} = ${number};\n`);
  return `${HEADER}${lines.join("")}`;
}

const TAIL_KINDS = new Set([O.KIND_I, O.KIND_J, O.KIND_A, O.KIND_O]);
const FEW_REGISTERS_KINDS = new Set([
  ...[O.KIND_S, O.KIND_C, O.KIND_D],
  ...[O.KIND_P, O.KIND_Q, O.KIND_N, O.KIND_STI],
]);

/** Flags that follow from the operands. */
function operandFlags({ operands }: Form): number {
  const any = (kinds: ReadonlySet<number>) => operands.some(({ kind }) => kinds.has(kind));
  return (
    (any(TAIL_KINDS) ? C.FORM_TAIL : 0) | (any(FEW_REGISTERS_KINDS) ? C.FORM_FEW_REGISTERS : 0)
  );
}

/** Operands that say nothing about the width of the operation, by kind and by type. */
const SILENT_KINDS = new Set([
  ...[O.KIND_I, O.KIND_J, O.KIND_A, O.KIND_S],
  ...[O.KIND_DX, O.KIND_CL, O.KIND_ONE],
]);
const SILENT_SIZES = new Set([
  ...[O.SIZE_P, O.SIZE_A, O.SIZE_S, O.SIZE_E, O.SIZE_ST],
  ...[O.SIZE_FX, O.SIZE_XS, O.SIZE_ADDRESS],
]);

/** Which operand has the width of the operation (Instruction.operandBytes). */
function widthOf({ operands, text }: Form): number {
  const telling = operands.findIndex(
    ({ kind, size }) => !SILENT_KINDS.has(kind) && !SILENT_SIZES.has(size),
  );
  if (telling > 1) throw new Error(`${text}: its third operand is its first of a width`);
  return [C.WIDTH_OF_OPERAND_SIZE, C.WIDTH_OF_FIRST, C.WIDTH_OF_SECOND][telling + 1] ?? 0;
}

function formBytes(form: Form, operation: number): number[] {
  const kinds = Array.from({ length: OPERANDS_MAX }, (_, n) => form.operands[n]?.kind ?? 0);
  const sizes = Array.from({ length: OPERANDS_MAX }, (_, n) => form.operands[n]?.size ?? 0);
  const words = [operation, form.flags | operandFlags(form)].flatMap((word) => [
    word & 0xff,
    word >> 8,
  ]);
  return [
    ...words,
    form.prefix,
    form.modrmMask,
    form.modrmValue,
    widthOf(form),
    ...kinds,
    ...sizes,
  ];
}

/** For each opcode, the forms that it may be, in the order of the description. */
export function candidates(forms: readonly Form[] = FORMS): readonly (readonly number[])[] {
  const lists: number[][] = Array.from({ length: C.OPCODE_MAPS * OPCODES }, () => []);
  forms.forEach((form, index) => {
    const first = form.map * OPCODES + form.opcode;
    for (let more = 0; more < form.opcodes; more++) lists[first + more]?.push(index);
  });
  return lists;
}

/** Source text of sim/core/decode/tables.generated.ts. */
export function tablesModule(forms: readonly Form[] = FORMS): string {
  const numbers = new Map(operations(forms).map((name, number) => [name, number]));
  const lists = candidates(forms);
  const heads = [0];
  for (const list of lists) heads.push((heads.at(-1) ?? 0) + list.length);
  const rows = forms.map((form) => formBytes(form, numbers.get(form.operation) ?? 0));
  if (rows.some((row) => row.length !== FORM_BYTES)) throw new Error("a form has another size");
  return [
    HEADER,
    `export const FORM_COUNT: u32 = ${forms.length};\n`,
    `export const FORMS: usize = ${memoryData("u8", rows.flat())};\n`,
    `export const HEADS: usize = ${memoryData("u16", heads)};\n`,
    `export const CANDIDATES: usize = ${memoryData("u16", lists.flat())};\n`,
  ].join("");
}

function memoryData(type: string, values: readonly number[]): string {
  const lines: string[] = [];
  for (let at = 0; at < values.length; at += 24) lines.push(values.slice(at, at + 24).join(","));
  return `memory.data<${type}>([\n${lines.join(",\n")},\n])`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(path("sim/spec/isa/operations.generated.ts"), operationsModule());
  writeFileSync(path("sim/core/decode/tables.generated.ts"), tablesModule());
}
