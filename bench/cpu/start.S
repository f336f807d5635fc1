/*
 * To C with SSE, from 32-bit mode with flat segments and without paging: the PVH entry (Xen,
 * docs/misc/pvh.pandoc) of the 64-bit image, Multiboot's (0.6.96, 3.2) of the 32-bit one.
 */
#ifdef __x86_64__
.section .note.pvh, "a", @note
.balign 4
.long 4, 8, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
.asciz "Xen"
.quad start
#else
.section .multiboot, "a"
.balign 4
.long 0x1badb002, 0, -0x1badb002
#endif

.text
.code32
.globl start
start:
  cld
#ifdef __x86_64__
  movl $tables + 4096, %eax
  orl $3, %eax
  movl %eax, tables
  movl $tables + 8192, %eax
  orl $3, %eax
  movl %eax, tables + 4096
  xorl %ecx, %ecx
1: /* the first GiB, in pages of 2 MiB */
  movl %ecx, %eax
  shll $21, %eax
  orl $0x83, %eax
  movl %eax, tables + 8192(, %ecx, 8)
  incl %ecx
  cmpl $512, %ecx
  jne 1b
  movl $tables, %eax
  movl %eax, %cr3
  movl $0x620, %eax /* PAE, OSFXSR, OSXMMEXCPT */
  movl %eax, %cr4
  movl $0xc0000080, %ecx
  rdmsr
  orl $0x100, %eax /* EFER.LME */
  wrmsr
  movl $0x80000013, %eax /* PG, ET, MP, PE; EM is 0 */
  movl %eax, %cr0
#else
  movl $0x600, %eax /* OSFXSR, OSXMMEXCPT */
  movl %eax, %cr4
  movl $0x13, %eax /* ET, MP, PE; EM is 0 */
  movl %eax, %cr0
#endif
  lgdt descriptor
  ljmp $8, $flat
#ifdef __x86_64__
.code64
#endif
flat:
  movl $16, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
#ifdef __x86_64__
  movq $stack_top, %rsp
#else
  movl $stack_top, %esp
#endif
  fninit /* after power-on, all of its registers are in use */
  call entry

.data
.balign 8
#ifdef __x86_64__
gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
#else
gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
#endif
descriptor:
  .word 23
  .long gdt, 0
.bss
.balign 4096
#ifdef __x86_64__
tables: .skip 3 * 4096
#endif
.skip 65536
stack_top:
.section .note.GNU-stack, "", @progbits
