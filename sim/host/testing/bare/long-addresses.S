/* Addresses that aren't canonical: #SS(0) through the stack's registers, else #GP(0) (SDM 1, 3.3.7.1). */
.irp op, "pushq %rax", "popq %rax", "movq (%rsp), %rax", "movq %rax, 8(%rsp)", "callq 9b", "retq", "pushfq", "popfq", "movaps (%rsp), %xmm0", "movups %xmm0, (%rsp)", "movsd (%rsp), %xmm0", "fldt (%rsp)", "fstpl (%rsp)", "fxsave (%rsp)", "fldcw (%rsp)", "lgdt (%rsp)", "sidt (%rsp)", "cmpxchg16b (%rsp)", "lock; addl $1, (%rsp)", "ltr (%rsp)", "lretq", "iretq", "enterq $8, $0", "invlpg (%rsp)", "clflush (%rsp)", "prefetcht0 (%rsp)", "pushq (%rax)", "xchgl %eax, (%rsp)", "movntq %mm0, (%rsp)", "ldmxcsr (%rsp)", "lss (%rsp), %eax"
CASE "stack that isn't canonical: \op"
9:movabsq $NONCANONICAL, %rsp
  \op
  movq $stack_main, %rsp
  xorl %eax, %eax
  int $END
.endr
.irp op, "movq (%rbp), %rax", "leaveq", "movq %fs:(%rbp), %rax", "movq (%rax, %rbp), %rcx", "movq (%rbp, %rax), %rcx"
CASE "RBP that isn't canonical: \op"
  movabsq $NONCANONICAL, %rbp
  \op
.endr
.irp op, "movq (%rax), %rax", "movq %rax, (%rax)", "movups (%rax), %xmm0", "fldl (%rax)", "jmpq *%rax", "callq *%rax", "jmpq *(%rax)", "lidt (%rax)", "invlpg (%rax)", "clflush (%rax)", "prefetcht0 (%rax)", "movabsq 0x0000800000000000, %rax", "movq %ss:(%rax), %rax"
CASE "address that isn't canonical: \op"
  movabsq $NONCANONICAL, %rax
  \op
  xorl %eax, %eax
  int $END
.endr
CASE "an operand that only ends beyond canonical addresses"
  movabsq $NONCANONICAL - 4, %rax
  movq (%rax), %rbx
CASE "rep movsb, source not canonical"
  movabsq $NONCANONICAL, %rsi
  movl $3, %ecx
  movq $page, %rdi
  xorl %edi, %edi
  rep movsb
CASE "ret to an address that isn't canonical: RSP stays"
  movabsq $NONCANONICAL, %rax
  pushq %rax
  retq
CASE "alignment: movaps"
  movaps page + 8, %xmm0
CASE "alignment: cmpxchg16b"
  cmpxchg16b page + 8
CASE "alignment: fxsave"
  fxsave page + 8
CASE "lgdt: a base that isn't canonical"
  movabsq $NONCANONICAL, %rax
  movq %rax, page + 2
  lgdt page
.irp number, 0x174, 0x175, 0xc0000082, 0xc0000083, 0xc0000084, 0xc0000100, 0xc0000101, 0xc0000102, 0xc0000103, 0xc0000080, 0x277, 0x1b
CASE "wrmsr of what the register can't hold: \number"
  movl $\number, %ecx
  xorl %eax, %eax
  movl $0x8000, %edx
  wrmsr
  movl $7, %r8d
  int $END
.endr
