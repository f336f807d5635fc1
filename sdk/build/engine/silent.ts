/**
 * Micro-ops without flags, for where the next ones overwrite them (sim/core/engine/improve.ts), and
 * what each micro-op has to do with flags.
 */
import { A, B, IMMEDIATE, type MicroOp, WIDE } from "./micro-ops.ts";

/** Operations of slot a and a second operand. */
const BINARY: Readonly<Record<string, string>> = {
  ADD: "+",
  OR: "|",
  AND: "&",
  SUB: "-",
  XOR: "^",
};
const SHIFTS: Readonly<Record<string, [string, "i" | "u"]>> = {
  SHL: ["<<", "u"],
  SHR: [">>", "u"],
  SAR: [">>", "i"],
};

/** Writes an unsigned value of so many bits into slot a; 32 bits clear the upper half. */
const put = (bits: number, value: string) =>
  bits === 32 ? `store<u64>(${A}, <u64><u32>(${value}));` : `store<u64>(${A}, <u64>(${value}));`;

export const SILENT: readonly MicroOp[] = WIDE.flatMap(({ bits, signed, unsigned }) => [
  ...Object.entries(BINARY).flatMap(([name, operator]) => [
    {
      name: `${name}_RR_${bits}_SILENT`,
      code: put(bits, `load<${unsigned}>(${A}) ${operator} load<${unsigned}>(${B})`),
    },
    {
      name: `${name}_RI_${bits}_SILENT`,
      code: put(bits, `load<${signed}>(${A}) ${operator} <${signed}>${IMMEDIATE}`),
    },
  ]),
  ...Object.entries(SHIFTS).map(([name, [operator, sign]]) => ({
    name: `${name}_I_${bits}_SILENT`,
    code: put(bits, `load<${sign}${bits}>(${A}) ${operator} <${sign}${bits}>load<u8>(ip, 8)`),
  })),
  {
    name: `IMUL_RR_${bits}_SILENT`,
    code: put(bits, `load<${unsigned}>(${A}) * load<${unsigned}>(${B})`),
  },
  {
    name: `IMUL_RI_${bits}_SILENT`,
    code: put(bits, `load<${signed}>(${B}) * <${signed}>${IMMEDIATE}`),
  },
]);

/** Neither reads nor sets flags, and can't leave the block. */
export const NEUTRAL = 0;
/** Sets all of them, and reads none. */
export const SETS = 1;
/** May leave the block, where flags show, or reads some, or leaves some as they were. */
export const NEEDS = 2;

const SETTERS =
  /^((ADD|OR|AND|SUB|XOR|CMP|TEST)_(RR|RI)|NEG|(SHL|SHR|SAR)_I|IMUL_(RR|RI))_\d+(_JN?[A-Z]+)?$/;
const NEUTRALS = /^(NOP|MOV_(I_)?\d+|[ZS]X\d+(_\d+)?|LEA_\d+|NOT_\d+|\w+_SILENT)$/;

/** By name, so that what nobody has thought of needs the flags. */
export function flagsOf({ name, code }: MicroOp): number {
  const stays = !code.includes("return ");
  if (stays && SETTERS.test(name)) return SETS;
  return stays && NEUTRALS.test(name) ? NEUTRAL : NEEDS;
}
