/**
 * x87 (Intel SDM 2D, A.5): escape opcodes D8 to DF, by /digit with memory, by a second byte without.
 * Undocumented second bytes that every processor executes as the instruction they stand beside in
 * the tables are here too, under their names (FCOM2, FXCH4, …).
 */

/** The eight operations of D8, DA, DC and DE, in encoding order of /digit. */
const ARITHMETIC = ["ADD", "MUL", "COM", "COMP", "SUB", "SUBR", "DIV", "DIVR"];

const memory = ARITHMETIC.map(
  (name, digit) => `
D8 /${digit}    F${name}    Md
DC /${digit}    F${name}    Mq
DA /${digit}    FI${name}   Md
DE /${digit}    FI${name}   Mw`,
);

export const X87 = `
9B              FWAIT   -
${memory.join("\n")}

D8 C0+i         FADD    ST0,STi
D8 C8+i         FMUL    ST0,STi
D8 D0+i         FCOM    STi
D8 D8+i         FCOMP   STi
D8 E0+i         FSUB    ST0,STi
D8 E8+i         FSUBR   ST0,STi
D8 F0+i         FDIV    ST0,STi
D8 F8+i         FDIVR   ST0,STi

D9 /0           FLD     Md
D9 /2           FST     Md
D9 /3           FSTP    Md
D9 /4           FLDENV  Me
D9 /5           FLDCW   Mw
D9 /6           FNSTENV Me
D9 /7           FNSTCW  Mw
D9 C0+i         FLD     STi
D9 C8+i         FXCH    STi
D9 D0           FNOP    -
D9 D8+i         FSTPNCE STi         op=FSTP     # undocumented
D9 E0           FCHS    -
D9 E1           FABS    -
D9 E4           FTST    -
D9 E5           FXAM    -
D9 E8           FLD1    -
D9 E9           FLDL2T  -
D9 EA           FLDL2E  -
D9 EB           FLDPI   -
D9 EC           FLDLG2  -
D9 ED           FLDLN2  -
D9 EE           FLDZ    -
D9 F0           F2XM1   -
D9 F1           FYL2X   -
D9 F2           FPTAN   -
D9 F3           FPATAN  -
D9 F4           FXTRACT -
D9 F5           FPREM1  -
D9 F6           FDECSTP -
D9 F7           FINCSTP -
D9 F8           FPREM   -
D9 F9           FYL2XP1 -
D9 FA           FSQRT   -
D9 FB           FSINCOS -
D9 FC           FRNDINT -
D9 FD           FSCALE  -
D9 FE           FSIN    -
D9 FF           FCOS    -

DA C0+i         FCMOVB  ST0,STi
DA C8+i         FCMOVE  ST0,STi
DA D0+i         FCMOVBE ST0,STi
DA D8+i         FCMOVU  ST0,STi
DA E9           FUCOMPP -

DB /0           FILD    Md
DB /1           FISTTP  Md
DB /2           FIST    Md
DB /3           FISTP   Md
DB /5           FLD     Mt
DB /7           FSTP    Mt
DB C0+i         FCMOVNB ST0,STi
DB C8+i         FCMOVNE ST0,STi
DB D0+i         FCMOVNBE    ST0,STi
DB D8+i         FCMOVNU ST0,STi
DB E0           FNENI   -           op=FNOP     # of the 8087: does nothing since the 80387
DB E1           FNDISI  -           op=FNOP
DB E2           FNCLEX  -
DB E3           FNINIT  -
DB E4           FNSETPM -           op=FNOP     # of the 80287
DB E8+i         FUCOMI  ST0,STi
DB F0+i         FCOMI   ST0,STi

DC C0+i         FADD    STi,ST0
DC C8+i         FMUL    STi,ST0
DC D0+i         FCOM2   STi         op=FCOM     # undocumented
DC D8+i         FCOMP3  STi         op=FCOMP    # undocumented
DC E0+i         FSUBR   STi,ST0
DC E8+i         FSUB    STi,ST0
DC F0+i         FDIVR   STi,ST0
DC F8+i         FDIV    STi,ST0

DD /0           FLD     Mq
DD /1           FISTTP  Mq
DD /2           FST     Mq
DD /3           FSTP    Mq
DD /4           FRSTOR  Mst
DD /6           FNSAVE  Mst
DD /7           FNSTSW  Mw
DD C0+i         FFREE   STi
DD C8+i         FXCH4   STi         op=FXCH     # undocumented
DD D0+i         FST     STi
DD D8+i         FSTP    STi
DD E0+i         FUCOM   STi
DD E8+i         FUCOMP  STi

DE C0+i         FADDP   STi,ST0
DE C8+i         FMULP   STi,ST0
DE D0+i         FCOMP5  STi         op=FCOMP    # undocumented
DE D9           FCOMPP  -
DE E0+i         FSUBRP  STi,ST0
DE E8+i         FSUBP   STi,ST0
DE F0+i         FDIVRP  STi,ST0
DE F8+i         FDIVP   STi,ST0

DF /0           FILD    Mw
DF /1           FISTTP  Mw
DF /2           FIST    Mw
DF /3           FISTP   Mw
DF /4           FBLD    Mt
DF /5           FILD    Mq
DF /6           FBSTP   Mt
DF /7           FISTP   Mq
DF C0+i         FFREEP  STi                     # undocumented: FFREE, then the stack is popped
DF C8+i         FXCH7   STi         op=FXCH     # undocumented
DF D0+i         FSTP8   STi         op=FSTP     # undocumented
DF D8+i         FSTP9   STi         op=FSTP     # undocumented
DF E0           FNSTSW  AX
DF E8+i         FUCOMIP ST0,STi
DF F0+i         FCOMIP  ST0,STi
`;
