/* 4-level paging (SDM 3A, 4.5 to 4.7). */
.macro FAULT title, op, cr4=0x620, cr0=0x80000011, level=0
CASE "\title"
  movl $\cr4, %eax
  movq %rax, %cr4
  movl $\cr0, %eax
  movq %rax, %cr0
  movl $PAGE, %ebx
.if \level
  USER 1f
1:
.endif
  \op
  xorl %eax, %eax
  xorl %ecx, %ecx
  int $END
.endm
FAULT "read of nothing", "movl 0x50000000, %ecx"
FAULT "write of nothing", "movl %ecx, 0x50000000"
FAULT "fetch of nothing: I with NXE", "movl $0x50000000, %ecx; jmp *%rcx"
FAULT "write of nothing at level 3", "movl %ecx, 0x50000000", 0x620, 0x80000011, 1
FAULT "a read-only page, CR0.WP clear", "andb $~2, table; movl %ecx, (%rbx)"
FAULT "a read-only page, CR0.WP set", "andb $~2, table; movl %ecx, (%rbx)", 0x620, 0x80010011
FAULT "a read-only directory, CR0.WP set", "andb $~2, directory; movl %ecx, (%rbx)", 0x620, 0x80010011
CASE "an execute-disabled page"
  movb $0x80, table + 7
  movl $PAGE, %ebx
  jmp *%rbx
CASE "an execute-disabled directory"
  movb $0x80, directory + 7
  movl $PAGE, %ebx
  jmp *%rbx
CASE "an execute-disabled page is read"
  movb $0x80, table + 7
  movl $PAGE, %ebx
  movl (%rbx), %ecx
  int $END
CASE "smep: fetch from a user page"
  movl $0x30cd, page
  andb $~4, pointers
  movl $0x100620, %eax
  movq %rax, %cr4
  movl $PAGE, %ebx
  jmp *%rbx
CASE "smap: read of a user page"
  movl $0x200620, %eax
  andb $~4, pointers
  movq %rax, %cr4
  movl $PAGE, %ebx
  movl (%rbx), %ecx
CASE "smap: stac lets it"
  andb $~4, pointers
  movl $0x200620, %eax
  movq %rax, %cr4
  movl $PAGE, %ebx
  stac
  movl (%rbx), %ecx
  clac
  movl (%rbx), %ecx
CASE "a supervisor page from level 3"
  andb $~4, table
  movl $PAGE, %ebx
  USER 1f
1:movl (%rbx), %ecx
CASE "accessed and dirty flags of all levels"
  andb $~0x20, pointers + 8
  movl $PAGE, %ebx
  movl %ecx, (%rbx)
  movzbl table, %eax
  movzbl directory, %ecx
  movzbl pointers + 8, %edx
  movl $LARGE, %ebx
  movl %ecx, (%rbx)
  movzbl directory + 8, %esi
  movl $HUGE + 0x500000, %edi
  movl (%rdi), %edi
  movzbl pointers + 16, %edi
  xorl %ebx, %ebx
  int $END
CASE "mov to cr3 drops translations, but for global ones"
  movl $0x6a0, %eax
  movq %rax, %cr4
  orl $0x100, table
  movl $PAGE, %ebx
  movl (%rbx), %ecx
  movl LARGE, %ecx
  movl $0, table
  movl $0, directory + 8
  movq %cr3, %rax
  movq %rax, %cr3
  movl (%rbx), %ecx
  xorl %eax, %eax
  movl LARGE, %ecx
CASE "invlpg drops a global translation"
  movl $0x6a0, %eax
  movq %rax, %cr4
  orl $0x100, table
  movl $PAGE, %ebx
  movl (%rbx), %ecx
  movl $0, table
  invlpg (%rbx)
  movl (%rbx), %ecx
/*
 * Sets each bit of an entry in turn and reads: RAX has the bits with which a reserved bit is told, RCX
 * those with which the entry isn't present. Of an address in an entry that names a table only bits that
 * are no physical address are tried.
 */
.macro PROBE title, entry, address, mask, efer=0x901, flags=0
CASE "reserved bits: \title"
  MSR 0xc0000080, \efer
  HANDLER 14, 3f
  xorl %r8d, %r8d
1:movabsq $\mask, %r9
  btq %r8, %r9
  jnc 2f
  movq \entry, %r10
  movq %r10, %r11
  orq $\flags, %r11
  btcq %r8, %r11
  movq %r11, \entry
  movq %cr3, %r11
  movq %r11, %cr3
  movabsq $\address, %rbx
  xorl %edi, %edi
  movb (%rbx), %dl
  movq %r10, \entry
  cmpl $9, %edi
  jne 4f
  btsq %r8, %rsi
4:cmpl $0x100, %edi
  jne 2f
  btsq %r8, %rbp
2:incl %r8d
  cmpl $64, %r8d
  jne 1b
  movq %rsi, %rax
  movq %rbp, %rcx
.irp r, rbx, rdx, rsi, rdi, rbp, r8, r9, r10, r11
  xorq %\r, %\r
.endr
  int $END
3:popq %rdi /* the error code; 0 becomes 100 */
  testl %edi, %edi
  jnz 5f
  movl $0x100, %edi
5:addq $2, (%rsp) /* over the read */
  iretq
.endm
PROBE "PML4E", "top + 8", 0x8000000000, 0xfff0000000000f9f, 0x901, 7
PROBE "PML4E without NXE", "top + 8", 0x8000000000, 0x8000000000000000, 0x101, 7
PROBE "PDPTE of a table", "pointers + 8", PAGE, 0xfff0000000000f1f
PROBE "PDPTE of a page of 1 GiB", "pointers + 16", HUGE, 0xffffffffffffff9f
PROBE "PDE of a table", "directory", PAGE, 0xfff0000000000f1f
PROBE "PDE of a page of 2 MiB", "directory + 8", LARGE, 0xffffffffffffff9f
PROBE "PDE of a page of 2 MiB without NXE", "directory + 8", LARGE, 0xffffffffffffff9f, 0x101
PROBE "PTE", "table", PAGE, 0xffffffffffffffff
PROBE "PTE without NXE", "table", PAGE, 0xffffffffffffffff, 0x101
