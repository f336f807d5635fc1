/* Interrupts, NMIs and their shadows; double and triple faults (SDM 3A, 6.7, 6.8.3, 6.15). */
.macro WRITE_APIC offset, value
  movabsq $(APIC + \offset), %rdx
  movl $\value, (%rdx)
  xorl %edx, %edx
.endm
.macro PEND
  WRITE_APIC 0xf0, 0x1ff
  WRITE_APIC 0x300, (0x44000 | INTERRUPT)
.endm
.macro NMI
  WRITE_APIC 0xf0, 0x1ff
  WRITE_APIC 0x310, 0
  WRITE_APIC 0x300, 0x4400
.endm
.macro DONE /* end of interrupt, so that the next case begins without one */
  WRITE_APIC 0xb0, 0
.endm
.macro HANDLE_INTERRUPT
  HANDLER INTERRUPT, 768f
  jmp 767f
768:
  DONE
  movq (%rsp), %r8
  movq 16(%rsp), %r9
  andl $0x10200, %r9d
  subq %r10, %r8
  xorl %r10d, %r10d
  int $END
767:
.endm
CASE "sti: the next instruction comes before an interrupt"
  HANDLE_INTERRUPT
  movl $1f, %r10d
  PEND
1:sti
  incl %eax
  incl %eax
  incl %eax
CASE "sti, then cli: no interrupt"
  HANDLE_INTERRUPT
  movl $1f, %r10d
  PEND
1:sti
  cli
  incl %eax
  nop
  nop
  sti
  nop
  nop
CASE "sti with IF already set has no shadow"
  HANDLE_INTERRUPT
  movl $1f, %r10d
  sti
  nop
  PEND
1:incl %eax
  incl %eax
CASE "popfq that sets IF has no shadow"
  HANDLE_INTERRUPT
  movl $1f, %r10d
  PEND
  pushq $0x202
  popfq
1:incl %eax
  incl %eax
CASE "mov ss: the next instruction comes before an interrupt"
  HANDLE_INTERRUPT
  movl $1f, %r10d
  PEND
  movl %ss, %ebx
  pushq $0x202
  movl $0, %eax
  cli
  sti
1:movl %ebx, %ss
  incl %eax
  incl %eax
  incl %eax
CASE "sti, then hlt: the interrupt wakes it"
  HANDLE_INTERRUPT
  movl $1f, %r10d
  PEND
1:sti
  hlt
  incl %eax
CASE "cr8 keeps an interrupt back"
  HANDLE_INTERRUPT
  movl $1f, %r10d
  movl $3, %eax
  movq %rax, %cr8
  PEND
  sti
  nop
  nop
  movl $2, %eax
  movq %rax, %cr8
1:incl %eax
  incl %eax
CASE "an NMI comes with IF clear; a second one waits for iretq"
  HANDLER 2, 1f
  xorl %ebx, %ebx
  NMI
  nop
  nop
  nop
  nop
  DONE
  int $END
1:incl %ebx
  cmpl $1, %ebx
  jne 2f
  NMI
  nop
  nop
  movl %ebx, %esi
2:iretq
CASE "an NMI: iretq that faults lets NMIs in"
  HANDLER 2, 1f
  NMI
  nop
  nop
1:incl %ebx
  cmpl $1, %ebx
  je 2f
  int $END
2:HANDLER 13, 3f
  pushq $DATA
  pushq $stack_main
  pushq $2
  pushq $0x1000
  pushq $0
  iretq
3:NMI
  nop
  nop
  movl $1, %ecx
  int $END
CASE "an NMI behind mov ss comes one instruction later"
  HANDLER 2, 1f
  movl %ss, %ecx
  WRITE_APIC 0xf0, 0x1ff
  movabsq $(APIC + 0x300), %rdx
  movl %ecx, %ss
  movl $0x4400, (%rdx)
  nop
  nop
  xorl %edx, %edx
  int $END
1:xorl %ecx, %ecx
  xorl %edx, %edx
  int $END
CASE "#PF in the delivery of #PF"
  movb $0, idt + 14 * 16 + 4
  movq $NOTHING, %rsp
  pushq %rax
CASE "#SS in the delivery of #GP"
  movb $0, idt + 13 * 16 + 4
  movabsq $NONCANONICAL, %rsp
  movl $0x1000, %eax
  movl %eax, %es
CASE "#GP in the delivery of #SS"
  movw $DATA, idt + 12 * 16 + 2
  movabsq $NONCANONICAL, %rsp
  pushq %rax
CASE "#PF in the delivery of #GP: a page fault"
  movb $0, idt + 13 * 16 + 4
  movq $NOTHING, %rsp
  movl $0x1000, %eax
  movl %eax, %es
CASE "#GP in the delivery of #PF"
  movw $DATA, idt + 14 * 16 + 2
  movl NOTHING, %eax
CASE "#NP in the delivery of #UD"
  movb $0x0e, idt + 6 * 16 + 5
  ud2
CASE "#NP in the delivery of an interrupt"
  movb $0x0e, idt + INTERRUPT * 16 + 5
  PEND
  sti
  nop
  nop
CASE "#NP in the delivery of an NMI"
  movb $0x0e, idt + 2 * 16 + 5
  NMI
  nop
  nop
CASE "the gate of #DF is absent"
  movb $0x0e, idt + 8 * 16 + 5
  movb $0x0e, idt + 13 * 16 + 5
  movl $0x1000, %eax
  movl %eax, %es
CASE "#PF in the delivery of #DF"
  movw $DATA, idt + 13 * 16 + 2
  movl $NOTHING, tss + 44
  movl $0x1000, %eax
  movl %eax, %es
CASE "an empty IDT"
  lidt page
  ud2
