/* Entry by PVH (Xen, docs/misc/pvh.pandoc), IA-32e mode, exception stubs, and how a case begins. */
#include "long-cases.h"
#define CR4 0x620 /* PAE, OSFXSR, OSXMMEXCPT */

.section .note.pvh, "a", @note
.balign 4
.long 4, 8, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
.asciz "Xen"
.quad start

.section low, "ax"
low_start:

.text
.code32
.globl start
start:
  cld
  cli
  movl $stack_monitor, %esp
  movl %ebx, %ebp
  movb $0xff, %al
  outb %al, $0x21
  outb %al, $0xa1
  movw $0x3fb, %dx /* COM1: 8 bits */
  movb $3, %al
  outb %al, %dx
  /* The first GiB in pages of 2 MiB; the fourth, with the local APIC, in one. */
  movl $pointers, %eax
  orl $7, %eax
  movl %eax, top
  movl $directory_low, %eax
  orl $7, %eax
  movl %eax, pointers
  movl $0xc0000083, pointers + 24
  xorl %ecx, %ecx
1:movl %ecx, %eax
  shll $21, %eax
  orl $0x87, %eax
  movl %eax, directory_low(, %ecx, 8)
  incl %ecx
  cmpl $512, %ecx
  jne 1b
  movl $top, %eax
  movl %eax, %cr3
  movl $0x20, %eax
  movl %eax, %cr4
  movl $0xc0000080, %ecx
  movl $0x100, %eax
  xorl %edx, %edx
  wrmsr
  movl $0x80000011, %eax
  movl %eax, %cr0
  lgdt first_gdt
  ljmp $8, $1f
.code64
1:movl %ebp, %edi
  movq $stack_monitor, %rsp
  call start_cases

.globl begin
begin:
  movq %rdi, %rbx
  lgdt gdt_register
  lidt idt_register
  pushq $CODE
  pushq $1f
  lretq
1:movl $DATA, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  xorl %eax, %eax
  movl %eax, %fs
  movl %eax, %gs
  movl $0x80000011, %eax
  movq %rax, %cr0
  movl $CR4, %eax
  movq %rax, %cr4
  movq $top, %rax
  movq %rax, %cr3
  xorl %eax, %eax
  movq %rax, %cr2
  movq %rax, %cr8
  movq %rax, %dr7
  movl $0xffff0ff0, %eax
  movq %rax, %dr6
  MSR 0xc0000080, 0x901 /* EFER: SCE, LME, NXE */
  MSR 0xc0000081, 0x0018000800000000 /* STAR */
  MSR 0xc0000082, syscall_entry
  MSR 0xc0000084, 0x100
  MSR 0xc0000100, 0
  MSR 0xc0000101, 0
  MSR 0xc0000102, 0x1000
  MSR 0x174, 8
  MSR 0x175, stack_kernel
  MSR 0x176, sysenter_entry
  movw $LDT, %ax
  lldt %ax
  movw $TASK, %ax
  ltr %ax
  fninit
  movq $stack_main, %rsp
  pushq $DATA
  pushq $stack_main
  pushq $2
  pushq $CODE
  pushq %rbx
.irp r, rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15
  movq $0, %\r
.endr
  iretq

.balign 16
.globl stubs
stubs:
.set vector, 0
.rept IDT_ENTRIES
.balign 16
.if (vector == 8) || (vector >= 10 && vector <= 14) || (vector == 17)
.else
  pushq $0
.endif
  pushq $vector
  jmp common
.set vector, vector + 1
.endr

common:
.irp r, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
  pushq %\r
.endr
  movl %ds, %eax
  pushq %rax
  movl %es, %eax
  pushq %rax
  movl %fs, %eax
  pushq %rax
  movl %gs, %eax
  pushq %rax
  /* The monitor meets no breakpoints; its pages are a user's, so SMAP goes off before it restores them. */
  xorl %eax, %eax
  movq %rax, %dr7
  movl $CR4, %eax
  movq %rax, %cr4
  movq %rsp, %rdi
  movq $stack_monitor, %rsp
  cld
  call report
  incq current
  call next

/* Where SYSCALL and SYSENTER lead. */
.globl calls, calls_end
calls:
syscall_entry:
  int $END
sysenter_entry:
  int $END
calls_end:

.globl gate_entry, gate_entry_end
gate_entry:
  int $END
  lretq
gate_entry_end:

#include "long-transfers.S"
#include "long-addresses.S"
#include "long-control.S"
#include "long-interrupts.S"
#include "long-paging.S"
#include "long-extended.S"

.section low, "ax"
low_end:
.globl low_start, low_end

.data
.balign 8
gdt_register: .word GDT_ENTRIES * 8 - 1
  .quad gdt
idt_register: .word IDT_ENTRIES * 16 - 1
  .quad idt
first_gdt: .word 15
  .long 1f
.balign 8
1:.quad 0, 0x00af9b000000ffff
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
AREA idt, 1024
AREA tss, 256, 256
AREA top, 4096, 4096
AREA pointers, 4096, 4096
AREA directory_low, 4096, 4096
AREA directory, 4096, 4096
AREA table, 4096, 4096
AREA page, 4096, 4096
STACK stack_main
STACK stack_kernel
STACK stack_user
STACK stack_ist
STACK stack_ist2
STACK stack_monitor
.section .note.GNU-stack, "", @progbits
