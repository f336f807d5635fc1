/**
 * What instructions do to the status flags, from the "Flags Affected" sections of Intel SDM 2A-2C.
 * Operations that aren't here leave all six alone, or load them from an operand (POPF, IRET).
 */

export const FLAG_CF = 0x1;
export const FLAG_PF = 0x4;
export const FLAG_AF = 0x10;
export const FLAG_ZF = 0x40;
export const FLAG_SF = 0x80;
export const FLAG_OF = 0x800;

/** Masks over RFLAGS; no flag is in two of them. */
export interface FlagsAffected {
  /** Set by the result. */
  readonly modified: number;
  readonly cleared: number;
  readonly set: number;
  /** May have any value afterwards; what processors do is in the comments of the engine. */
  readonly undefined: number;
}

/** operations : flags by the result ; "0" cleared ; "1" set ; "?" undefined */
const TABLE = `
ADD ADC SUB SBB CMP NEG XADD CMPXCHG CMPS SCAS : OSZAPC
INC DEC : OSZAP
AND OR XOR TEST : SZP ; 0 OC ; ? A
MUL IMUL IMUL_WIDE : OC ; ? SZAP
DIV IDIV : ; ? OSZAPC
DAA DAS : SZAPC ; ? O
AAA AAS : AC ; ? OSZP
AAM AAD : SZP ; ? OAC
SHL SHR SAR : OSZPC ; ? A
ROL ROR RCL RCR : OC
SHLD SHRD : OSZPC ; ? A
BT BTS BTR BTC : C ; ? OSAP
BSF BSR : Z ; ? OSAPC
POPCNT : Z ; 0 OSAPC
RDRAND RDSEED : C ; 0 OSZAP
CMPXCHG8B CMPXCHG16B : Z
ARPL VERR VERW LAR LSL : Z
SAHF : SZAPC
CLC : ; 0 C
STC : ; 1 C
CMC : C
COMISS COMISD UCOMISS UCOMISD : ZPC ; 0 OSA
FCOMI FCOMIP FUCOMI FUCOMIP : ZPC ; 0 OSA
PTEST : ZC ; 0 OSAP
PCMPESTRM PCMPESTRI PCMPISTRM PCMPISTRI : OSZC ; 0 AP
`;

const LETTERS: Readonly<Record<string, number>> = {
  O: FLAG_OF,
  S: FLAG_SF,
  Z: FLAG_ZF,
  A: FLAG_AF,
  P: FLAG_PF,
  C: FLAG_CF,
};

const maskOf = (letters: string) =>
  [...letters].reduce((mask, letter) => mask | (LETTERS[letter] ?? 0), 0);

function parseTable(): Map<string, FlagsAffected> {
  const table = new Map<string, FlagsAffected>();
  for (const line of TABLE.split("\n").filter((text) => text !== "")) {
    const [names = "", effects = ""] = line.split(" : ");
    const part = (mark: RegExp) => maskOf(mark.exec(effects)?.[1] ?? "");
    const affected = {
      modified: part(/^([OSZAPC]+)/),
      cleared: part(/0 (\w+)/),
      set: part(/1 (\w+)/),
      undefined: part(/\? (\w+)/),
    };
    for (const name of names.split(" ")) table.set(name, affected);
  }
  return table;
}

export const FLAGS_AFFECTED: ReadonlyMap<string, FlagsAffected> = parseTable();

const SHIFTS = new Set(["SHL", "SHR", "SAR"]);
const DOUBLE_SHIFTS = new Set(["SHLD", "SHRD"]);
const ROTATES = new Set(["ROL", "ROR", "RCL", "RCR"]);

/**
 * Flags that are undefined after `operation`. For shifts and rotates `count` is the count as
 * written, before it is masked: a count of 0 changes no flag, OF is defined for 1 only, and CF of
 * SHL, SHR, SHLD and SHRD isn't when more bits go than there are.
 */
export function undefinedFlags(operation: string, operandBytes = 4, count = 1): number {
  const table = FLAGS_AFFECTED.get(operation)?.undefined ?? 0;
  const shift = SHIFTS.has(operation);
  const double = DOUBLE_SHIFTS.has(operation);
  if (!shift && !double && !ROTATES.has(operation)) return table;
  const bits = operandBytes * 8;
  const masked = count & (bits === 64 ? 63 : 31);
  if (masked === 0) return 0;
  const overflow = masked === 1 ? 0 : FLAG_OF;
  if (double && masked > bits) return maskOf("OSZAPC");
  const carry = shift && operation !== "SAR" && masked >= bits ? FLAG_CF : 0;
  return table | overflow | carry;
}
