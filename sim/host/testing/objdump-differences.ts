/** Where GNU objdump (2.40) is not followed, and why. */
import type { Instruction } from "../views.generated.ts";

interface Difference {
  readonly why: string;
  readonly operations: RegExp;
  /** What objdump writes. */
  readonly text: RegExp;
  readonly when?: (instruction: Instruction) => boolean;
}

const REX_W = 8;
const wide = ({ rex }: Instruction) => (rex & REX_W) !== 0;

const DIFFERENCES: readonly Difference[] = [
  {
    why: "x87 encodings that the manual leaves blank, which processors execute (x87.ts)",
    operations: /^(FSTP|FCOM|FCOMP|FXCH)$/,
    text: /\(bad\)/,
  },
  { why: "a remark is not part of the name", operations: /^FNOP$/, text: / only\)$/ },
  { why: "SALC is not documented", operations: /^SALC$/, text: /\(bad\)/ },
  {
    why: "FWAIT is taken for a prefix of the next instruction, or cut from its own prefixes",
    operations: /^FWAIT$/,
    text: /./,
  },
  {
    why: "fences don't look at r/m (SDM 2D, table A-6)",
    operations: /^[LMS]FENCE$/,
    text: /\(bad\)/,
    when: ({ modrm }) => (modrm & 7) !== 0,
  },
  {
    why: "instructions of extensions that the processor hasn't: hints among the NOPs, MPX, CET",
    operations: /^NOP$/,
    text: /prefetch|bnd|cldemote|rdssp/,
  },
  {
    why: "90 with 66 is XCHG AX,AX: it does nothing",
    operations: /^NOP$/,
    text: /xchg [er]?ax,[er]?ax$/,
  },
  {
    why: "without BMI1 and LZCNT, F3 does nothing before BSF and BSR, F2 never does",
    operations: /^BS[FR]$/,
    text: /tzcnt|lzcnt|\(bad\)/,
  },
  {
    why: "prefixes do nothing before WBINVD when there is no WBNOINVD",
    operations: /^WBINVD$/,
    text: /wbnoinvd|\(bad\)/,
  },
  {
    why: "a REX prefix in front of another prefix is printed by itself",
    operations: /./,
    text: /^((data16|addr32|repn?z|[cdefgs]s) )*rex(\.[WRXB]+)?$/,
  },
  { why: "a SIB byte without index is shown by a name for none", operations: /./, text: /[re]iz/ },
  {
    why: "16 bits are read of the source, whatever the operand size",
    operations: /^(LAR|LSL|MOV_TO_SEGMENT)$/,
    text: /./,
    when: ({ memory }) => memory === 0,
  },
  {
    why: "with REX.W the upper half of the destination is zero as without",
    operations: /^(PMOVMSKB|MOVMSKP[SD]|PEXTRW|PEXTRB|EXTRACTPS|PINSRW|PINSRB)$/,
    text: /./,
    when: wide,
  },
  {
    why: "with REX.W a far pointer has ten bytes on Intel's processors",
    operations: /^(CALL_FAR|JMP_FAR|L[SFG]S)$/,
    text: /D?F?WORD PTR/,
    when: wide,
  },
  {
    why: "REX.W makes the lengths 64 bits wide; the name is the same",
    operations: /^PCMPESTR[IM]$/,
    text: /pcmpestr[im]q/,
    when: wide,
  },
  {
    why: "the MMX register is named XMM",
    operations: /^MOV(2DQ|DQ2)Q?|^MOVQ2DQ/,
    text: /xmm\d+,xmm/,
  },
  { why: "REX.W comes before 66", operations: /^MOVSXD$/, text: /./, when: wide },
  {
    why: "immediates of other bits than 0 and 4 get a name, too",
    operations: /^PCLMULQDQ$/,
    text: /pclmul[lh]q[lh]q/,
    when: ({ immediate }) => (immediate & ~0x11n) !== 0n,
  },
  {
    why: "a 16-bit operand size cuts the target of every jump (SDM 2A, Jcc)",
    operations: /^(JCC|JMP|CALL|JCXZ|LOOP(N?E)?)$/,
    text: / 0x(f{4}|1)[0-9a-f]{4}$/,
    when: ({ operandBytes }) => operandBytes === 2,
  },
  {
    why: "without CET, 3E before an indirect branch is DS",
    operations: /^(JMP|CALL)$/,
    text: /notrack/,
  },
  { why: "one size with two names", operations: /^CMPXCHG16B$/, text: /OWORD PTR/ },
  {
    why: "66 does nothing: the operand is 32 or 64 bits wide",
    operations: /^(RD|WR)[FG]SBASE$/,
    text: /./,
    when: ({ prefix66 }) => prefix66 !== 0,
  },
  {
    why: "REX.W comes before 66",
    operations: /^(FLDENV|FNSTENV|FRSTOR|FNSAVE)$/,
    text: /./,
    when: wide,
  },
  { why: "addresses of 32 bits are cut to 32 bits", operations: /./, text: /\[eip\+/ },
  {
    why: "no such segment, control or debug register",
    operations: /^MOV_(TO|FROM)_/,
    text: /\?|\bcr|\bdr|mov cs,/,
  },
];

/** Whether objdump's `text` for this instruction differs for a known reason. */
export function knownDifference(
  operation: string,
  instruction: Instruction,
  text: string,
): boolean {
  return DIFFERENCES.some(
    ({ operations, text: written, when }) =>
      operations.test(operation) && written.test(text) && (when?.(instruction) ?? true),
  );
}
