/* Task switches (SDM 3A, 7.3). */
CASE "jmp to a TSS"
  ljmp $TASK_B, $0
CASE "call to a TSS: link, NT, busy"
  movl $task_reads, tss_b + TSS_EIP
  lcall $TASK_B, $0
task_reads:
  movzwl tss_b, %eax
  larl tss_b, %ecx
  movl $TASK, %edx
  larl %edx, %ebx
  pushfl
  popl %edx
  andl $0x7000, %edx
  int $END
CASE "jmp to a TSS: the old one is available again"
  movl $1f, tss_b + TSS_EIP
  ljmp $TASK_B, $0
1:movl $TASK, %edx
  larl %edx, %ebx
  movl $TASK_B, %edx
  larl %edx, %ecx
  movzwl tss_b, %eax
  int $END
CASE "jmp to a TSS saves registers and flags"
  movl $1f, tss_b + TSS_EIP
  movl $0x11111111, %eax
  movl $0x88888888, %edi
  pushl $0x46
  popfl
  ljmp $TASK_B, $0
  nop
1:movl tss_main + TSS_EAX, %eax
  movl tss_main + TSS_EAX + 28, %ebx
  movl tss_main + TSS_EFLAGS, %ecx
  movl tss_main + TSS_EIP, %edx
  subl $1b, %edx
  movl tss_main + TSS_CS, %esi
  movl tss_main + TSS_SS, %edi
  int $END
CASE "jmp to a TSS loads all registers"
  movl $0x12345678, tss_b + TSS_EAX
  movl $0x87654321, tss_b + TSS_EAX + 28
  movl $0x3dd5, tss_b + TSS_EFLAGS
  movl $USER_DATA, tss_b + TSS_FS
  movl $LOCAL_DATA, tss_b + TSS_GS
  movl $LDT, tss_b + TSS_LDT
  movl $1f, tss_b + TSS_EIP
  ljmp $TASK_B, $0
1:sldt %ecx
  smsw %edx
  int $END
CASE "call to a TSS and iret back"
  movl $1f, tss_b + TSS_EIP
  movl $5, %eax
  lcall $TASK_B, $0
  larl tss_b_selector, %ecx
  smsw %edx
  int $END
1:movl $7, %eax
  iret
tss_b_selector: .long TASK_B
CASE "iret back twice: the task goes on behind its iret"
  movl $1f, tss_b + TSS_EIP
  lcall $TASK_B, $0
  lcall $TASK_B, $0
  int $END
1:incl %eax
  iret
  incl %eax
  int $END
CASE "jmp through a task gate"
  ljmp $TASK_GATE, $0
CASE "call through a task gate from level 3"
  USER 1f
1:lcall $TASK_GATE, $0
CASE "jmp to a TSS from level 3, DPL 3"
  USER 1f
1:ljmp $TASK_B, $0
CASE "jmp to a TSS of DPL 0 from level 3"
  USER 1f
1:ljmp $FAULT_TASK, $0
CASE "jmp to a TSS with RPL 3 and DPL 0"
  ljmp $(FAULT_TASK | 3), $0
CASE "jmp to a busy TSS"
  ljmp $TASK_BUSY, $0
CASE "jmp to the running task"
  ljmp $TASK, $0
CASE "jmp to a TSS that is absent"
  ljmp $TASK_ABSENT, $0
CASE "jmp to a TSS that is too short"
  ljmp $TASK_SHORT, $0
CASE "jmp to a TSS in the LDT"
  ljmp $LOCAL_TASK, $0
CASE "jmp through a task gate that names a busy TSS"
  ljmp $GATE_TO_BUSY, $0
CASE "jmp through a task gate that names the LDT"
  ljmp $GATE_LOCAL, $0
CASE "iret with NT, the link is null"
  pushl $0x4002
  popfl
  iret
CASE "iret with NT, the linked TSS isn't busy"
  movw $TASK_B, tss_main
  pushl $0x4002
  popfl
  iret
CASE "iret with NT, the link is no TSS"
  movw $CODE, tss_main
  pushl $0x4002
  popfl
  iret
CASE "iret with NT, the link is beyond the GDT"
  movw $0x1000, tss_main
  pushl $0x4002
  popfl
  iret
CASE "new task: the LDT is no LDT"
  movw $DATA, tss_b + TSS_LDT
  movl $(FAULT_TASK << 16), idt + 10 * 8
  movl $0x8500, idt + 10 * 8 + 4
  movl $10, fault_vector
  ljmp $TASK_B, $0
CASE "new task: the LDT is absent"
  movw $LDT_ABSENT, tss_b + TSS_LDT
  movl $(FAULT_TASK << 16), idt + 10 * 8
  movl $0x8500, idt + 10 * 8 + 4
  movl $10, fault_vector
  ljmp $TASK_B, $0
CASE "new task: CS is null"
  movw $0, tss_b + TSS_CS
  ljmp $TASK_B, $0
CASE "new task: CS is data"
  movw $DATA, tss_b + TSS_CS
  ljmp $TASK_B, $0
CASE "new task: CS is absent"
  movw $CODE_ABSENT, tss_b + TSS_CS
  ljmp $TASK_B, $0
CASE "new task: DS is execute-only"
  movw $EXECUTE_ONLY, tss_b + TSS_DS
  ljmp $TASK_B, $0
CASE "new task: ES is absent"
  movw $DATA_ABSENT, tss_b + TSS_ES
  ljmp $TASK_B, $0
CASE "new task: FS is beyond the GDT"
  movw $0x1000, tss_b + TSS_FS
  ljmp $TASK_B, $0
