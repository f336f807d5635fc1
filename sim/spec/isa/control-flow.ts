/**
 * Jumps, calls, returns, interrupts. Near branches of 64-bit mode have 64-bit operands whatever
 * prefix 66 says, as on Intel's processors (Intel SDM 1, 6.3.7; AMD's cut RIP to 16 bits).
 */
const conditional = Array.from({ length: 16 }, (_, condition) => {
  const digit = condition.toString(16).toUpperCase();
  return `
7${digit} cb        Jcc     Jb      f64
0F 8${digit} cz     Jcc     Jz      f64
0F 9${digit} /r     SETcc   Eb
0F 4${digit} /r     CMOVcc  Gv,Ev`;
});

export const CONTROL_FLOW = `
${conditional.join("\n")}

E0 cb       LOOPNE  Jb      f64
E1 cb       LOOPE   Jb      f64
E2 cb       LOOP    Jb      f64
E3 cb       JCXZ/JECXZ/JRCXZ    Jb  f64
E8 cz       CALL    Jz      f64
E9 cz       JMP     Jz      f64
EB cb       JMP     Jb      f64
FF /2       CALL    Ev      f64
FF /4       JMP     Ev      f64
C2 iw       RET     Iw      f64
C3          RET     -       f64

9A cp       CALL    Ap      i64 op=CALL_FAR
EA cp       JMP     Ap      i64 op=JMP_FAR
FF /3       CALL    Mp      op=CALL_FAR
FF /5       JMP     Mp      op=JMP_FAR
CA iw       RETF    Iw
CB          RETF    -
CC          INT3    -
CD ib       INT     Ib
CE          INTO    -       i64
F1          INT1    -
CF          IRET/IRETD/IRETQ    -
`;
