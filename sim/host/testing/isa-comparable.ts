/** Instructions of which the real processor's answer is to be the machine's, and where their code lies. */
import { FLAG_CF, FLAGS_AFFECTED, undefinedFlags } from "../../spec/isa/flags.ts";
import * as O from "../../spec/isa/operands.ts";
import { CODE_16 } from "../decoder.ts";
import * as L from "./isa-cases.ts";
import { type Drawn, differsByProcessor, drawInstruction, type Random } from "./isa-draw.ts";
import type { Plan } from "./isa-plans.ts";
import { LOW_BASE } from "./isa-segments.ts";

const ATTEMPTS = 200;
/** INT 80h is a system call. */
const LINUX_CALL = 0x80n;
const ALL_FLAGS = 0x8d5;

/** Where code begins: in the middle of a page, or so that it goes on in the next one. */
export function placeCode(random: Random, record: Buffer, length: number, mode: number): number {
  const middle = L.CODE + 0x1000;
  const linear = random(4) === 0 ? middle - random(length) : L.CODE + 0x800 + random(64);
  const rip = linear - (mode === CODE_16 ? LOW_BASE : 0);
  record.writeBigUInt64LE(BigInt(rip), L.RIP_AT);
  record.writeUInt32LE(length, L.LENGTH_AT);
  return rip;
}

/**
 * An instruction of the plan's rows.
 * @param unknown FLAG_… that are undefined in front of it, which it doesn't read
 * @param steps how many there are; of several, most have no operand in memory
 */
export function drawComparable(
  random: Random,
  plan: Pick<Plan, "mode" | "forms">,
  unknown: number,
  steps: number,
): Drawn {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const memory = steps > 1 && random(3) > 0 ? { memory: false } : {};
    const { mode, forms } = plan;
    const drawn = drawInstruction(random, { mode, forms, ...memory });
    if (isComparable(drawn, steps > 1) && (flagsRead(drawn) & unknown) === 0) return drawn;
  }
  throw new Error("no comparable instruction");
}

/** Not where the manual leaves results undefined, or processors differ. */
function isComparable(drawn: Drawn, several: boolean): boolean {
  const { operation, operandBytes, form } = drawn;
  if (operation === "INT" && drawn.immediates[0] === LINUX_CALL) return false;
  if (differsByProcessor(drawn) !== null) return false;
  if (/^(BSWAP|SHLD|SHRD)$/.test(operation) && operandBytes === 2) return false;
  // Whether an immediate count leaves flags alone is known; one in CL isn't, behind other instructions.
  if (several && operation.startsWith("RC")) return false;
  return !(several && form.operands.some(({ kind }) => kind === O.KIND_CL));
}

const READS_CARRY = new Set("ADC SBB RCL RCR CMC SALC".split(" "));
const READS_ALL = new Set(
  "JCC SETCC CMOVCC LAHF PUSHF LOOPE LOOPNE DAA DAS AAA AAS INTO FCMOVCC".split(" "),
);

function flagsRead({ operation }: Drawn): number {
  if (READS_CARRY.has(operation)) return FLAG_CF;
  return READS_ALL.has(operation) || operation.startsWith("FCMOV") ? ALL_FLAGS : 0;
}

/** FLAG_… that are undefined behind an instruction, of which `before` are in front of it. */
export function undefinedAfter(drawn: Drawn, before: number): number {
  const affected = FLAGS_AFFECTED.get(drawn.operation);
  if (affected === undefined) return before;
  const counts = drawn.form.operands.some(({ kind }) => kind === O.KIND_I || kind === O.KIND_CL);
  const perhapsNothing = /^(SH|SA|RO|RC)/.test(drawn.operation) && counts;
  const defined = affected.modified | affected.cleared | affected.set;
  return (perhapsNothing ? before : before & ~defined) | drawn.undefinedFlags;
}

/** Of a single instruction the count in CL is known. */
export function exactlyUndefined(record: Buffer, steps: readonly L.Step[]): number {
  const drawn = steps[0]?.drawn;
  if (drawn === undefined) return 0;
  const byCl = drawn.form.operands.some(({ kind }) => kind === O.KIND_CL);
  const cl = record.readUInt8(L.REGISTERS_AT + 8);
  return byCl ? undefinedFlags(drawn.operation, drawn.operandBytes, cl) : drawn.undefinedFlags;
}
