/**
 * MMX, and the integer instructions of SSE and SSE2 (Intel SDM 2D, table A-3). Most exist twice: on
 * MMX registers, and with prefix 66 on XMM registers.
 */

/** Opcode in map 0F and name. */
const PAIRS = `
63 PACKSSWB   64 PCMPGTB    65 PCMPGTW    66 PCMPGTD    67 PACKUSWB   68 PUNPCKHBW
69 PUNPCKHWD  6A PUNPCKHDQ  6B PACKSSDW   74 PCMPEQB    75 PCMPEQW    76 PCMPEQD
D1 PSRLW      D2 PSRLD      D3 PSRLQ      D4 PADDQ      D5 PMULLW     D8 PSUBUSB
D9 PSUBUSW    DA PMINUB     DB PAND       DC PADDUSB    DD PADDUSW    DE PMAXUB
DF PANDN      E0 PAVGB      E1 PSRAW      E2 PSRAD      E3 PAVGW      E4 PMULHUW
E5 PMULHW     E8 PSUBSB     E9 PSUBSW     EA PMINSW     EB POR        EC PADDSB
ED PADDSW     EE PMAXSW     EF PXOR       F1 PSLLW      F2 PSLLD      F3 PSLLQ
F4 PMULUDQ    F5 PMADDWD    F6 PSADBW     F8 PSUBB      F9 PSUBW      FA PSUBD
FB PSUBQ      FC PADDB      FD PADDW      FE PADDD`;

const pairs = [...PAIRS.matchAll(/([0-9A-F]{2}) (P\w+)/g)].map(
  ([, opcode, name]) => `
NP 0F ${opcode} /r  ${name}     Pq,Qq
66 0F ${opcode} /r  ${name}     Vdq,Wdq`,
);

export const PACKED_INTEGER = `
${pairs.join("\n")}

# Of the MMX forms these read the low half only
NP 0F 60 /r         PUNPCKLBW   Pq,Qd
66 0F 60 /r         PUNPCKLBW   Vdq,Wdq
NP 0F 61 /r         PUNPCKLWD   Pq,Qd
66 0F 61 /r         PUNPCKLWD   Vdq,Wdq
NP 0F 62 /r         PUNPCKLDQ   Pq,Qd
66 0F 62 /r         PUNPCKLDQ   Vdq,Wdq
66 0F 6C /r         PUNPCKLQDQ  Vdq,Wdq
66 0F 6D /r         PUNPCKHQDQ  Vdq,Wdq

NP 0F 71 /2 ib      PSRLW       Nq,Ib
66 0F 71 /2 ib      PSRLW       Udq,Ib
NP 0F 71 /4 ib      PSRAW       Nq,Ib
66 0F 71 /4 ib      PSRAW       Udq,Ib
NP 0F 71 /6 ib      PSLLW       Nq,Ib
66 0F 71 /6 ib      PSLLW       Udq,Ib
NP 0F 72 /2 ib      PSRLD       Nq,Ib
66 0F 72 /2 ib      PSRLD       Udq,Ib
NP 0F 72 /4 ib      PSRAD       Nq,Ib
66 0F 72 /4 ib      PSRAD       Udq,Ib
NP 0F 72 /6 ib      PSLLD       Nq,Ib
66 0F 72 /6 ib      PSLLD       Udq,Ib
NP 0F 73 /2 ib      PSRLQ       Nq,Ib
66 0F 73 /2 ib      PSRLQ       Udq,Ib
66 0F 73 /3 ib      PSRLDQ      Udq,Ib
NP 0F 73 /6 ib      PSLLQ       Nq,Ib
66 0F 73 /6 ib      PSLLQ       Udq,Ib
66 0F 73 /7 ib      PSLLDQ      Udq,Ib

NP 0F 70 /r ib      PSHUFW      Pq,Qq,Ib
66 0F 70 /r ib      PSHUFD      Vdq,Wdq,Ib
F3 0F 70 /r ib      PSHUFHW     Vdq,Wdq,Ib
F2 0F 70 /r ib      PSHUFLW     Vdq,Wdq,Ib
NP 0F C4 /r ib      PINSRW      Pq,Mw,Ib
NP 0F C4 /r ib      PINSRW      Pq,Rd,Ib
66 0F C4 /r ib      PINSRW      Vdq,Mw,Ib
66 0F C4 /r ib      PINSRW      Vdq,Rd,Ib
NP 0F C5 /r ib      PEXTRW      Gd,Nq,Ib
66 0F C5 /r ib      PEXTRW      Gd,Udq,Ib
NP 0F D7 /r         PMOVMSKB    Gd,Nq
66 0F D7 /r         PMOVMSKB    Gd,Udq

# MOVD_LOAD and MOVD_STORE: between a general register or memory and the low part of P or V, which
# a load clears above it
NP REX.W 0F 6E /r   MOVQ        Pq,Eq       op=MOVD_LOAD
NP 0F 6E /r         MOVD        Pq,Ed       op=MOVD_LOAD
66 REX.W 0F 6E /r   MOVQ        Vdq,Eq      op=MOVD_LOAD
66 0F 6E /r         MOVD        Vdq,Ed      op=MOVD_LOAD
NP REX.W 0F 7E /r   MOVQ        Eq,Pq       op=MOVD_STORE
NP 0F 7E /r         MOVD        Ed,Pq       op=MOVD_STORE
66 REX.W 0F 7E /r   MOVQ        Eq,Vdq      op=MOVD_STORE
66 0F 7E /r         MOVD        Ed,Vdq      op=MOVD_STORE
NP 0F 6F /r         MOVQ        Pq,Qq
NP 0F 7F /r         MOVQ        Qq,Pq
F3 0F 7E /r         MOVQ        Vq,Wq
66 0F D6 /r         MOVQ        Wq,Vq
F3 0F D6 /r         MOVQ2DQ     Vdq,Nq
F2 0F D6 /r         MOVDQ2Q     Pq,Uq
66 0F 6F /r         MOVDQA      Vdq,Wdq
66 0F 7F /r         MOVDQA      Wdq,Vdq
F3 0F 6F /r         MOVDQU      Vdq,Wdq
F3 0F 7F /r         MOVDQU      Wdq,Vdq
NP 0F E7 /r         MOVNTQ      Mq,Pq
66 0F E7 /r         MOVNTDQ     Mdq,Vdq
NP 0F F7 /r         MASKMOVQ    Pq,Nq           # to memory at DS:rDI
66 0F F7 /r         MASKMOVDQU  Vdq,Udq
NP 0F 77            EMMS        -
`;
