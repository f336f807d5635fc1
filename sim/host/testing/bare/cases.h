#include "legacy.h"

/* CASE "title": what follows is executed from the state that the monitor has made. Code for 16-bit
   segments and virtual-8086 mode goes between LOW_CODE and HIGH_CODE. */
.macro CASE title:vararg
  int $END /* of the case before, if it gets there */
.pushsection .rodata
77: .asciz \title
.popsection
.pushsection rows, "aw"
.long 77b, 78f, 79f
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

/* A level-3 program from `label` on, with these flags. */
.macro USER label, flags=2
  pushl $USER_DATA
  pushl $stack_user
  pushl $\flags
  pushl $USER_CODE
  pushl $\label
  movl $USER_DATA, %eax
  movl %eax, %ds
  movl %eax, %es
  xorl %eax, %eax
  iret
.endm
/* Virtual-8086 mode at the low code of this case. */
.macro VIRTUAL flags=0x20002
  pushl $0x4444
  pushl $0x3333
  pushl $0x2222
  pushl $0x1111
  pushl $LOW_SEGMENT
  pushl $0x9000
  pushl $\flags
  pushl $LOW_SEGMENT
  pushl $(79b - low_start)
  iret
.endm
/* Paging of 32 bits, and PAE: the tables of legacy.c. */
.macro PAGING
  movl $directory, %ecx
  movl %ecx, %cr3
  movl $0x10, %ecx
  movl %ecx, %cr4
  movl $0x80010011, %ecx
  movl %ecx, %cr0
  xorl %ecx, %ecx
.endm
.macro PAGING_PAE
  movl $pointers, %ecx
  movl %ecx, %cr3
  movl $0x20, %ecx
  movl %ecx, %cr4
  movl $0x80010011, %ecx
  movl %ecx, %cr0
  xorl %ecx, %ecx
.endm
