/** String instructions, repeated by F2 and F3 (Intel SDM 2B, "REP/REPE/REPZ/REPNE/REPNZ"). */
export const STRINGS = `
6C      INS     Yb,DX
6D      INS     Yz,DX
6E      OUTS    DX,Xb
6F      OUTS    DX,Xz
A4      MOVS    Yb,Xb
A5      MOVS    Yv,Xv
A6      CMPS    Xb,Yb
A7      CMPS    Xv,Yv
AA      STOS    Yb,AL
AB      STOS    Yv,rAX
AC      LODS    AL,Xb
AD      LODS    rAX,Xv
AE      SCAS    AL,Yb
AF      SCAS    rAX,Yv
`;