CASE "new task: GS is in an LDT that isn't there"
  movw $LOCAL_DATA, tss_b + TSS_GS
  ljmp $TASK_B, $0
CASE "new task at level 3"
  movw $USER_CODE, tss_b + TSS_CS
  movw $USER_DATA, tss_b + TSS_SS
  movw $USER_DATA, tss_b + TSS_DS
  movw $USER_DATA, tss_b + TSS_ES
  movl $stack_user, tss_b + TSS_ESP
  ljmp $TASK_B, $0
CASE "new task at level 3: DS of level 0"
  movw $USER_CODE, tss_b + TSS_CS
  movw $USER_DATA, tss_b + TSS_SS
  movl $stack_user, tss_b + TSS_ESP
  ljmp $TASK_B, $0
CASE "new task at level 3: SS is null"
  movw $USER_CODE, tss_b + TSS_CS
  movw $0, tss_b + TSS_SS
  ljmp $TASK_B, $0
CASE "new task at level 3: SS is absent"
  movw $USER_CODE, tss_b + TSS_CS
  movw $0x1000, tss_b + TSS_SS
  ljmp $TASK_B, $0
CASE "new task: EIP beyond the limit"
  movw $CODE_LIMITED, tss_b + TSS_CS
  movl $0x1000, tss_b + TSS_EIP
  ljmp $TASK_B, $0
CASE "new task with T: a debug trap before its first instruction"
  movw $1, tss_b + TSS_TRAP
  ljmp $TASK_B, $0
CASE "new task in virtual-8086 mode"
  movl $0x20002, tss_b + TSS_EFLAGS
  movw $LOW_SEGMENT, tss_b + TSS_CS
  movw $LOW_SEGMENT, tss_b + TSS_SS
  movw $0x1234, tss_b + TSS_DS
  movl $(79b - low_start), tss_b + TSS_EIP
  movl $0x8000, tss_b + TSS_ESP
  ljmp $TASK_B, $0
LOW_CODE
.code16
  movw %ds, %ax
  int $END
.code32
HIGH_CODE
CASE "task switch with paging: CR3 of the new task"
  PAGING
  movl $directory, tss_b + TSS_CR3
  movl $1f, tss_b + TSS_EIP
  ljmp $TASK_B, $0
1:movl %cr3, %eax
  subl $directory, %eax
  int $END
CASE "task switch clears L0 to L3 of DR7"
  movl $0x7ff, %eax
  movl %eax, %dr7
  movl $0x55, %eax
  movl %eax, %dr0
  movl $1f, tss_b + TSS_EIP
  ljmp $TASK_B, $0
1:movl %dr7, %eax
  andl $0xff, %eax
  int $END
CASE "jmp to a TSS of 16 bits"
  movw $(79b - low_start), tss_16 + 14
  movw $0x1234, tss_16 + 18
  movw $0x5678, tss_16 + 32
  ljmp $TASK_16, $0
LOW_CODE
.code16
  movzwl %ax, %eax
  movzwl %di, %edi
  movzwl %sp, %esp
  movl $0, %ebx
  movl $0, %ecx
  movl $0, %edx
  movl $0, %esi
  movl $0, %ebp
  int $END
.code32
HIGH_CODE
CASE "call to a TSS of 16 bits and iret back"
  movw $(79b - low_start), tss_16 + 14
  lcall $TASK_16, $0
  movzwl tss_16, %eax
  movzwl tss_16 + 14, %ebx
  subl $(79b - low_start), %ebx
  movzwl tss_16 + 34, %ecx
  int $END
LOW_CODE
.code16
  iret
.code32
HIGH_CODE
CASE "int through a task gate"
  int $TO_TASK
CASE "int through a task gate of DPL 0, from level 3"
  USER 1f
1:int $TO_TASK
CASE "int through a task gate of DPL 3, from level 3"
  USER 1f
1:int $TO_TASK_USER
CASE "int through a task gate from virtual-8086 mode"
  VIRTUAL 0x23002
LOW_CODE
.code16
  int $TO_TASK_USER
.code32
HIGH_CODE
CASE "exception through a task gate: error code on the new stack"
  movl $0x3800e5, %eax
  movl idt + 13 * 8 + 4, %ebx
  movl $(TASK_B << 16), idt + 13 * 8
  movl $0xe500, idt + 13 * 8 + 4
  movl $1f, tss_b + TSS_EIP
  movl $DATA_ABSENT + 0x1000, %ecx
  xorl %eax, %eax
  xorl %ebx, %ebx
  movl %ecx, %fs
1:popl %eax
  movl tss_main + TSS_EFLAGS, %ebx
  movl tss_main + TSS_EIP, %ecx
  subl $1b, %ecx
  int $END
CASE "exception through a task gate whose task is busy"
  movl $(TASK_BUSY << 16), idt + 6 * 8
  movl $0xe500, idt + 6 * 8 + 4
  ud2
CASE "exception through a task gate: the new task has no CS"
  movl $(TASK_B << 16), idt + 6 * 8
  movl $0xe500, idt + 6 * 8 + 4
  movw $0, tss_b + TSS_CS
  ud2
CASE "task switch: the new TSS isn't mapped"
  PAGING
  movl $directory, tss_b + TSS_CR3
  movl gdt + TASK_B, %eax
  movw $0x0000, gdt + TASK_B + 2
  movb $0x00, gdt + TASK_B + 4
  movb $0x50, gdt + TASK_B + 7
  xorl %eax, %eax
  ljmp $TASK_B, $0
