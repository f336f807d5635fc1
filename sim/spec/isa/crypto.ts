/** AES-NI and carry-less multiplication (Intel SDM 1, 12.13). */
export const CRYPTO = `
66 0F 38 DB /r      AESIMC          Vdq,Wdq
66 0F 38 DC /r      AESENC          Vdq,Wdq
66 0F 38 DD /r      AESENCLAST      Vdq,Wdq
66 0F 38 DE /r      AESDEC          Vdq,Wdq
66 0F 38 DF /r      AESDECLAST      Vdq,Wdq
66 0F 3A DF /r ib   AESKEYGENASSIST Vdq,Wdq,Ib
66 0F 3A 44 /r ib   PCLMULQDQ       Vdq,Wdq,Ib
`;
