/**
 * Micro-ops that the interpreter has no case for: they are done by executeSlowly, which takes some 10 ns.
 * Of pairs of a compare and a jump, those that aren't made (sim/core/engine/emit-control.ts).
 *
 * V8 gives up the best allocation of registers for a function of more than 8,192 values
 * (kTopTierVirtualRegistersLimit of its pipeline), and then everything is kept in memory: such an
 * interpreter takes a third longer for everything. So what is rare makes room for what isn't.
 */
import type { MicroOp } from "./micro-ops.ts";

const RARE: readonly RegExp[] = [
  /^(ADD|OR|ADC|SBB|AND|SUB|XOR)_R[RI]_16$/,
  /^(ADC|SBB)_R[RI]_8$/,
  /^(INC|DEC|NEG|NOT|SHL_I|SHR_I|SAR_I|ROL_I|ROR_I)_(8|16)$/,
  /^(ROL|ROR)_CL_/,
  /^(J|SET)N?[OP]$/,
  /^CMP_RR_8_JN?(B|BE|L|LE)$/,
  /^CMP_RI_8_JN?(B|L|LE)$/,
  /^TEST_RR_8_JN?LE$/,
  /^TEST_RI_\d+_JN?LE$/,
  /^TEST_RI_8_JN?S$/,
  /^AND_RI_64_J|^DEC_\d+_JZ$/,
  // Packed instructions but for those of string functions and of double precision.
  /^V_(PADD[BW]|PSUB[WDQ]|PCMPEQW|PCMPGT[BWD]|PMAXUB|P(MIN|MAX)SW|PSUBUSB|PMULLW|PMULUDQ|PMADDWD)$/,
  /^V_(PACK\w+|PUNPCKH\w+|SHUFPS|SHUFPD|PALIGNR|PSLLQ|PSRLQ|PS(LL|RL|RA)[WD]_I)$/,
  /^V_((SUB|DIV)PD|SQRTSD|(ADD|SUB|MUL|DIV|UCOMI|COMI)SS|CVTSD2SS|CVTSS2SD)$/,
];

export const isRare = ({ name }: MicroOp): boolean => RARE.some((one) => one.test(name));
