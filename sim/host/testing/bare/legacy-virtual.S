/* Virtual-8086 mode (SDM 3A, 20). */
CASE "virtual-8086: segments and stack of an interrupt"
  VIRTUAL 0x23002
LOW_CODE
.code16
  movw %ds, %ax
  movw %es, %bx
  int $END
.code32
HIGH_CODE
.irp op, cli, sti, pushf, popf, iret, "pushfl", "int $0x30", "lock; cli"
CASE "virtual-8086, IOPL 0: \op"
  VIRTUAL
LOW_CODE
.code16
  \op
.code32
HIGH_CODE
.endr
CASE "virtual-8086, IOPL 0: int3"
  VIRTUAL
LOW_CODE
.code16
  int3
.code32
HIGH_CODE
CASE "virtual-8086, IOPL 3: cli, sti, pushf, popf"
  VIRTUAL 0x23002
LOW_CODE
.code16
  sti
  cli
  sti
  pushf
  popw %ax
  pushw $0x0ed7
  popf
  pushf
  popw %bx
  cli
  pushfl
  popl %ecx
  int $END
.code32
HIGH_CODE
CASE "virtual-8086, IOPL 3: iret"
  VIRTUAL 0x23002
LOW_CODE
.code16
  pushw $0x0202
  pushw $LOW_SEGMENT
  call 1f
1:popw %ax
  addw $(2f - 1b), %ax
  pushw %ax
  xorw %ax, %ax
  iret
2:pushf
  popw %bx
  int $END
.code32
HIGH_CODE
.irp op, "hlt", "lgdt 0", "movl %cr0, %eax", "lmsw %ax", "clts", "invd", "rdmsr"
CASE "virtual-8086: \op"
  VIRTUAL 0x23002
LOW_CODE
.code16
  \op
.code32
HIGH_CODE
.endr
.irp op, "lldt %ax", "ltr %ax", "sldt %ax", "str %ax", "larw %ax, %ax", "lslw %ax, %ax", "verr %ax", "verw %ax", "arpl %ax, %ax", "ud2"
CASE "virtual-8086: \op"
  VIRTUAL 0x23002
LOW_CODE
.code16
  \op
.code32
HIGH_CODE
.endr
CASE "virtual-8086: limit of 64 KiB"
  VIRTUAL
LOW_CODE
.code16
  movw $0xffff, %bx
  movw (%bx), %ax
.code32
HIGH_CODE
CASE "virtual-8086: an address above 64 KiB"
  VIRTUAL
LOW_CODE
.code16
  movl $0x10000, %ebx
  movb (%ebx), %al
.code32
HIGH_CODE
CASE "virtual-8086: jmp far stays in it"
  VIRTUAL
LOW_CODE
.code16
  ljmp $(LOW_SEGMENT + 1), $(79b - low_start - 16 + 5)
  int3
.code32
HIGH_CODE
CASE "virtual-8086: the handler's code must be of level 0"
  movw $CONFORMING, idt + 3 * 8 + 2
  VIRTUAL
LOW_CODE
.code16
  int3
.code32
HIGH_CODE
CASE "iretd to virtual-8086 mode beyond its limit"
  pushl $0
  pushl $0
  pushl $0
  pushl $0
  pushl $LOW_SEGMENT
  pushl $0x8000
  pushl $0x20002
  pushl $LOW_SEGMENT
  pushl $0x10000
  iret
CASE "iretd with VM at level 3: VM is ignored"
  USER 1f
1:pushl $0x20002
  pushl $USER_CODE
  pushl $1f
  iret
1:int $END

/* Ports (SDM 1, 19.5.2): the bitmap allows those whose bits a case clears. */
CASE "ports: level 3, bit set"
  USER 1f
1:inb $0x61, %al
CASE "ports: level 3, bit clear"
  movb $0xfd, tss_main + 104 + 12
  USER 1f
1:inb $0x61, %al
  xorl %eax, %eax
  int $END
CASE "ports: all bits of a wide access"
  movb $0xfd, tss_main + 104 + 12
  USER 1f
1:inw $0x61, %ax
CASE "ports: a wide access over two bytes of the map"
  movb $0x7f, tss_main + 104 + 12
  movb $0xfe, tss_main + 104 + 13
  USER 1f
1:inw $0x67, %ax
  xorl %eax, %eax
  int $END
CASE "ports: beyond the limit of the TSS"
  USER 1f
1:movl $0x440, %edx
  inb %dx, %al
CASE "ports: IOPL 3 asks no map"
  USER 1f, 0x3002
1:inb $0x61, %al
  xorl %eax, %eax
  int $END
CASE "ports: virtual-8086 mode always asks the map"
  VIRTUAL 0x23002
LOW_CODE
.code16
  inb $0x61, %al
.code32
HIGH_CODE
CASE "ports: virtual-8086 mode, bit clear"
  movb $0xfd, tss_main + 104 + 12
  VIRTUAL
LOW_CODE
.code16
  inb $0x61, %al
  xorw %ax, %ax
  int $END - 0
.code32
HIGH_CODE
CASE "ports: no map in a TSS of 16 bits"
  movw $(79b - low_start), tss_16 + 14
  movw $USER_CODE, tss_16 + 36
  movw $USER_DATA, tss_16 + 38
  movw $USER_DATA, tss_16 + 34
  movw $USER_DATA, tss_16 + 40
  movw $0x9000, tss_16 + 26
  ljmp $TASK_16, $0
LOW_CODE
  inb $0x61, %al
HIGH_CODE
CASE "ports: the map's offset is beyond the limit"
  movw $0xffff, tss_main + TSS_MAP
  USER 1f
1:inb $0x61, %al
CASE "outs at level 3: permission comes before the operand"
  USER 1f
1:xorl %esi, %esi
  movl $0x61, %edx
  movl $0, %eax
  movl %eax, %ds
  outsb
CASE "rep outs with a count of 0 asks for permission"
  USER 1f
1:movl $0x61, %edx
  xorl %ecx, %ecx
  rep outsb
CASE "rep ins: count and index as far as it has come"
  movb $0xfd, tss_main + 104 + 12
  movl $DATA_LIMITED, %eax
  USER 1f
1:movl $0x61, %edx
  movl $3, %ecx
  movl $LOW + 0xf000, %edi
  rep insb
  int $END
