/* Control registers. */
CASE "lmsw can't clear PE"
  xorl %eax, %eax
  lmsw %ax
  smsw %ax
  int $END
CASE "lmsw sets TS, clts clears it"
  movl $0xffff, %eax
  lmsw %ax
  smsw %ebx
  andl $0xffff, %ebx
  movl $0x11, %eax
  lmsw %ax
  smsw %ecx
  movl $0x1b, %eax
  lmsw %ax
  clts
  smsw %edx
  int $END
.irp value, 0x80000010, 0x20000011
CASE "mov to cr0: \value"
  movl $\value, %eax
  movl %eax, %cr0
.endr
.irp value, 0x80000000, 0x8000, 0x20000
CASE "mov to cr4: \value"
  movl $\value, %eax
  movl %eax, %cr4
.endr
CASE "mov to cr1"
  .byte 0x0f, 0x22, 0xc8
CASE "mov from cr5"
  .byte 0x0f, 0x20, 0xe8

/* Near branches beyond the limit of CS, and fetches (SDM 2A, JMP). */
CASE "jmp near beyond the limit"
  ljmp $CODE_LIMITED, $(79b - low_start)
LOW_CODE
  jmp low_start + 0x1000
HIGH_CODE
CASE "jcc beyond the limit"
  ljmp $CODE_LIMITED, $(79b - low_start)
LOW_CODE
  testl %eax, %eax
  jz low_start + 0x1000
HIGH_CODE
CASE "call near beyond the limit: nothing is pushed"
  ljmp $CODE_LIMITED, $(79b - low_start)
LOW_CODE
  call low_start + 0x1000
HIGH_CODE
CASE "loop beyond the limit: ECX stays"
  movl $5, %ecx
  ljmp $CODE_LIMITED, $0xff0
CASE "loopne that isn't taken may lead beyond the limit"
  movl $1, %ecx
  ljmp $CODE_LIMITED, $0xff0
CASE "jmp indirect beyond the limit"
  movl $0x1000, %eax
  ljmp $CODE_LIMITED, $(79b - low_start)
LOW_CODE
  jmp *%eax
HIGH_CODE
CASE "ret beyond the limit"
  pushl $0x1000
  ljmp $CODE_LIMITED, $(79b - low_start)
LOW_CODE
  ret
HIGH_CODE
CASE "running over the limit"
  movl $0x90909090, LOW + 0xffc
  ljmp $CODE_LIMITED, $0xffc
CASE "an instruction over the limit"
  movl $0xb8909090, LOW + 0xffc
  ljmp $CODE_LIMITED, $0xffc

/* Order of exceptions (SDM 3A, table 6-2), and odd instructions. */
CASE "lock without memory"
  .byte 0xf0, 0x01, 0xc0
CASE "fifteen bytes and more"
  .rept 15
  .byte 0x66
  .endr
  nop
CASE "hlt at level 3"
  USER 1f
1:hlt
CASE "lgdt with a register: #UD"
  .byte 0x0f, 0x01, 0xd0
CASE "invlpg with a register: #UD"
  .byte 0x0f, 0x01, 0xf8
CASE "bound of a register: #UD"
  .byte 0x62, 0xc0
CASE "fpu instruction with EM"
  movl $0x15, %eax
  movl %eax, %cr0
  fninit
CASE "wait with MP and TS"
  movl $0x1b, %eax
  movl %eax, %cr0
  fwait
CASE "wait with TS alone"
  movl $0x19, %eax
  movl %eax, %cr0
  fwait
  xorl %eax, %eax
  int $END
CASE "sse without OSFXSR"
  xorps %xmm0, %xmm0
CASE "syscall"
  syscall
CASE "sysenter with a null CS"
  movl $0x174, %ecx
  xorl %eax, %eax
  xorl %edx, %edx
  wrmsr
  sysenter
CASE "sysenter and sysexit"
  movl $0x174, %ecx
  movl $CODE, %eax
  wrmsr
  movl $0x175, %ecx
  movl $stack_kernel, %eax
  wrmsr
  movl $0x176, %ecx
  movl $1f, %eax
  wrmsr
  xorl %eax, %eax
  xorl %ecx, %ecx
  pushl $0x202
  popfl
  sysenter
1:movl %cs, %eax
  movl %ss, %ebx
  int $END
CASE "sysexit"
  movl $0x174, %ecx
  movl $CODE, %eax
  wrmsr
  xorl %eax, %eax
  movl $1f, %edx
  movl $stack_user, %ecx
  sysexit
1:movl %cs, %eax
  movl %ss, %ebx
  xorl %ecx, %ecx
  xorl %edx, %edx
  int $END
CASE "sysexit at level 3"
  USER 1f
1:sysexit
CASE "rdmsr of what doesn't exist"
  movl $0x12345, %ecx
  rdmsr
CASE "alignment check at level 3"
  movl $0x40011, %eax
  movl %eax, %cr0
  USER 1f, 0x40002
1:movl LOW + 0xf001, %eax
CASE "alignment check: not at level 0"
  movl $0x40011, %eax
  movl %eax, %cr0
  pushl $0x40002
  popfl
  movl LOW + 0xf001, %eax
  xorl %eax, %eax
  int $END
