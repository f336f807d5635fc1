/**
 * Micro-ops that often come one behind the other, as one case of the interpreter: so much less is
 * dispatched. A sequence has the number of its own in its first micro-op; the others stay as they are
 * behind it. So the place of a fault, and what is done slowly, is that of a micro-op as ever.
 *
 * Which: the most frequent ones of Debian's boot and of the kernels in bench/cpu, and their families.
 */
import { type MicroOp, SLOWLY } from "./micro-ops.ts";
import { isRare } from "./rare.ts";

/** Each line: alternatives of a first micro-op, of a second, … */
const LINES = `
ADD_RI_64_SILENT | CMP_RR_64_JNZ CMP_RR_64_JZ CMP_RR_64_JB CMP_RI_64_JNZ
ADD_RR_64_SILENT | CMP_RR_64_JB CMP_RR_64_JNZ
ADD_RI_32_SILENT | CMP_RR_32_JNZ
SUB_RI_64_SILENT | CMP_RR_32_JB
LOAD_B_8 | CMP_RI_8_JNZ TEST_RI_8_JNZ TEST_RI_8_JZ
LOAD_B_ZX8 | TEST_RR_8_JZ TEST_RR_8_JNS
LOAD_B_32 | CMP_RR_32_JB CMP_RR_32_JBE TEST_RR_32_JZ TEST_RR_32_JNZ
LOAD_B_64 | SUB_RI_32_JNZ TEST_RR_64_JZ TEST_RR_64_JNZ CMP_RR_64_JNZ
STORE_I_8 | ADD_RR_64_SILENT | CMP_RR_64_JB
STORE_I_8 | ADD_RI_64_SILENT | CMP_RR_64_JZ CMP_RR_64_JNZ
LOAD_X_64 | STORE_B_64 | ADD_RI_64_SILENT | CMP_RI_64_JNZ
LOAD_B_ZX8 | ADD_RI_64_SILENT
XOR_RR_32_SILENT | SHR_I_32
ZX8 | LOAD_X_32 NEXT
LOAD_X_32 | XOR_RR_32_SILENT LOAD_X_64
XOR_RR_32_SILENT | CMP_RR_64_JNZ MOV_32
MOV_32 | SHL_I_32_SILENT SHR_I_32_SILENT
LOAD_X_64 | JUMP_R
MOV_32 | LEA_32 | LOAD_X_32
V_PUNPCKLQDQ | V_LOAD_ALIGNED
V_LOAD_64 | ADD_RI_64_SILENT
STORE_B_32 | JUMP ADD_RI_64
STORE_B_64 | ADD_RI_64
ADD_RI_64 | STORE_B_64
MOV_64 | MOV_64 CALL PUSH LOAD_B_64 ADD_RR_64_SILENT MOV_32 IMUL_RR_64_SILENT
MOV_32 | SHR_I_64_SILENT
SHR_I_64_SILENT | ADD_RR_64_SILENT MOV_64
IMUL_RR_64_SILENT | IMUL_RR_64_SILENT MOV_64
CMP_RR_64 | MOV_64 SETB
ADD_RR_64_SILENT | CMP_RR_64 ADD_RR_64_SILENT SHL_I_64_SILENT MOV_64
SX32_64 | SUB_RR_64
LEA_64 | MOV_64
LOAD_X_64 | LEA_64
ADC_RR_64 | STORE_B_64
ADD_RR_64 | ADD_RI_32_JNZ
POP | POP
PUSH | MOV_64 PUSH
`;

/** All of a line's sequences, and what they begin with, so that the longest is found step by step. */
function sequencesOf(line: string): string[][] {
  let sequences: string[][] = [[]];
  const all: string[][] = [];
  for (const part of line.split("|")) {
    const names = part.trim().split(/\s+/);
    sequences = sequences.flatMap((one) => names.map((name) => [...one, name]));
    if (sequences[0] !== undefined && sequences[0].length > 1) all.push(...sequences);
  }
  return all;
}

export interface Sequence extends MicroOp {
  /** Names of what is extended by `last` to this one. */
  readonly before: string;
  readonly last: string;
  /** The micro-op that it begins with. */
  readonly first: string;
}

/** The micro-op's code `n` places behind `ip`, in a scope of its own. */
function codeAt({ code }: MicroOp, n: number): string {
  const moved = code
    .replace(/\(ip, (\d+)\)/g, (_, at) => `(ip, ${Number(at) + n * 16})`)
    .replace(/\bip, left/g, n === 0 ? "ip, left" : `ip + ${n * 16}, left`);
  return `{
          ${moved.replaceAll("\n", "\n  ")}
        }`;
}

/** @param simple micro-ops that are no sequences */
export function sequences(simple: readonly MicroOp[]): Sequence[] {
  const named = new Map(simple.map((one) => [one.name, one]));
  const found = new Map<string, Sequence>();
  for (const line of LINES.split("\n").filter((text) => text.trim() !== ""))
    for (const names of sequencesOf(line)) {
      const name = names.join("__");
      const parts = names.map((part) => {
        const one = named.get(part);
        if (one === undefined) throw new Error(`sequences: no micro-op ${part}`);
        return one;
      });
      if (
        parts.some(
          (part, n) =>
            isRare(part) || part.code === SLOWLY || (part.branches && n < parts.length - 1),
        )
      )
        throw new Error(`sequences: ${name} goes on behind its end`);
      found.set(name, {
        name,
        code: parts.map(codeAt).join(" "),
        branches: parts.at(-1)?.branches === true,
        count: parts.length,
        before: names.slice(0, -1).join("__"),
        last: names.at(-1) ?? "",
        first: names[0] ?? "",
      });
    }
  return [...found.values()];
}
