/* From the PVH entry (32-bit, no paging; Xen, docs/misc/pvh.pandoc) to C in 64-bit mode with SSE. */
.section .note.pvh, "a", @note
.balign 4
.long 4, 8, 18 /* XEN_ELFNOTE_PHYS32_ENTRY */
.asciz "Xen"
.quad start

.text
.code32
.globl start
start:
  cld
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
  lgdt descriptor
  ljmp $8, $long_mode
.code64
long_mode:
  movl $16, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  movq $stack_top, %rsp
  call entry

.data
.balign 8
gdt: .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
descriptor:
  .word 23
  .quad gdt
.bss
.balign 4096
tables: .skip 3 * 4096
.skip 65536
stack_top:
.section .note.GNU-stack, "", @progbits
