#include "long.h"

/* CASE "title": what follows is executed from the state that the monitor has made. */
.macro CASE title:vararg
  int $END /* of the case before, if it gets there */
.pushsection .rodata
77: .asciz \title
.popsection
.pushsection rows, "aw"
.quad 77b, 78f, 79f
.popsection
.pushsection low, "ax"
79:
.popsection
78:
.endm
.macro LOW_CODE
.pushsection low, "ax"
.endm
.macro HIGH_CODE
.popsection
.endm
/* Level 3 at `label`, in 64-bit mode or another code segment. */
.macro USER label, flags=2, code=USER_CODE
  pushq $USER_DATA
  pushq $stack_user
  pushq $\flags
  pushq $\code
  pushq $\label
  iretq
.endm
/* Compatibility mode of level 0 behind this. */
.macro COMPATIBLE
  pushq $CODE_32
  pushq $766f
  lretq
766:
.code32
.endm
.macro MSR number, value
  movl $\number, %ecx
  movabsq $\value, %rax
  movq %rax, %rdx
  shrq $32, %rdx
  wrmsr
  xorl %eax, %eax
  xorl %ecx, %ecx
  xorl %edx, %edx
.endm
/* The handler of `vector` is at `label`; on the present stack. */
.macro HANDLER vector, label, stack=0
  movq $\label, %rax
  movw %ax, idt + \vector * 16
  shrq $16, %rax
  movw %ax, idt + \vector * 16 + 6
  movb $\stack, idt + \vector * 16 + 4
  xorl %eax, %eax
.endm
