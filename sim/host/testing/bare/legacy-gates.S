/* Gates of the IDT. */
CASE "int: gate of 16 bits"
  ljmp $CODE_16, $(79b - low_start)
LOW_CODE
.code16
  movw $(1f - low_start), %si
  int $GATE_16
1:
.code32
HIGH_CODE
CASE "int: absent gate"
  int $NOT_PRESENT
CASE "int: DPL 0 from level 3"
  USER 1f
1:int $PRIVATE
CASE "int: a call gate in the IDT"
  int $NO_GATE
CASE "int: beyond the IDT"
  int $0x80
CASE "int: to data"
  int $TO_DATA
CASE "int: to a null selector"
  int $TO_NULL
CASE "int: to absent code"
  int $TO_ABSENT
CASE "int: conforming handler from level 3"
  movl $1f, %eax
  movw %ax, idt + TO_CONFORMING * 8
  shrl $16, %eax
  movw %ax, idt + TO_CONFORMING * 8 + 6
  xorl %eax, %eax
  USER 2f
2:int $TO_CONFORMING
1:movl %cs, %eax
  movl (%esp), %ebx
  subl $1b, %ebx
  int $END
CASE "int: an interrupt gate clears IF, a trap gate doesn't"
  pushl $0x0202
  popfl
  int $TRAP
CASE "int3 from level 3"
  USER 1f
1:int3
CASE "into"
  movb $0x7f, %al
  addb $1, %al
  into
CASE "int: SS0 is null"
  movw $0, tss_main + TSS_SS0
  movw $TASK_B, idt + 10 * 8 + 2
  movw $0x8500, idt + 10 * 8 + 4
  movl $1f, tss_b + TSS_EIP
  USER 2f
2:int $END
1:popl %eax
  int $END
CASE "int: the stack of level 0 is beyond its limit"
  movw $DATA_LIMITED, tss_main + TSS_SS0
  movl $0x108, tss_main + TSS_ESP0
  movw $TASK_B, idt + 12 * 8 + 2
  movw $0x8500, idt + 12 * 8 + 4
  movl $1f, tss_b + TSS_EIP
  USER 2f
2:int $END
1:popl %eax
  int $END

/* Double faults (SDM 3A, 6.15, table 6-5): each class in the delivery of each. */
CASE "#GP in the delivery of #UD (benign)"
  movb $0, idt + 6 * 8 + 5
  movb $0x86, idt + 6 * 8 + 5
  movw $TASK, idt + 6 * 8 + 2
  ud2
CASE "#NP in the delivery of #UD (benign)"
  movb $0x0e, idt + 6 * 8 + 5
  ud2
CASE "#NP in the delivery of #DE (contributory)"
  movb $0x0e, idt + 5
  divl %eax
CASE "#NP in the delivery of #GP (contributory)"
  movb $0x0e, idt + 13 * 8 + 5
  movl $0x1000, %eax
  movl %eax, %es
CASE "#GP in the delivery of #PF"
  PAGING
  movw $DATA, idt + 14 * 8 + 2
  movl 0x50000000, %eax
CASE "#NP in the delivery of #NP"
  movb $0x0e, idt + 11 * 8 + 5
  int $NOT_PRESENT
CASE "#PF in the delivery of #GP (contributory, then page fault)"
  PAGING
  movl $0x50000000, %ebx
  movw $CODE, idt + 13 * 8 + 2
  movl $0x40000000, %eax
  movl $0x51000000, tss_main + TSS_ESP0
  USER 1f
1:hlt
CASE "#PF in the delivery of #PF"
  PAGING
  movl $0x51000000, %esp
  pushl %eax
CASE "#NP in the delivery of #BR (benign)"
  movb $0x0e, idt + 5 * 8 + 5
  boundl %eax, 1f
  int $END
1:.long 1, 2
CASE "#NP in the delivery of #NM (benign)"
  movb $0x0e, idt + 7 * 8 + 5
  smsw %ax
  orb $8, %al
  lmsw %ax
  xorl %eax, %eax
  fninit
