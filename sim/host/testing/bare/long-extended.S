/* XSAVE, XRSTOR and XCR0, with x87 and SSE state, all that both processors have (SDM 1, 13). */
#define OSXSAVE 0x40620
#define HEADER 512
/* CR4.OSXSAVE, XCR0 with x87 and SSE, and a state that isn't the initial one. */
.macro EXTENDED
  movl $OSXSAVE, %eax
  movq %rax, %cr4
  SET_XCR0 3
  movl $0x1f80, page + 4088
  ldmxcsr page + 4088
  fldpi
  fld1
  movl $0x12345678, %eax
  movq %rax, %xmm0
  movq %rax, %xmm15
  xorl %eax, %eax
.endm
.macro SET_XCR0 low, high=0
  xorl %ecx, %ecx
  movl $\low, %eax
  movl $\high, %edx
  xsetbv
  xorl %eax, %eax
  xorl %edx, %edx
.endm
/* The state as it is after FNINIT, with zeroes in two registers, but for MXCSR. */
.macro OTHER_STATE
  fninit
  movl $0x9fc0, page + 4088
  ldmxcsr page + 4088
  pxor %xmm0, %xmm0
  pxor %xmm15, %xmm15
.endm
/* What is in the registers: r8 control, r9 status and top of the stack, r10 xmm0, r11 xmm15, r12 MXCSR. */
.macro TELL_STATE
  fnstcw page + 4080
  movzwl page + 4080, %r8d
  fnstsw page + 4080
  movzwl page + 4080, %r9d
  movq %xmm0, %r10
  movq %xmm15, %r11
  stmxcsr page + 4084
  movl page + 4084, %r12d
  fstpt page + 4064
  movq page + 4064, %r13
  xorl %eax, %eax
  xorl %edx, %edx
  int $END
.endm
/* What is in the image: control and tags, MXCSR, two registers of each kind, all of the header. */
.macro TELL_IMAGE
  movl page, %r8d
  movzbl page + 4, %r9d
  movl page + 24, %r10d
  movq page + 32, %r11
  movq page + 48, %r12
  movq page + 160, %r13
  movq page + 400, %r14
  movq page + HEADER, %r15
  movq page + HEADER + 8, %rsi
  movq page + HEADER + 16, %rdi
  xorl %eax, %eax
  xorl %edx, %edx
  int $END
.endm

.irp op, "xgetbv", "xsetbv", "xsave page", "xrstor page", "xsaveopt page"
CASE "without CR4.OSXSAVE: \op"
  \op
CASE "in level 3: \op"
  EXTENDED
  movw $0x37f, page
  USER 1f
1:xorl %ecx, %ecx
  movl $3, %eax
  xorl %edx, %edx
  \op
  xorl %eax, %eax
  int $END
.endr
.irp op, xsave, xrstor, xsaveopt, xsave64, xrstor64
CASE "CR0.TS: \op"
  EXTENDED
  movl $0x80000019, %eax
  movq %rax, %cr0
  \op page
CASE "CR0.EM doesn't matter: \op"
  EXTENDED
  movl $0x80000015, %eax
  movq %rax, %cr0
  xorl %eax, %eax
  xorl %edx, %edx
  \op page
  int $END
CASE "alignment by 64: \op"
  EXTENDED
  \op page + 16
CASE "lock: \op"
  EXTENDED
  .byte 0xf0
  \op page
.endr
CASE "CPUID tells CR4.OSXSAVE"
  movl $1, %eax
  cpuid
  andl $0x8000000, %ecx
  movl %ecx, %r8d
  movl $OSXSAVE, %eax
  movq %rax, %cr4
  movl $1, %eax
  cpuid
  andl $0x8000000, %ecx
  xorl %eax, %eax
  xorl %ebx, %ebx
  xorl %edx, %edx
  int $END
CASE "xgetbv: XCR0"
  EXTENDED
  movl $-1, %edx
  xgetbv
  int $END
.irp number, 2, 3, 0x80000000
CASE "xgetbv of register \number"
  EXTENDED
  movl $\number, %ecx
  xgetbv
CASE "xsetbv of register \number"
  EXTENDED
  movl $\number, %ecx
  movl $3, %eax
  xsetbv
.endr
.irp low, 0, 1, 2, 9, 0x11, 0x103
CASE "xsetbv: \low"
  EXTENDED
  SET_XCR0 \low
  xgetbv
  int $END
.endr
CASE "xsetbv: bit 63"
  EXTENDED
  SET_XCR0 3, 0x80000000
.irp op, "xsave", "xsaveopt", "xsave64", "xsaveopt64"
.irp mask, 0, 1, 2, 3
CASE "\op: mask \mask into an image of ones"
  EXTENDED
  movq $page, %rdi
  movl $HEADER + 64, %ecx
  movb $-1, %al
  rep stosb
  movl $\mask, %eax
  \op page
  TELL_IMAGE
.endr
.endr
CASE "xsave: XCR0 limits the mask"
  EXTENDED
  SET_XCR0 1
  movl $-1, %eax
  movl $-1, %edx
  xsave page
  TELL_IMAGE
.irp op, "xrstor", "xrstor64"
.irp mask, 0, 1, 2, 3
.irp kept, 0, 1, 2, 3
CASE "\op: mask \mask of an image with \kept"
  EXTENDED
  movl $3, %eax
  xsave page
  movq $\kept, page + HEADER
  OTHER_STATE
  movl $\mask, %eax
  \op page
  TELL_STATE
.endr
.endr
.endr
.irp byte, 0, 1, 7, 8, 15, 16, 23, 24, 63
CASE "xrstor: 4 in byte \byte of the header"
  EXTENDED
  movl $3, %eax
  xsave page
  movb $4, page + HEADER + \byte
  xrstor page
  xorl %eax, %eax
  int $END
.endr
.irp mask, 1, 2
.irp kept, 0, 3
CASE "xrstor: MXCSR with a reserved bit, mask \mask of an image with \kept"
  EXTENDED
  movl $3, %eax
  xsave page
  movb $0x10, page + 27
  movq $\kept, page + HEADER
  movl $\mask, %eax
  xrstor page
  xorl %eax, %eax
  int $END
.endr
.endr
CASE "xrstor: what is pending comes with the next x87 instruction"
  EXTENDED
  movl $3, %eax
  xsave page
  movw $0x37e, page
  movw $0x8081, page + 2
  xrstor page
  xorl %eax, %eax
  movl $0x80000031, %ecx
  movq %rcx, %cr0
  xorl %ecx, %ecx
  fld1
CASE "xsave across the end of what is there changes nothing"
  EXTENDED
  movb $1, page
  movq $page, %rax
  orq $1, %rax
  movq %rax, table
  movq $0, table + 8
  movl $3, %eax
  xsave PAGE + 0xe00
