/* Paging of 32 bits and PAE (SDM 3A, 4.3, 4.4). */
CASE "page fault: not present, read"
  PAGING
  movl 0x50000000, %eax
CASE "page fault: not present, write, level 3"
  PAGING
  orl $4, directory
  USER 1f
1:movl %eax, 0x50000000
CASE "page fault: a supervisor page from level 3"
  PAGING
  orl $4, directory
  movl $3, table
  USER 1f
1:movl 0x40000000, %eax
CASE "page fault: read-only from level 3"
  PAGING
  orl $4, directory
  andl $~2, table
  USER 1f
1:movl %eax, 0x40000010
CASE "page fault: read-only, CR0.WP"
  PAGING
  andl $~2, table
  movl %eax, 0x40000010
CASE "read-only without CR0.WP: written"
  PAGING
  andl $~2, table
  movl $0x80000011, %eax
  movl %eax, %cr0
  movl %eax, 0x40000010
  xorl %eax, %eax
  int $END
CASE "accessed and dirty flags"
  PAGING
  movl 0x40000000, %eax
  movl table, %ebx
  andl $0xfff, %ebx
  movl %eax, 0x40000000
  movl table, %ecx
  andl $0xfff, %ecx
  movl directory + 1024, %edx
  andl $0xfff, %edx
  movl directory, %esi
  andl $0xfff, %esi
  int $END
CASE "invlpg drops what is cached"
  PAGING
  movl 0x40000000, %eax
  movl $0, table
  invlpg 0x40000000
  movl 0x40000000, %eax
CASE "a fault drops what is cached: rights that were raised"
  PAGING
  orl $4, directory
  movl $0x40000000, %ebx
  andl $~2, table
  movl (%ebx), %eax
  orl $2, table
  movl %eax, (%ebx)
  xorl %eax, %eax
  int $END
CASE "cr3 of PAE with a reserved bit in a PDPTE"
  movl $pointers, %ecx
  movl %ecx, %cr3
  movl $0x20, %ecx
  movl %ecx, %cr4
  orl $2, pointers
  xorl %ecx, %ecx
  movl $0x80000011, %eax
  movl %eax, %cr0
CASE "PDPTEs are loaded with CR3 only"
  PAGING_PAE
  movl $0, pointers + 8
  movl 0x40400000, %eax
  movl $7, %ebx
  movl %cr3, %eax
  movl %eax, %cr3
  xorl %eax, %eax
  movl 0x40400000, %eax
CASE "instruction fetch without NX: no I flag"
  PAGING
  movl $0x50000000, %eax
  jmp *%eax

/*
 * Sets each bit of an entry's doubleword in turn and reads: EAX has the bits with which a reserved bit is
 * told, ECX those with which the entry isn't present. Only the bits of `mask` are tried.
 */
.macro PROBE title, paging, entry, address, mask
CASE "reserved bits: \title"
  \paging
  movl $3f, %eax
  movw %ax, idt + 14 * 8
  shrl $16, %eax
  movw %ax, idt + 14 * 8 + 6
  xorl %eax, %eax
  xorl %edx, %edx
1:movl $\mask, %ebx
  btl %edx, %ebx
  jnc 2f
  movl \entry, %ebp
  movl %ebp, %ebx
  btcl %edx, %ebx
  movl %ebx, \entry
  movl %cr3, %ebx
  movl %ebx, %cr3
  xorl %edi, %edi
  movl $\address, %ebx
  movb (%ebx), %bl
  movl %ebp, \entry
  cmpl $9, %edi
  jne 4f
  btsl %edx, %esi
4:cmpl $0x100, %edi
  jne 2f
  btsl %edx, %ecx
2:incl %edx
  cmpl $32, %edx
  jne 1b
  movl %esi, %eax
.irp r, ebx, edx, esi, edi, ebp
  xorl %\r, %\r
.endr
  int $END
3:popl %edi /* the error code; 0 becomes 100 */
  testl %edi, %edi
  jnz 5f
  movl $0x100, %edi
5:addl $2, (%esp) /* over the read */
  iret
.endm
PROBE "32-bit PDE of a table", PAGING, "directory + 1024", 0x40000000, 0xf1f
PROBE "32-bit PDE of a page of 4 MiB", PAGING, "directory + 1028", 0x40400000, 0xffffff9f
PROBE "32-bit PTE", PAGING, "table", 0x40000000, 0xffffffff
PROBE "PAE PDE of a table", PAGING_PAE, "directory_pae + 16", 0x40400000, 0xf1f
PROBE "PAE PDE of a table, upper half", PAGING_PAE, "directory_pae + 20", 0x40400000, 0xffffff00
PROBE "PAE PDE of a page of 2 MiB", PAGING_PAE, "directory_pae + 24", 0x40600000, 0xffffff9f
PROBE "PAE PDE of a page of 2 MiB, upper half", PAGING_PAE, "directory_pae + 28", 0x40600000, 0xffffffff
PROBE "PAE PTE", PAGING_PAE, "table_pae", 0x40400000, 0xffffffff
PROBE "PAE PTE, upper half", PAGING_PAE, "table_pae + 4", 0x40400000, 0xffffffff
/* PDPTEs at a place that is the same whatever the linker does: CR3 is told in EAX. */
.macro LOW_POINTERS
  PAGING_PAE
  movl pointers, %eax
  movl %eax, LOW + 0xe000
  movl %eax, LOW + 0xe008
  xorl %eax, %eax
.irp at, 0xe004, 0xe00c, 0xe010, 0xe014, 0xe018, 0xe01c
  movl %eax, LOW + \at
.endr
.endm
.irp bit, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11
CASE "mov to cr3 with a PDPTE whose bit \bit is set"
  LOW_POINTERS
  btsl $\bit, LOW + 0xe008
  movl $LOW + 0xe000, %eax
  movl %eax, %cr3
  int $END
.endr
CASE "mov to cr3 with an absent PDPTE whose reserved bits are set"
  LOW_POINTERS
  movl $0xfffffffe, LOW + 0xe00c
  movl $0xfffffffe, LOW + 0xe008
  movl $LOW + 0xe000, %eax
  movl %eax, %cr3
  movl 0x40400000, %ebx
