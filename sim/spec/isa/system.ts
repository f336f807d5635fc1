/** Flags, ports, segments and the operating system's instructions (Intel SDM 3A, 2.8). */
export const SYSTEM = `
F5              CMC     -
F8              CLC     -
F9              STC     -
FA              CLI     -
FB              STI     -
FC              CLD     -
FD              STD     -
9C              PUSHF/PUSHFD/PUSHFQ -   d64
9D              POPF/POPFD/POPFQ    -   d64
F4              HLT     -           cpl0
E4 ib           IN      AL,Ib
E5 ib           IN      eAX,Ib
E6 ib           OUT     Ib,AL
E7 ib           OUT     Ib,eAX
EC              IN      AL,DX
ED              IN      eAX,DX
EE              OUT     DX,AL
EF              OUT     DX,eAX

# Segment registers
06              PUSH    ES          i64 op=PUSH_SEGMENT
0E              PUSH    CS          i64 op=PUSH_SEGMENT
16              PUSH    SS          i64 op=PUSH_SEGMENT
1E              PUSH    DS          i64 op=PUSH_SEGMENT
0F A0           PUSH    FS          d64 op=PUSH_SEGMENT
0F A8           PUSH    GS          d64 op=PUSH_SEGMENT
07              POP     ES          i64 op=POP_SEGMENT
17              POP     SS          i64 op=POP_SEGMENT
1F              POP     DS          i64 op=POP_SEGMENT
0F A1           POP     FS          d64 op=POP_SEGMENT
0F A9           POP     GS          d64 op=POP_SEGMENT
8C /r           MOV     Mw,Sw       op=MOV_FROM_SEGMENT
8C /r           MOV     Rv,Sw       op=MOV_FROM_SEGMENT
8E /r           MOV     Sw,Ew       op=MOV_TO_SEGMENT
C4 /r           LES     Gz,Mp       i64
C5 /r           LDS     Gz,Mp       i64
0F B2 /r        LSS     Gv,Mp
0F B4 /r        LFS     Gv,Mp
0F B5 /r        LGS     Gv,Mp
62 /r           BOUND   Gv,Ma       i64
63 /r           ARPL    Ew,Gw       i64

# Descriptor tables and task state
0F 00 /0        SLDT    Mw
0F 00 /0        SLDT    Rv
0F 00 /1        STR     Mw
0F 00 /1        STR     Rv
0F 00 /2        LLDT    Ew          cpl0
0F 00 /3        LTR     Ew          cpl0
0F 00 /4        VERR    Ew
0F 00 /5        VERW    Ew
0F 02 /r        LAR     Gv,Ew
0F 03 /r        LSL     Gv,Ew
0F 01 /0        SGDT    Ms          f64
0F 01 /1        SIDT    Ms          f64
0F 01 /2        LGDT    Ms          f64 cpl0
0F 01 /3        LIDT    Ms          f64 cpl0
0F 01 /4        SMSW    Mw
0F 01 /4        SMSW    Rv
0F 01 /6        LMSW    Ew          cpl0
0F 01 /7        INVLPG  M           cpl0
66 0F 38 82 /r  INVPCID Gy,Mdq      f64 cpl0

# By a second opcode byte. MONITOR, MWAIT, CLAC and STAC raise #UD, not #GP, outside of level 0.
NP 0F 01 C8     MONITOR -           cpl0
NP 0F 01 C9     MWAIT   -           cpl0
NP 0F 01 CA     CLAC    -           cpl0
NP 0F 01 CB     STAC    -           cpl0
NP 0F 01 D0     XGETBV  -
NP 0F 01 D1     XSETBV  -           cpl0
0F 01 F8        SWAPGS  -           o64 cpl0
0F 01 F9        RDTSCP  -

# Control, debug and model-specific registers
0F 20 /r        MOV     Ry,Cy       f64 cpl0 mod3 op=MOV_FROM_CONTROL
0F 21 /r        MOV     Ry,Dy       f64 cpl0 mod3 op=MOV_FROM_DEBUG
0F 22 /r        MOV     Cy,Ry       f64 cpl0 mod3 op=MOV_TO_CONTROL
0F 23 /r        MOV     Dy,Ry       f64 cpl0 mod3 op=MOV_TO_DEBUG
0F 06           CLTS    -           cpl0
0F 30           WRMSR   -           cpl0
0F 32           RDMSR   -           cpl0
0F 31           RDTSC   -
0F 33           RDPMC   -
0F 08           INVD    -           cpl0
0F 09           WBINVD  -           cpl0
0F 05           SYSCALL -           o64
0F 07           SYSRET  -           o64 cpl0
0F 34           SYSENTER -
0F 35           SYSEXIT -           cpl0
0F AA           RSM     -           undefined   # there is no system management mode

# State of the floating-point units; fences
NP 0F AE /0     FXSAVE  Mfx
NP 0F AE /1     FXRSTOR Mfx
NP 0F AE /2     LDMXCSR Md
NP 0F AE /3     STMXCSR Md
NP 0F AE /4     XSAVE   Mxs
NP 0F AE /5     XRSTOR  Mxs
NP 0F AE /6     XSAVEOPT Mxs
NP 0F C7 /3     XRSTORS Mxs         cpl0
NP 0F C7 /4     XSAVEC  Mxs
NP 0F C7 /5     XSAVES  Mxs         cpl0
NP 0F AE /7     CLFLUSH M
NP 0F AE /5     LFENCE  -
NP 0F AE /6     MFENCE  -
NP 0F AE /7     SFENCE  -
F3 0F AE /0     RDFSBASE Ry         o64
F3 0F AE /1     RDGSBASE Ry         o64
F3 0F AE /2     WRFSBASE Ry         o64
F3 0F AE /3     WRGSBASE Ry         o64
`;
