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
