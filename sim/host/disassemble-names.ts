/** Names of instructions in objdump's Intel syntax, where they aren't the description's. */
import type { Form } from "../spec/isa/notation.ts";
import * as O from "../spec/isa/operands.ts";
import { CODE_16, CODE_64 } from "./decoder.ts";
import type { Instruction } from "./views.generated.ts";

const REX_W = 8;
const CONDITIONS = [
  "o",
  "no",
  "b",
  "ae",
  "e",
  "ne",
  "be",
  "a",
  "s",
  "ns",
  "p",
  "np",
  "l",
  "ge",
  "le",
  "g",
];

/** Memory operands that are written without a size. */
export const WITHOUT_SIZE: ReadonlySet<string> = new Set([
  "LEA",
  "SGDT",
  "SIDT",
  "LGDT",
  "LIDT",
  "FXSAVE",
  "FXRSTOR",
  "FLDENV",
  "FNSTENV",
  "FRSTOR",
  "FNSAVE",
  "XSAVE",
  "XRSTOR",
  "XSAVEOPT",
  "XSAVEC",
  "XSAVES",
  "XRSTORS",
  "LDDQU",
  "INVPCID",
]);

/** The name that fits the operand size, or for JCXZ the address size. */
export function mnemonicOf(instruction: Instruction, form: Form, mode: number): string {
  const { opcode } = instruction;
  const [first = "", ...more] = form.mnemonics;
  if (first.endsWith("cc")) return first.slice(0, -2).toLowerCase() + CONDITIONS[opcode & 15];
  const special =
    SPECIAL[form.operation]?.(instruction, form, mode) ?? predicateName(instruction, form);
  if (special !== undefined) return special;
  if (more.length === 0) return first.toLowerCase();
  const bytes = form.operation === "JCXZ" ? instruction.addressBytes : instruction.operandBytes;
  return (form.mnemonics[bytes === 2 ? 0 : bytes === 4 ? 1 : 2] ?? first).toLowerCase();
}

type Namer = (instruction: Instruction, form: Form, mode: number) => string | undefined;

/** Predicates of CMPPS and its like, and halves of PCLMULQDQ: part of the name, not an operand. */
const PREDICATES = ["eq", "lt", "le", "unord", "neq", "nlt", "nle", "ord"];
const HALVES: Readonly<Record<number, string>> = { 0: "lql", 1: "hql", 16: "lqh", 17: "hqh" };

/** Whether the name says what the immediate would. */
export function namesImmediate(instruction: Instruction, form: Form): boolean {
  return predicateName(instruction, form) !== undefined;
}

function predicateName({ immediate }: Instruction, { operation }: Form): string | undefined {
  const half = HALVES[Number(immediate)];
  if (operation === "PCLMULQDQ") return half && `pclmul${half}qdq`;
  const predicate = PREDICATES[Number(immediate)];
  const type = /^CMP([PS][SD])$/.exec(operation)?.[1];
  return predicate && type && `cmp${predicate}${type.toLowerCase()}`;
}

type Usual = (mode: number) => number;
const usualBytes: Usual = (mode) => (mode === CODE_16 ? 2 : 4);
/** Where 64 bits are the default, or the only size, in 64-bit mode. */
const usualStackBytes: Usual = (mode) => (mode === CODE_64 ? 8 : usualBytes(mode));

/** The suffix that objdump adds when the operand size isn't the mode's. */
const sized =
  (name: string, usual: Usual): Namer =>
  ({ operandBytes }, _, mode) => {
    if (operandBytes === usual(mode)) return name;
    return `${name}${operandBytes === 2 ? "w" : operandBytes === 4 ? "d" : "q"}`;
  };

/** The same for operations that show their size otherwise, but in some forms. */
const sizedIf =
  (name: string, usual: Usual, codes: readonly string[]): Namer =>
  (instruction, form, mode) =>
    codes.includes(form.operands[0]?.code ?? "")
      ? sized(name, usual)(instruction, form, mode)
      : undefined;

/** x87 environments know two sizes. */
const environmentName: Namer = ({ operandBytes }, form, mode) => {
  const name = form.operation.toLowerCase();
  if ((operandBytes === 2) === (mode === CODE_16)) return name;
  return `${name}${operandBytes === 2 ? "w" : "d"}`;
};

/** LGDTW and the like outside of 64-bit mode. */
const tableName: Namer = ({ operandBytes }, form, mode) => {
  const suffix = mode === CODE_64 ? "" : operandBytes === 2 ? "w" : "d";
  return form.operation.toLowerCase() + suffix;
};

/** FXSAVE64 and the like: with REX.W. */
const wideName: Namer = ({ rex }, form) =>
  `${form.operation.toLowerCase()}${(rex & REX_W) !== 0 ? "64" : ""}`;

const SPECIAL: Readonly<Record<string, Namer>> = {
  RETF: sized("retf", usualBytes),
  IRET: sized("iret", usualBytes),
  RET: sized("ret", usualStackBytes),
  PUSHF: sized("pushf", usualStackBytes),
  POPF: sized("popf", usualStackBytes),
  PUSHA: sized("pusha", usualBytes),
  POPA: sized("popa", usualBytes),
  PUSH_SEGMENT: sized("push", usualStackBytes),
  POP_SEGMENT: sized("pop", usualStackBytes),
  ENTER: sized("enter", usualStackBytes),
  LEAVE: sized("leave", usualStackBytes),
  PUSH: sizedIf("push", usualStackBytes, ["Iz", "Ibs"]),
  CALL: sizedIf("call", usualStackBytes, ["Jz"]),
  JMP: sizedIf("jmp", usualStackBytes, ["Jz"]),
  FLDENV: environmentName,
  FNSTENV: environmentName,
  FRSTOR: environmentName,
  FNSAVE: environmentName,
  FXSAVE: wideName,
  FXRSTOR: wideName,
  XSAVE: wideName,
  XRSTOR: wideName,
  XSAVEOPT: wideName,
  XSAVEC: wideName,
  XSAVES: wideName,
  XRSTORS: wideName,
  SGDT: tableName,
  SIDT: tableName,
  LGDT: tableName,
  LIDT: tableName,
  SYSEXIT: ({ rex }, _, mode) =>
    mode === CODE_64 ? ((rex & REX_W) !== 0 ? "sysexitq" : "sysexitd") : "sysexit",
  SYSRET: ({ rex }) => ((rex & REX_W) !== 0 ? "sysretq" : "sysretd"),
  // An offset or immediate of eight bytes.
  MOV: ({ operandBytes, addressBytes }, form) => {
    const kinds = form.operands.map(({ kind }) => kind);
    const offset = kinds.includes(O.KIND_O) && addressBytes === 8;
    const immediate = kinds[0] === O.KIND_Z && operandBytes === 8;
    return offset || immediate ? "movabs" : "mov";
  },
};
