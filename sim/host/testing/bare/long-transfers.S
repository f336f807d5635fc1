/* Far transfers, gates, and the calls of systems (SDM 2A, CALL, IRET; 2B, RET, SYSCALL, SYSENTER). */
.text
.code64
CASE "call gate from 64-bit mode, same level"
  lcall *1f
1:.long 0
  .word CALL_GATE
CASE "call gate from level 3: SS is null behind it"
  USER 2f
2:lcall *1f
1:.long 0
  .word CALL_GATE
CASE "call gate from level 3 of compatibility mode"
  USER 2f, 2, USER_CODE_32
.code32
2:lcall $CALL_GATE, $0
.code64
CASE "call gate from level 3 and lretq back"
  addq $2, gdt + CALL_GATE
  USER 2f
2:lcall *1f
  int $END
1:.long 0
  .word CALL_GATE
.irp selector, GATE_TO_32, GATE_MALFORMED, GATE_OLD, GATE_ABSENT, TASK, TASK_FREE, LDT, CODE_BOTH, CODE_ABSENT, DATA, 0, 0x1000
CASE "call far to \selector"
  lcall *1f
1:.long 0
  .word \selector
.endr
CASE "jmp through a call gate"
  ljmp *1f
1:.long 0
  .word CALL_GATE
CASE "call gate to a non-canonical address"
  movl $0x8000, gdt + CALL_GATE + 8
  lcall *1f
1:.long 0
  .word CALL_GATE
CASE "jmp to a TSS in compatibility mode"
  COMPATIBLE
  ljmp $TASK_FREE, $0
.code64
CASE "iret with NT"
  pushq $0x4002
  popfq
  iretq
CASE "iret with NT in compatibility mode"
  pushq $0x4002
  popfq
  COMPATIBLE
  iret
.code64
CASE "int through a gate of a task's type"
  int $TASK_TYPE
CASE "int to 32-bit code"
  int $TO_CODE_32
CASE "int to a null selector"
  int $TO_NULL
CASE "int to a non-canonical address"
  int $NON_CANONICAL
CASE "int: absent"
  int $NOT_PRESENT
CASE "int: beyond the IDT"
  int $0x80
CASE "int: DPL"
  USER 1f
1:int $PRIVATE
CASE "int on the present stack: aligned to 16"
  HANDLER ON_STACK, 1f
  subq $3, %rsp
  int $ON_STACK
1:movq 24(%rsp), %rax
  subq %rsp, %rax
  movq $stack_main, %rbx
  subq %rsp, %rbx
  int $END
CASE "int on a stack of the IST, from level 0"
  HANDLER ON_IST, 1f, 2
  int $ON_IST
1:movq $stack_ist2, %rax
  subq %rsp, %rax
  int $END
CASE "int from level 3: the stack of the TSS"
  HANDLER ON_STACK, 1f
  USER 2f
2:int $ON_STACK
1:movq $stack_kernel, %rax
  subq %rsp, %rax
  movl %ss, %ebx
  movq 32(%rsp), %rcx
  int $END
CASE "int from level 3: RSP0 isn't canonical"
  HANDLER ON_STACK, 1f
  movl $0x8000, tss + 8
  USER 2f
2:int $ON_STACK
1:
CASE "int: the IST isn't canonical"
  movl $0x8000, tss + 48
  movb $2, idt + ON_STACK * 16 + 4
  int $ON_STACK
CASE "int: the TSS ends before the IST"
  movb $40, gdt + TASK
  movw $TASK_FREE, %ax
  movb $40, gdt + TASK_FREE
  ltr %ax
  xorl %eax, %eax
  movb $2, idt + ON_STACK * 16 + 4
  int $ON_STACK
CASE "iretq with SS null to level 0"
  pushq $0
  pushq $stack_kernel
  pushq $2
  pushq $CODE
  pushq $1f
  iretq
1:int $END
CASE "iretq with SS null to level 3"
  pushq $0
  pushq $stack_user
  pushq $2
  pushq $USER_CODE
  pushq $1f
  iretq
1:int $END
CASE "iretq to compatibility mode"
  pushq $USER_DATA
  pushq $stack_user
  pushq $2
  pushq $USER_CODE_32
  pushq $1f
  iretq
1:int $END
CASE "iretq to code with L and D"
  pushq $DATA
  pushq $stack_kernel
  pushq $2
  pushq $CODE_BOTH
  pushq $1f
  iretq
1:int $END
CASE "iretq to an address that isn't canonical"
  pushq $DATA
  pushq $stack_kernel
  pushq $2
  pushq $CODE
  movabsq $NONCANONICAL, %rax
  pushq %rax
  iretq
CASE "iretq to level 3 at an address that isn't canonical"
  pushq $USER_DATA
  pushq $stack_user
  pushq $2
  pushq $USER_CODE
  movabsq $NONCANONICAL, %rax
  pushq %rax
  iretq
CASE "iretq with VM in the image"
  pushq $DATA
  pushq $stack_kernel
  pushq $0x20002
  pushq $CODE
  pushq $1f
  iretq
1:int $END
CASE "iretd in 64-bit mode pops SS and ESP"
  subq $20, %rsp
  movl $1f, (%rsp)
  movl $CODE, 4(%rsp)
  movl $2, 8(%rsp)
  movl $stack_kernel, 12(%rsp)
  movl $DATA, 16(%rsp)
  iretl
