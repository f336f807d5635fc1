/* Far transfers. */
CASE "jmp far: conforming code"
  ljmp $CONFORMING, $1f
1:movl %cs, %eax
  int $END
CASE "jmp far from level 3 to conforming code"
  USER 1f
1:ljmp $CONFORMING, $1f
1:movl %cs, %eax
  int $END
CASE "jmp far: RPL 3 to conforming code keeps CPL"
  ljmp $(CONFORMING | 3), $1f
1:movl %cs, %eax
  int $END
CASE "jmp far: RPL above CPL"
  ljmp $(CODE | 3), $1f
1:
CASE "jmp far: data"
  ljmp $DATA, $0
CASE "jmp far: absent"
  ljmp $CODE_ABSENT, $0
CASE "jmp far: null"
  ljmp $0, $0
CASE "jmp far: beyond the limit"
  ljmp $CODE_LIMITED, $0x1000
CASE "jmp far: DPL above CPL"
  ljmp $USER_CODE, $0
CASE "jmp far: conforming code of DPL 3"
  ljmp $CODE_USER, $0
CASE "jmp far: an LDT"
  ljmp $LDT, $0
CASE "call gate: same level"
  lcall $CALL_GATE, $0
CASE "jmp through a call gate"
  ljmp $CALL_GATE, $0
CASE "call gate from level 3: a parameter is copied"
  movl $1f, %eax
  movw %ax, gdt + CALL_GATE
  shrl $16, %eax
  movw %ax, gdt + CALL_GATE + 6
  xorl %eax, %eax
  USER 2f
2:pushl $0x1234
  lcall $CALL_GATE, $0
1:popl %eax
  subl $1b, %eax
  popl %ebx
  popl %ecx
  popl %edx
  subl $stack_user, %edx
  popl %esi
  int $END
CASE "call gate from level 3 and lret back"
  movl $gate_entry + 2, %eax
  movw %ax, gdt + CALL_GATE
  shrl $16, %eax
  movw %ax, gdt + CALL_GATE + 6
  USER 2f
2:pushl $0x1234
  lcall $CALL_GATE, $0
  int $END
CASE "jmp through a call gate to an inner level"
  USER 1f
1:ljmp $CALL_GATE, $0
CASE "call gate: absent"
  lcall $GATE_ABSENT, $0
CASE "call gate: DPL below CPL"
  USER 1f
1:lcall $GATE_PRIVATE, $0
CASE "call gate: RPL above DPL"
  lcall $(GATE_PRIVATE | 3), $0
CASE "call gate: SS0 is null"
  movw $0, tss_main + TSS_SS0
  USER 1f
1:lcall $CALL_GATE, $0
CASE "call gate: SS0 has another RPL"
  movw $USER_DATA, tss_main + TSS_SS0
  USER 1f
1:lcall $CALL_GATE, $0
CASE "call gate: SS0 is absent"
  movw $DATA_ABSENT, tss_main + TSS_SS0
  USER 1f
1:lcall $CALL_GATE, $0
CASE "call gate to level 2: the report finds its stack"
  USER 1f
1:lcall $GATE_2, $0
CASE "call gate of 16 bits"
  movw $(79b - low_start), gdt + CALL_GATE_16
  movw $CODE_16, gdt + CALL_GATE_16 + 2
  lcall $CALL_GATE_16, $0
LOW_CODE
.code16
  popw %bx
  popw %cx
  movl $0, %ebx
  int $END
.code32
HIGH_CODE
CASE "call gate of 16 bits from level 3"
  movw $(79b - low_start), gdt + CALL_GATE_16
  USER 1f
1:pushw $0x1234
  lcall $CALL_GATE_16, $0
LOW_CODE
.code16
  popw %ax
  movw $0, %ax
  popw %cx
  popw %dx
  popw %si
  movw $0, %si
  popw %di
  int $END
.code32
HIGH_CODE
CASE "lret to level 3 drops segments of level 0"
  movl $USER_DATA, %eax
  movl %eax, %fs
  movl $CONFORMING, %eax
  movl %eax, %gs
  pushl $USER_DATA
  pushl $stack_user
  pushl $USER_CODE
  pushl $1f
  lret
1:int $END
CASE "iret to level 3 drops segments of level 0"
  movl $LOCAL_DATA, %eax
  movl %eax, %fs
  pushl $USER_DATA
  pushl $stack_user
  pushl $0x3002
  pushl $USER_CODE
  pushl $1f
  iret
1:int $END
CASE "lret $8 to level 3: both stacks move"
  pushl $USER_DATA
  pushl $stack_user - 16
  pushl $0
  pushl $0
  pushl $USER_CODE
  pushl $1f
  lret $8
1:int $END
CASE "lret to an inner level"
  USER 1f
1:pushl $CODE
  pushl $1b
  lret
CASE "lret: SS of another level"
  pushl $DATA
  pushl $stack_user
  pushl $USER_CODE
  pushl $1f
  lret
1:
CASE "lret: SS is null"
  pushl $0
  pushl $stack_user
  pushl $USER_CODE
  pushl $1f
  lret
1:
CASE "lret: beyond the limit of CS"
  pushl $CODE_LIMITED
  pushl $0x1000
  lret
CASE "iret: RPL isn't DPL"
  pushl $2
  pushl $(CODE | 3)
  pushl $1f
  iret
1:
CASE "iret: absent"
  pushl $2
  pushl $CODE_ABSENT
  pushl $1f
  iret
1:
CASE "iret at level 3: IOPL and IF stay"
  USER 1f
1:pushl $0x3202
  pushl $USER_CODE
  pushl $1f
  iret
1:pushfl
  popl %eax
  int $END
CASE "iret of 16 bits"
  pushw $0x0cd7
  pushw $CODE_16
  pushw $(79b - low_start)
  iretw
LOW_CODE
.code16
  int $END
.code32
HIGH_CODE
