/**
 * General-purpose instructions: data transfer, arithmetic, logic, shifts, bits (Intel SDM 2A-2B).
 * Notation: notation.ts.
 */

/** The eight operations of opcodes 00 to 3D and 80 to 83, in encoding order. */
const ARITHMETIC = ["ADD", "OR", "ADC", "SBB", "AND", "SUB", "XOR", "CMP"];
/** The eight of C0, C1 and D0 to D3. /6 does what /4 does (SDM 2D, table A-6; AMD64 APM 3, table A-6). */
const SHIFTS = ["ROL", "ROR", "RCL", "RCR", "SHL", "SHR", "SHL", "SAR"];

const hex = (byte: number) => byte.toString(16).toUpperCase().padStart(2, "0");

/** CMP writes nothing, so it can't be locked. */
const arithmetic = ARITHMETIC.map((name, digit) => {
  const lock = name === "CMP" ? "" : "lock";
  const at = (low: number) => hex(digit * 8 + low);
  return `
${at(0)} /r       ${name}  Eb,Gb    ${lock}
${at(1)} /r       ${name}  Ev,Gv    ${lock}
${at(2)} /r       ${name}  Gb,Eb
${at(3)} /r       ${name}  Gv,Ev
${at(4)} ib       ${name}  AL,Ib
${at(5)} iz       ${name}  rAX,Iz
80 /${digit} ib   ${name}  Eb,Ib    ${lock}
81 /${digit} iz   ${name}  Ev,Iz    ${lock}
82 /${digit} ib   ${name}  Eb,Ib    ${lock} i64
83 /${digit} ib   ${name}  Ev,Ibs   ${lock}`;
});

const shifts = SHIFTS.map(
  (name, digit) => `
C0 /${digit} ib   ${name}  Eb,Ib
C1 /${digit} ib   ${name}  Ev,Ib
D0 /${digit}      ${name}  Eb,1
D1 /${digit}      ${name}  Ev,1
D2 /${digit}      ${name}  Eb,CL
D3 /${digit}      ${name}  Ev,CL`,
);

