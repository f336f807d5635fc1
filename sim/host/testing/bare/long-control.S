/* Control and debug registers (SDM 3A, 2.5; 2B, MOV). */
.macro TO_CONTROL number, value
CASE "mov to cr\number: \value"
  movabsq $\value, %rax
  movq %rax, %cr\number
  int $END
.endm
TO_CONTROL 0, 0x180000011
TO_CONTROL 0, 0x80000010
TO_CONTROL 0, 0x11
TO_CONTROL 0, 0xa0000011
TO_CONTROL 3, 0x0010000000000000
TO_CONTROL 3, 0x8000000000000000
TO_CONTROL 4, 0x600
TO_CONTROL 4, 0x100000620
TO_CONTROL 4, 0x80000620
TO_CONTROL 8, 0x10
CASE "mov to cr8: 0xf"
  movl $0xf, %eax
  movq %rax, %cr8
  movq %cr8, %rbx
  int $END
CASE "cr4.pcide needs PCID 0"
  movq $top + 8, %rax
  movq %rax, %cr3
  movl $0x20620, %eax
  movq %rax, %cr4
CASE "cr0.pg can't be cleared while PCIDs are on"
  movl $0x20620, %eax
  movq %rax, %cr4
  COMPATIBLE
  movl $0x11, %eax
  movl %eax, %cr0
.code64
CASE "cr0.pg can be cleared in compatibility mode"
  COMPATIBLE
  movl $0x11, %eax
  movl %eax, %cr0
  movl $0xc0000080, %ecx
  rdmsr
  movl %eax, %ebx
  movl $0x80000011, %eax
  movl %eax, %cr0
  ljmp $CODE, $1f
.code64
1:movl $0, %eax
  movl $0, %ecx
  int $END
CASE "efer.lme can't change while paging is on"
  movl $0xc0000080, %ecx
  movl $0x801, %eax
  xorl %edx, %edx
  wrmsr
CASE "mov to dr7: upper half"
  movabsq $0x100000400, %rax
  movq %rax, %dr7
CASE "mov to dr6: upper half"
  movabsq $0x1ffff0ff0, %rax
  movq %rax, %dr6
CASE "mov to dr0 may be any value"
  movabsq $NONCANONICAL, %rax
  movq %rax, %dr0
  movq %dr0, %rbx
  xorl %eax, %eax
  int $END
CASE "mov to cr9"
  .byte 0x44, 0x0f, 0x22, 0xc8
CASE "lmsw in 64-bit mode"
  movl $0x1e, %eax
  lmsw %ax
  smswq %rbx
  clts
  int $END
CASE "watchpoint of eight bytes"
  movl $page, %eax
  movq %rax, %dr0
  movl $0x000b0001, %eax
  movq %rax, %dr7
  xorl %eax, %eax
  movb %al, page + 7
  nop
  int $END
CASE "data breakpoint in rep movsb: RF as the iteration leaves it"
  movl $LOW + 0xf002, %eax
  movq %rax, %dr0
  movl $0x00010001, %eax
  movq %rax, %dr7
  movl $LOW + 0xf000, %edi
  movl $LOW + 0xf040, %esi
  movl $4, %ecx
  xorl %eax, %eax
  rep movsb
CASE "single step of syscall without FMASK: behind its first instruction"
  MSR 0xc0000084, 0
  USER 1f, 0x102
1:syscall
CASE "single step of sysretq that sets TF"
  movq $1f, %rcx
  movl $0x102, %r11d
  sysretq
1:nop
  nop
CASE "single step of iretq that sets TF"
  pushq $DATA
  pushq $stack_main
  pushq $0x102
  pushq $CODE
  pushq $1f
  iretq
1:nop
  nop
CASE "breakpoint on the instruction behind syscall"
  movl $1f, %eax
  movq %rax, %dr0
  movl $1, %eax
  movq %rax, %dr7
  xorl %eax, %eax
1:syscall
CASE "popfq at level 3: IOPL, IF, VM, RF stay"
  USER 1f
1:pushq $0x37ed7
  popfq
  pushfq
  popq %rax
  int $END
