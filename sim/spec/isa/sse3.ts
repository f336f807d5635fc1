/** SSE3, SSSE3, SSE4.1 and SSE4.2 (Intel SDM 2D, tables ). */

/** SSSE3 has its instructions for MMX and XMM registers: opcode in map 0F 38 and name. */
const SUPPLEMENT = `
00 PSHUFB     01 PHADDW     02 PHADDD     03 PHADDSW    04 PMADDUBSW  05 PHSUBW
06 PHSUBD     07 PHSUBSW    08 PSIGNB     09 PSIGNW     0A PSIGND     0B PMULHRSW
1C PABSB      1D PABSW      1E PABSD`;

const supplement = [...SUPPLEMENT.matchAll(/([0-9A-F]{2}) (P\w+)/g)].map(
  ([, opcode, name]) => `
NP 0F 38 ${opcode} /r   ${name}     Pq,Qq
66 0F 38 ${opcode} /r   ${name}     Vdq,Wdq`,
);

export const SSE3 = `
# SSE3
F3 0F 12 /r         MOVSLDUP    Vps,Wps
F2 0F 12 /r         MOVDDUP     Vpd,Wq
F3 0F 16 /r         MOVSHDUP    Vps,Wps
66 0F 7C /r         HADDPD      Vpd,Wpd
F2 0F 7C /r         HADDPS      Vps,Wps
66 0F 7D /r         HSUBPD      Vpd,Wpd
F2 0F 7D /r         HSUBPS      Vps,Wps
66 0F D0 /r         ADDSUBPD    Vpd,Wpd
F2 0F D0 /r         ADDSUBPS    Vps,Wps
F2 0F F0 /r         LDDQU       Vdq,Mdq

# SSSE3
${supplement.join("\n")}
NP 0F 3A 0F /r ib   PALIGNR     Pq,Qq,Ib
66 0F 3A 0F /r ib   PALIGNR     Vdq,Wdq,Ib

# SSE4.1
66 0F 38 10 /r      PBLENDVB    Vdq,Wdq,XMM0
66 0F 38 14 /r      BLENDVPS    Vps,Wps,XMM0
66 0F 38 15 /r      BLENDVPD    Vpd,Wpd,XMM0
66 0F 38 17 /r      PTEST       Vdq,Wdq
66 0F 38 20 /r      PMOVSXBW    Vdq,Wq
66 0F 38 21 /r      PMOVSXBD    Vdq,Wd
66 0F 38 22 /r      PMOVSXBQ    Vdq,Ww
66 0F 38 23 /r      PMOVSXWD    Vdq,Wq
66 0F 38 24 /r      PMOVSXWQ    Vdq,Wd
66 0F 38 25 /r      PMOVSXDQ    Vdq,Wq
66 0F 38 28 /r      PMULDQ      Vdq,Wdq
66 0F 38 29 /r      PCMPEQQ     Vdq,Wdq
66 0F 38 2A /r      MOVNTDQA    Vdq,Mdq
66 0F 38 2B /r      PACKUSDW    Vdq,Wdq
66 0F 38 30 /r      PMOVZXBW    Vdq,Wq
66 0F 38 31 /r      PMOVZXBD    Vdq,Wd
66 0F 38 32 /r      PMOVZXBQ    Vdq,Ww
66 0F 38 33 /r      PMOVZXWD    Vdq,Wq
66 0F 38 34 /r      PMOVZXWQ    Vdq,Wd
66 0F 38 35 /r      PMOVZXDQ    Vdq,Wq
66 0F 38 38 /r      PMINSB      Vdq,Wdq
66 0F 38 39 /r      PMINSD      Vdq,Wdq
66 0F 38 3A /r      PMINUW      Vdq,Wdq
66 0F 38 3B /r      PMINUD      Vdq,Wdq
66 0F 38 3C /r      PMAXSB      Vdq,Wdq
66 0F 38 3D /r      PMAXSD      Vdq,Wdq
66 0F 38 3E /r      PMAXUW      Vdq,Wdq
66 0F 38 3F /r      PMAXUD      Vdq,Wdq
66 0F 38 40 /r      PMULLD      Vdq,Wdq
66 0F 38 41 /r      PHMINPOSUW  Vdq,Wdq
66 0F 3A 08 /r ib   ROUNDPS     Vps,Wps,Ib
66 0F 3A 09 /r ib   ROUNDPD     Vpd,Wpd,Ib
66 0F 3A 0A /r ib   ROUNDSS     Vss,Wss,Ib
66 0F 3A 0B /r ib   ROUNDSD     Vsd,Wsd,Ib
66 0F 3A 0C /r ib   BLENDPS     Vps,Wps,Ib
66 0F 3A 0D /r ib   BLENDPD     Vpd,Wpd,Ib
66 0F 3A 0E /r ib   PBLENDW     Vdq,Wdq,Ib
66 0F 3A 14 /r ib   PEXTRB      Mb,Vdq,Ib
66 0F 3A 14 /r ib   PEXTRB      Rd,Vdq,Ib
66 0F 3A 15 /r ib   PEXTRW      Mw,Vdq,Ib
66 0F 3A 15 /r ib   PEXTRW      Rd,Vdq,Ib
66 REX.W 0F 3A 16 /r ib     PEXTRQ  Eq,Vdq,Ib
66 0F 3A 16 /r ib   PEXTRD      Ed,Vdq,Ib
66 0F 3A 17 /r ib   EXTRACTPS   Ed,Vdq,Ib
66 0F 3A 20 /r ib   PINSRB      Vdq,Mb,Ib
66 0F 3A 20 /r ib   PINSRB      Vdq,Rd,Ib
66 0F 3A 21 /r ib   INSERTPS    Vdq,Md,Ib
66 0F 3A 21 /r ib   INSERTPS    Vdq,Udq,Ib
66 REX.W 0F 3A 22 /r ib     PINSRQ  Vdq,Eq,Ib
66 0F 3A 22 /r ib   PINSRD      Vdq,Ed,Ib
66 0F 3A 40 /r ib   DPPS        Vps,Wps,Ib
66 0F 3A 41 /r ib   DPPD        Vpd,Wpd,Ib
66 0F 3A 42 /r ib   MPSADBW     Vdq,Wdq,Ib

# SSE4.2
66 0F 38 37 /r      PCMPGTQ     Vdq,Wdq
66 0F 3A 60 /r ib   PCMPESTRM   Vdq,Wdq,Ib
66 0F 3A 61 /r ib   PCMPESTRI   Vdq,Wdq,Ib
66 0F 3A 62 /r ib   PCMPISTRM   Vdq,Wdq,Ib
66 0F 3A 63 /r ib   PCMPISTRI   Vdq,Wdq,Ib
`;