1:int $END
CASE "lretq to level 3: segments of level 0 are dropped, the base of FS stays"
  movl $DATA, %eax
  movl %eax, %fs
  MSR 0xc0000100, 0x1234
  pushq $USER_DATA
  pushq $stack_user
  pushq $USER_CODE
  pushq $1f
  lretq
1:int $END
CASE "lretq to an inner level"
  USER 1f
1:pushq $CODE
  pushq $1b
  lretq
CASE "mov ss: null at level 0"
  xorl %eax, %eax
  movl %eax, %ss
  int $END
CASE "mov ss: null at level 3"
  USER 1f
1:xorl %eax, %eax
  movl %eax, %ss
CASE "mov ss: null in compatibility mode"
  COMPATIBLE
  xorl %eax, %eax
  movl %eax, %ss
.code64
CASE "mov ss: null with RPL 1"
  movl $1, %eax
  movl %eax, %ss
CASE "bases of DS are ignored, that of FS isn't"
  movl $DATA_BASE, %eax
  movl %eax, %ds
  movl $7, PAGE
  movl PAGE, %ebx
  movl %eax, %fs
  movl $0xc0000100, %ecx
  rdmsr
  int $END
CASE "ltr: busy"
  movw $TASK, %ax
  ltr %ax
CASE "ltr: upper half malformed"
  movw $TASK_MALFORMED, %ax
  ltr %ax
CASE "ltr: null"
  xorl %eax, %eax
  ltr %ax
CASE "lldt: a TSS"
  movw $TASK_FREE, %ax
  lldt %ax
CASE "lldt: null"
  xorl %eax, %eax
  lldt %ax
  sldt %ebx
  int $END
.irp selector, CODE, USER_CODE_32, TASK, LDT, CALL_GATE, GATE_OLD, TASK_MALFORMED, GATE_MALFORMED
CASE "lar and lsl of \selector"
  movl $\selector, %eax
  larl %eax, %ebx
  setz %cl
  andl $0xf0ff00, %ebx
  lsll %eax, %edx
  setz %ch
  int $END
.endr
CASE "syscall"
  pushq $0x102d7
  popfq
  MSR 0xc0000084, 0x500
  syscall
1:
CASE "syscall from level 3"
  USER 1f, 0x202
1:syscall
CASE "syscall from level 3 with TF that FMASK clears"
  USER 1f, 0x302
1:syscall
CASE "syscall without EFER.SCE"
  MSR 0xc0000080, 0x900
  syscall
CASE "syscall in compatibility mode: #UD on Intel's"
  USER 1f, 2, USER_CODE_32
.code32
1:syscall
.code64
CASE "sysretq"
  movq $1f, %rcx
  movl $0x3202, %r11d
  sysretq
1:movl %cs, %eax
  movl %ss, %ebx
  xorl %ecx, %ecx
  pushfq
  popq %rdx
  int $END
CASE "sysretl"
  movq $1f, %rcx
  movl $2, %r11d
  sysretl
.code32
1:movl %cs, %eax
  movl %ss, %ebx
  xorl %ecx, %ecx
  movl $stack_user, %esp
  int $END
.code64
CASE "sysretq to an address that isn't canonical"
  movabsq $NONCANONICAL, %rcx
  sysretq
CASE "sysretl ignores the upper half of RCX"
  movabsq $NONCANONICAL, %rcx
  addq $1f, %rcx
  movl $2, %r11d
  sysretl
.code32
1:xorl %ecx, %ecx
  movl $stack_user, %esp
  int $END
.code64
CASE "sysretq at level 3"
  USER 1f
1:sysretq
CASE "sysret in compatibility mode"
  COMPATIBLE
  .byte 0x0f, 0x07
.code64
CASE "sysenter from 64-bit mode"
  USER 1f, 0x202
1:sysenter
CASE "sysenter from compatibility mode"
  USER 1f, 2, USER_CODE_32
.code32
1:sysenter
.code64
CASE "sysenter: CS is null"
  MSR 0x174, 3
  sysenter
CASE "sysexitq"
  movq $1f, %rdx
  movq $stack_user, %rcx
  sysexitq
1:movl %cs, %eax
  movl %ss, %ebx
  xorl %ecx, %ecx
  xorl %edx, %edx
  int $END
CASE "sysexit to compatibility mode"
  movabsq $0x100000000, %rdx
  movq %rdx, %rcx
  addq $1f, %rdx
  addq $stack_user, %rcx
  sysexitl
.code32
1:movl %cs, %eax
  movl %ss, %ebx
  xorl %ecx, %ecx
  xorl %edx, %edx
  int $END
.code64
CASE "sysexitq to an address that isn't canonical"
  movabsq $NONCANONICAL, %rdx
  sysexitq
CASE "sysexitq with a stack that isn't canonical"
  movabsq $NONCANONICAL, %rcx
  sysexitq
CASE "swapgs at level 3"
  USER 1f
1:swapgs
CASE "swapgs in compatibility mode"
  COMPATIBLE
  .byte 0x0f, 0x01, 0xf8
.code64
CASE "jmp far in compatibility mode, beyond the limit"
  COMPATIBLE
  ljmp $CODE_LIMITED, $0x1000
.code64
CASE "jmp near beyond the limit of compatibility mode"
  pushq $CODE_LIMITED
  pushq $(79b - low_start)
  lretq
LOW_CODE
.code32
  jmp low_start + 0x1000
.code64
HIGH_CODE
CASE "what 64-bit mode doesn't have"
  .byte 0x06
CASE "jmp far, direct"
  .byte 0xea, 0, 0, 0, 0, 8, 0
CASE "into in 64-bit mode"
  .byte 0xce
