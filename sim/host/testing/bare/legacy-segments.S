/* Segment loads (SDM 2B, MOV; 3A, 5). */
.macro LOAD segment, selector, title
CASE "mov to \segment: \title"
  movl $\selector, %eax
  movl %eax, %\segment
  int $END
.endm
LOAD ds, 0, "null"
LOAD ss, 0, "null"
LOAD ds, CODE, "readable code"
LOAD ds, EXECUTE_ONLY, "execute-only code"
LOAD es, DATA_ABSENT, "absent"
LOAD ss, DATA_ABSENT, "absent"
LOAD ss, READ_ONLY, "read-only"
LOAD ss, CODE, "code"
LOAD ss, USER_DATA, "RPL and DPL 3"
LOAD ss, (DATA | 1), "RPL 1"
LOAD fs, 0x1000, "beyond the GDT"
LOAD gs, LDT, "an LDT"
LOAD gs, TASK, "a TSS"
LOAD gs, LOCAL_DATA, "in the LDT"
LOAD gs, 0x24, "beyond the LDT"
LOAD es, (DATA | 3), "RPL 3, DPL 0"
LOAD es, (CONFORMING | 3), "conforming code, RPL 3"
CASE "access through a null segment"
  xorl %eax, %eax
  movl %eax, %es
  movl %es:0, %eax
CASE "write to a read-only segment"
  movl $READ_ONLY, %eax
  movl %eax, %es
  movl %eax, %es:LOW
CASE "write to a code segment"
  movl %eax, %cs:LOW
CASE "read of execute-only code"
  ljmp $EXECUTE_ONLY, $1f
1:movl %cs:LOW, %eax
CASE "limit: the last dword fits"
  movl $DATA_LIMITED, %eax
  movl %eax, %es
  movl $7, %es:0xfc
  int $END
CASE "limit: a dword over it"
  movl $DATA_LIMITED, %eax
  movl %eax, %es
  movl $7, %es:0xfd
CASE "limit: in the stack segment"
  movl $DATA_LIMITED, %eax
  movl %eax, %ss
  movl %ss:0xfd, %eax
CASE "limit: a push over it"
  movl $DATA_LIMITED, %eax
  movl %eax, %ss
  movl $0x102, %esp
  pushl %eax
CASE "limit: the wrap-around of ESP is far behind it"
  movl $DATA_LIMITED, %eax
  movl %eax, %ss
  movl $2, %esp
  pushl %eax
CASE "limit: expand-down, below"
  movl $EXPAND_DOWN, %eax
  movl %eax, %es
  movl %es:0xfff, %eax
CASE "limit: expand-down, above"
  movl $EXPAND_DOWN, %eax
  movl %eax, %es
  movl %es:LOW, %eax
  xorl %eax, %eax
  int $END
CASE "accessed flag of a segment that is loaded"
  andb $0xfe, gdt + READ_ONLY + 5
  movl $READ_ONLY, %eax
  movl %eax, %fs
  larl %eax, %ebx
  andl $0xf0ff00, %ebx
  int $END

/* PUSH of segment registers writes 16 bits of the doubleword (SDM 2B, PUSH). */
CASE "push fs: width in memory"
  movl $0x77777777, -4(%esp)
  pushl %fs
  popl %eax
  andl $0xffff, %eax
  int $END
CASE "push ds with a 16-bit operand"
  movl $0x77777777, -4(%esp)
  pushw %ds
  movl (%esp), %eax
  movl -2(%esp), %ebx
  int $END
CASE "pop ds of 32 bits"
  pushl $0x7777001b
  popl %ds
  movl %ds, %eax
  int $END
CASE "mov from ds to memory: 16 bits"
  movl $0x77777777, LOW + 0xf000
  movw %ds, LOW + 0xf000
  movl LOW + 0xf000, %ebx
  movl %ds, %ecx
  int $END

/* LAR, LSL, VERR, VERW (SDM 2A). */
.irp selector, 0, CODE, DATA, USER_DATA, TASK, TASK_B, TASK_16, LDT, TASK_GATE, CALL_GATE, CALL_GATE_16, CONFORMING, EXECUTE_ONLY, DATA_ABSENT, READ_ONLY, DATA_LIMITED, LOCAL_DATA, 0x1000, (DATA|3), (CONFORMING|3), (USER_DATA & ~3)
CASE "lar, lsl, verr, verw of \selector"
  movl $\selector, %eax
  movl %eax, %edi
  xorl %ebx, %ebx
  larl %edi, %ebx
  setz %dl
  andl $0xf0ff00, %ebx
  lsll %edi, %ecx
  setz %dh
  verr %di
  setz %al
  verw %di
  setz %ah
  andl $0xffff, %eax
  int $END
.endr
CASE "lar at level 3 of what only level 0 sees"
  USER 1f
1:movl $DATA, %eax
  larl %eax, %ebx
  setz %cl
  movl $CALL_GATE, %eax
  larl %eax, %ebx
  setz %ch
  movl $GATE_PRIVATE, %eax
  larl %eax, %edx
  setz %al
  int $END
CASE "lar of 16 bits"
  movl $0x77777777, %ebx
  movl $DATA, %eax
  larw %ax, %bx
  int $END
CASE "arpl"
  movw $0x10, %ax
  movw $0x1b, %bx
  arpl %bx, %ax
  setz %cl
  arpl %bx, %ax
  setz %ch
  int $END
