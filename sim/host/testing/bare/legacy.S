/* Entry by PVH (Xen, docs/misc/pvh.pandoc), exception stubs, and the state from which a case begins. */
#include "cases.h"

.section .note.pvh, "a", @note
.balign 4
.long 4, 4, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
.asciz "Xen"
.long start

/* Where 16-bit gates lead, at the beginning of the segment. SI is what IP should be. */
.section low, "ax"
.globl low_start, low_end
low_start:
.code16
  popw %ax
  subw %si, %ax
  xorw %si, %si
  popw %bx
  popw %cx
  int $END

.text
.code32
.globl start
start:
  cld
  cli
  movl $stack_monitor, %esp
  /* The local APIC passes on interrupts of the 8259; both are silent. */
  movb $0xff, %al
  outb %al, $0x21
  outb %al, $0xa1
  /* COM1: 8 bits. */
  movw $0x3fb, %dx
  movb $3, %al
  outb %al, %dx
  pushl %ebx
  call start_cases

/* begin(code): registers, segments and control registers as every case finds them. */
.globl begin
begin:
  movl 4(%esp), %ebx
  lgdt gdt_register
  lidt idt_register
  ljmp $CODE, $1f
1:movl $DATA, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  xorl %eax, %eax
  movl %eax, %fs
  movl %eax, %gs
  movl $0x11, %eax
  movl %eax, %cr0
  xorl %eax, %eax
  movl %eax, %cr3
  movl %eax, %cr4
  movl %eax, %cr2
  movl %eax, %dr7
  movl $0xffff0ff0, %eax
  movl %eax, %dr6
  movw $LDT, %ax
  lldt %ax
  movw $TASK, %ax
  ltr %ax
  movl $stack_main, %esp
  movl %ebx, %ebp
  xorl %eax, %eax
  movl %eax, %ebx
  movl %eax, %ecx
  movl %eax, %edx
  movl %eax, %esi
  movl %eax, %edi
  /* NMIs are let in by IRET only. */
  pushl $2
  pushl $CODE
  pushl $1f
  iret
1:pushl %ebp
  movl $0, %ebp
  ret

.balign 16
.globl stubs
stubs:
.set vector, 0
.rept IDT_ENTRIES
.balign 16
.if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17)
  nop
  nop
.else
  pushl $0
.endif
  pushl $vector
  jmp common
.set vector, vector + 1
.endr

common:
  pushal
  pushl %ds
  pushl %es
  pushl %fs
  pushl %gs
  movl $DATA, %eax
  movl %eax, %ds
  movl %eax, %es
  /* The monitor meets no breakpoints. */
  xorl %eax, %eax
  movl %eax, %dr7
  /* The frame is found through the base of the stack's segment; with one of 16 bits by SP. */
  movl %ss, %ebx
  andl $~7, %ebx
  movl gdt + 4(%ebx), %ecx
  movl %esp, %edx
  testl $0x400000, %ecx
  jnz 1f
  movzwl %dx, %edx
1:movl gdt + 2(%ebx), %eax
  andl $0xffffff, %eax
  andl $0xff000000, %ecx
  orl %ecx, %eax
  addl %edx, %eax
  movl $DATA, %ecx
  movl %ecx, %ss
  movl $stack_monitor, %esp
  cld
  pushl %eax
  call report
again:
  movl $DATA, %eax
  movl %eax, %ss
  movl $stack_monitor, %esp
  /* Page tables are made anew before the next case begins. */
  movl $0x11, %eax
  movl %eax, %cr0
  incl current
  pushl $2
  popfl
  call next

/* The task of double faults, and of others by `fault_vector`: its report is that of the task that is to blame. */
.globl fault_task
fault_task:
  popl %ecx
  movzwl tss_fault, %eax
  pushl %ecx
  pushl fault_vector
  pushl %eax
  call report_task
  jmp again

/* Where tasks and call gates lead unless a case says otherwise. */
.globl task_b, task_b_end, gate_entry, gate_entry_end
task_b:
  int $END
  int $END
  jmp task_b
task_b_end:
gate_entry:
  int $END
  lret $4
gate_entry_end:

#include "legacy-tasks.S"
#include "legacy-segments.S"
#include "legacy-transfers.S"
#include "legacy-gates.S"
#include "legacy-virtual.S"
#include "legacy-debug.S"
#include "legacy-faults.S"
#include "legacy-paging.S"

.section low, "ax"
low_end:

.data
.balign 8
gdt_register: .word GDT_ENTRIES * 8 - 1
  .long gdt
idt_register: .word IDT_ENTRIES * 8 - 1
  .long idt
.bss
.macro AREA name, bytes, align=16
.globl \name
.balign \align
\name: .skip \bytes
.endm
.macro STACK name
.globl \name
.balign 16
.skip 1024
\name:
.skip 16
.endm
AREA gdt, 512
AREA ldt, 64
AREA idt, 512
AREA tss_main, 256, 256
AREA tss_b, 128, 256
AREA tss_fault, 128, 256
AREA tss_16, 64, 256
AREA pointers, 32, 32
AREA directory, 4096, 4096
AREA table, 4096, 4096
AREA directory_pae, 4096, 4096
AREA table_pae, 4096, 4096
AREA page, 4096, 4096
STACK stack_main
STACK stack_kernel
STACK stack_b
STACK stack_fault
STACK stack_user
STACK stack_2
STACK stack_x
STACK stack_monitor
.section .note.GNU-stack, "", @progbits