export const INTEGER = `
${arithmetic.join("\n")}
${shifts.join("\n")}

27              DAA     -           i64
2F              DAS     -           i64
37              AAA     -           i64
3F              AAS     -           i64
D4 ib           AAM     Ib          i64
D5 ib           AAD     Ib          i64
D6              SALC    -           i64     # undocumented; every processor since the 8086 has it

40+r            INC     Zv          i64
48+r            DEC     Zv          i64
FE /0           INC     Eb          lock
FE /1           DEC     Eb          lock
FF /0           INC     Ev          lock
FF /1           DEC     Ev          lock
F6 /0 ib        TEST    Eb,Ib
F6 /1 ib        TEST    Eb,Ib
F7 /0 iz        TEST    Ev,Iz
F7 /1 iz        TEST    Ev,Iz
F6 /2           NOT     Eb          lock
F7 /2           NOT     Ev          lock
F6 /3           NEG     Eb          lock
F7 /3           NEG     Ev          lock
F6 /4           MUL     Eb
F7 /4           MUL     Ev
F6 /5           IMUL    Eb          op=IMUL_WIDE
F7 /5           IMUL    Ev          op=IMUL_WIDE
F6 /6           DIV     Eb
F7 /6           DIV     Ev
F6 /7           IDIV    Eb
F7 /7           IDIV    Ev
69 /r iz        IMUL    Gv,Ev,Iz
6B /r ib        IMUL    Gv,Ev,Ibs
0F AF /r        IMUL    Gv,Ev
84 /r           TEST    Eb,Gb
85 /r           TEST    Ev,Gv
A8 ib           TEST    AL,Ib
A9 iz           TEST    rAX,Iz

86 /r           XCHG    Eb,Gb       lock
87 /r           XCHG    Ev,Gv       lock
F3 90           PAUSE   -           b0
90              NOP     -           b0
90+r            XCHG    Zv,rAX
88 /r           MOV     Eb,Gb
89 /r           MOV     Ev,Gv
8A /r           MOV     Gb,Eb
8B /r           MOV     Gv,Ev
A0              MOV     AL,Ob
A1              MOV     rAX,Ov
A2              MOV     Ob,AL
A3              MOV     Ov,rAX
B0+r ib         MOV     Zb,Ib
B8+r iv         MOV     Zv,Iv
C6 /0 ib        MOV     Eb,Ib
C7 /0 iz        MOV     Ev,Iz
63 /r           MOVSXD  Gv,Ez       o64
0F B6 /r        MOVZX   Gv,Eb
0F B7 /r        MOVZX   Gv,Ew
0F BE /r        MOVSX   Gv,Eb
0F BF /r        MOVSX   Gv,Ew
98              CBW/CWDE/CDQE   -
99              CWD/CDQ/CQO     -
8D /r           LEA     Gv,M
0F C8+r         BSWAP   Zv
NP 0F C3 /r     MOVNTI  My,Gy
D7              XLAT    -
9E              SAHF    -
9F              LAHF    -

50+r            PUSH    Zv          d64
58+r            POP     Zv          d64
68 iz           PUSH    Iz          d64
6A ib           PUSH    Ibs         d64
FF /6           PUSH    Ev          d64
8F /0           POP     Ev          d64
60              PUSHA/PUSHAD    -   i64
61              POPA/POPAD      -   i64
C8 iw ib        ENTER   Iw,Ib       d64
C9              LEAVE   -           d64

0F A2           CPUID   -
0F A3 /r        BT      Ev,Gv
0F AB /r        BTS     Ev,Gv       lock
0F B3 /r        BTR     Ev,Gv       lock
0F BB /r        BTC     Ev,Gv       lock
0F BA /4 ib     BT      Ev,Ib
0F BA /5 ib     BTS     Ev,Ib       lock
0F BA /6 ib     BTR     Ev,Ib       lock
0F BA /7 ib     BTC     Ev,Ib       lock
0F A4 /r ib     SHLD    Ev,Gv,Ib
0F A5 /r        SHLD    Ev,Gv,CL
0F AC /r ib     SHRD    Ev,Gv,Ib
0F AD /r        SHRD    Ev,Gv,CL
0F BC /r        BSF     Gv,Ev
0F BD /r        BSR     Gv,Ev
0F B0 /r        CMPXCHG Eb,Gb       lock
0F B1 /r        CMPXCHG Ev,Gv       lock
0F C0 /r        XADD    Eb,Gb       lock
0F C1 /r        XADD    Ev,Gv       lock
REX.W 0F C7 /1  CMPXCHG16B  Mdq     lock
0F C7 /1        CMPXCHG8B   Mq      lock
NFx 0F C7 /6    RDRAND  Rv
NFx 0F C7 /7    RDSEED  Rv
F3 0F B8 /r     POPCNT  Gv,Ev
F2 0F 38 F0 /r  CRC32   Gy,Eb
F2 0F 38 F1 /r  CRC32   Gy,Ev

# Hints. What is reserved among them does nothing (SDM 2B, "NOP" and "PREFETCHh").
0F 0D /1        PREFETCHW   M
0F 0D /r        NOP     M       # a register is #UD, as on AMD's processors
0F 18 /0        PREFETCHNTA M
0F 18 /1        PREFETCHT0  M
0F 18 /2        PREFETCHT1  M
0F 18 /3        PREFETCHT2  M
0F 18 /r        NOP     Ev
0F 19 /r        NOP     Ev
0F 1A /r        NOP     Ev
0F 1B /r        NOP     Ev
0F 1C /r        NOP     Ev
0F 1D /r        NOP     Ev
F3 0F 1E FA     ENDBR64 -           op=NOP  # without CET, NOP Ev like the rest of 0F 1E
F3 0F 1E FB     ENDBR32 -           op=NOP
0F 1E /r        NOP     Ev
0F 1F /r        NOP     Ev
0F 0B           UD2     -           undefined
0F B9 /r        UD1     Gv,Ev       undefined
0F FF /r        UD0     Gv,Ev       undefined
`;
