/* Debug registers and traps (SDM 3B, 17). */
.macro WATCH address, control
  movl $\address, %eax
  movl %eax, %dr0
  movl $\control, %eax
  movl %eax, %dr7
  xorl %eax, %eax
.endm
CASE "dr7: fixed and reserved bits"
  movl $0, %eax
  movl %eax, %dr7
  movl %dr7, %ebx
  movl $0xd7ff, %eax
  movl %eax, %dr7
  movl %dr7, %ecx
  movl $0, %eax
  movl %eax, %dr7
  movl $0xffffffff, %eax
  movl %eax, %dr6
  movl %dr6, %edx
  movl $0, %eax
  movl %eax, %dr6
  movl %dr6, %esi
  movl $0xffff0ff0, %eax
  movl %eax, %dr6
  xorl %eax, %eax
  int $END
CASE "dr4 and dr5 are dr6 and dr7"
  movl %dr4, %eax
  movl %dr5, %ebx
  int $END
CASE "dr4 with CR4.DE"
  movl $8, %eax
  movl %eax, %cr4
  movl %dr4, %ebx
CASE "general detect"
  movl $0x2000, %eax
  movl %eax, %dr7
  movl %dr0, %eax
CASE "general detect is off in its handler"
  movl $1f, %eax
  movw %ax, idt + 8
  shrl $16, %eax
  movw %ax, idt + 14
  movl $0x2000, %eax
  movl %eax, %dr7
  movl %eax, %dr3
1:movl %dr7, %eax
  addl $12, %esp
  int $END
CASE "breakpoint on an instruction"
  WATCH 1f, 1
  nop
1:incl %eax
  int $END
CASE "breakpoint on an instruction, RF set by its handler"
  movl $1f, %eax
  movw %ax, idt + 8
  shrl $16, %eax
  movw %ax, idt + 14
  WATCH 2f, 1
2:incl %eax
  int $END
1:orl $0x10000, 8(%esp)
  incl %ebx
  iret
CASE "watchpoint on a write: a trap"
  WATCH LOW + 0xf000, 0x000d0001
  movl %eax, LOW + 0xf000
  incl %eax
  int $END
CASE "watchpoint on a write: reads don't count"
  WATCH LOW + 0xf000, 0x000d0001
  movl LOW + 0xf000, %ebx
  xorl %ebx, %ebx
  int $END
CASE "watchpoint on access: a byte of four"
  WATCH LOW + 0xf000, 0x000f0001
  movb LOW + 0xf003, %bl
  xorl %ebx, %ebx
  int $END
CASE "watchpoint of a disabled length: not met"
  WATCH LOW + 0xf000, 0x00010001
  movb %bl, LOW + 0xf001
  int $END
CASE "watchpoint in a push"
  WATCH stack_main-4, 0x000d0001
  pushl %eax
  nop
  int $END
CASE "watchpoint in rep movs: behind the iteration"
  WATCH LOW + 0xf004, 0x000d0001
  movl $LOW + 0xf000, %edi
  movl $LOW + 0xe000, %esi
  movl $4, %ecx
  rep movsl
  int $END
CASE "breakpoint on a port without CR4.DE"
  WATCH 0x80, 0x00020001
  outb %al, $0x80
  int $END
CASE "breakpoint on a port"
  movl $8, %eax
  movl %eax, %cr4
  WATCH 0x80, 0x00020001
  outb %al, $0x80
  nop
  int $END
CASE "single step"
  pushl $0x102
  popfl
  incl %eax
  int $END
CASE "single step over mov to ss"
  movl $DATA, %ebx
  pushl $0x102
  popfl
  movl %ebx, %ss
  incl %eax
  incl %eax
  int $END
CASE "single step: pop ss, then an instruction with a breakpoint"
  pushl $DATA
  WATCH 1f, 1
  popl %ss
1:incl %eax
  incl %eax
  int $END
CASE "watchpoint in mov ss: after the next instruction"
  movl $DATA, LOW + 0xf000
  WATCH LOW + 0xf000, 0x000f0001
  movw LOW + 0xf000, %ss
  incl %eax
  incl %eax
  int $END
CASE "single step into int: no trap in the handler"
  pushl $0x102
  popfl
  int $END
CASE "single step of pushf: TF is in the image"
  pushl $0x102
  popfl
  pushfl
CASE "single step of a rep instruction: each iteration"
  movl $LOW + 0xf000, %edi
  movl $3, %ecx
  pushl $0x102
  popfl
  rep stosb
  int $END
CASE "single step of iret that sets TF"
  pushl $0x102
  pushl $CODE
  pushl $1f
  iret
1:incl %eax
  incl %eax
  int $END
CASE "icebp"
  .byte 0xf1
CASE "RF in the image of a fault"
  ud2
CASE "RF in the image of a trap"
  int3
CASE "#DB before #UD of the same instruction"
  WATCH 1f, 1
1:ud2
CASE "single step before a fault of the next instruction"
  pushl $0x102
  popfl
  nop
  ud2
