/** SSE and SSE2: floating point in XMM registers (Intel SDM 2D, table A-3). */

/** Operations on packed and scalar, single and double: opcode in map 0F and name. */
const arithmetic = [
  ["51", "SQRT"],
  ["58", "ADD"],
  ["59", "MUL"],
  ["5C", "SUB"],
  ["5D", "MIN"],
  ["5E", "DIV"],
  ["5F", "MAX"],
].map(
  ([opcode, name]) => `
NP 0F ${opcode} /r  ${name}PS   Vps,Wps
66 0F ${opcode} /r  ${name}PD   Vpd,Wpd
F3 0F ${opcode} /r  ${name}SS   Vss,Wss
F2 0F ${opcode} /r  ${name}SD   Vsd,Wsd`,
);

export const SSE = `
${arithmetic.join("\n")}

NP 0F 52 /r     RSQRTPS     Vps,Wps
F3 0F 52 /r     RSQRTSS     Vss,Wss
NP 0F 53 /r     RCPPS       Vps,Wps
F3 0F 53 /r     RCPSS       Vss,Wss
NP 0F 54 /r     ANDPS       Vps,Wps
66 0F 54 /r     ANDPD       Vpd,Wpd
NP 0F 55 /r     ANDNPS      Vps,Wps
66 0F 55 /r     ANDNPD      Vpd,Wpd
NP 0F 56 /r     ORPS        Vps,Wps
66 0F 56 /r     ORPD        Vpd,Wpd
NP 0F 57 /r     XORPS       Vps,Wps
66 0F 57 /r     XORPD       Vpd,Wpd
NP 0F C2 /r ib  CMPPS       Vps,Wps,Ib
66 0F C2 /r ib  CMPPD       Vpd,Wpd,Ib
F3 0F C2 /r ib  CMPSS       Vss,Wss,Ib
F2 0F C2 /r ib  CMPSD       Vsd,Wsd,Ib
NP 0F 2E /r     UCOMISS     Vss,Wss
66 0F 2E /r     UCOMISD     Vsd,Wsd
NP 0F 2F /r     COMISS      Vss,Wss
66 0F 2F /r     COMISD      Vsd,Wsd

NP 0F 10 /r     MOVUPS      Vps,Wps
66 0F 10 /r     MOVUPD      Vpd,Wpd
F3 0F 10 /r     MOVSS       Vss,Wss
F2 0F 10 /r     MOVSD       Vsd,Wsd
NP 0F 11 /r     MOVUPS      Wps,Vps
66 0F 11 /r     MOVUPD      Wpd,Vpd
F3 0F 11 /r     MOVSS       Wss,Vss
F2 0F 11 /r     MOVSD       Wsd,Vsd
NP 0F 12 /r     MOVLPS      Vq,Mq
NP 0F 12 /r     MOVHLPS     Vq,Uq
66 0F 12 /r     MOVLPD      Vq,Mq
NP 0F 13 /r     MOVLPS      Mq,Vq
66 0F 13 /r     MOVLPD      Mq,Vq
NP 0F 14 /r     UNPCKLPS    Vps,Wps
66 0F 14 /r     UNPCKLPD    Vpd,Wpd
NP 0F 15 /r     UNPCKHPS    Vps,Wps
66 0F 15 /r     UNPCKHPD    Vpd,Wpd
NP 0F 16 /r     MOVHPS      Vq,Mq
NP 0F 16 /r     MOVLHPS     Vq,Uq
66 0F 16 /r     MOVHPD      Vq,Mq
NP 0F 17 /r     MOVHPS      Mq,Vq
66 0F 17 /r     MOVHPD      Mq,Vq
NP 0F 28 /r     MOVAPS      Vps,Wps
66 0F 28 /r     MOVAPD      Vpd,Wpd
NP 0F 29 /r     MOVAPS      Wps,Vps
66 0F 29 /r     MOVAPD      Wpd,Vpd
NP 0F 2B /r     MOVNTPS     Mps,Vps
66 0F 2B /r     MOVNTPD     Mpd,Vpd
NP 0F 50 /r     MOVMSKPS    Gd,Ups
66 0F 50 /r     MOVMSKPD    Gd,Upd
NP 0F C6 /r ib  SHUFPS      Vps,Wps,Ib
66 0F C6 /r ib  SHUFPD      Vpd,Wpd,Ib

NP 0F 2A /r     CVTPI2PS    Vq,Qq
66 0F 2A /r     CVTPI2PD    Vpd,Qq
F3 0F 2A /r     CVTSI2SS    Vss,Ey
F2 0F 2A /r     CVTSI2SD    Vsd,Ey
NP 0F 2C /r     CVTTPS2PI   Pq,Wq
66 0F 2C /r     CVTTPD2PI   Pq,Wpd
F3 0F 2C /r     CVTTSS2SI   Gy,Wss
F2 0F 2C /r     CVTTSD2SI   Gy,Wsd
NP 0F 2D /r     CVTPS2PI    Pq,Wq
66 0F 2D /r     CVTPD2PI    Pq,Wpd
F3 0F 2D /r     CVTSS2SI    Gy,Wss
F2 0F 2D /r     CVTSD2SI    Gy,Wsd
NP 0F 5A /r     CVTPS2PD    Vpd,Wq
66 0F 5A /r     CVTPD2PS    Vps,Wpd
F3 0F 5A /r     CVTSS2SD    Vsd,Wss
F2 0F 5A /r     CVTSD2SS    Vss,Wsd
NP 0F 5B /r     CVTDQ2PS    Vps,Wdq
66 0F 5B /r     CVTPS2DQ    Vdq,Wps
F3 0F 5B /r     CVTTPS2DQ   Vdq,Wps
66 0F E6 /r     CVTTPD2DQ   Vdq,Wpd
F3 0F E6 /r     CVTDQ2PD    Vpd,Wq
F2 0F E6 /r     CVTPD2DQ    Vdq,Wpd
`;
