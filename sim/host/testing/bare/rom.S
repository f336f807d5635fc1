/*
 * The upper half of a ROM of 128 KiB that does what a PVH loader does: Bochs has none. The lower half,
 * made by bochs.ts, is the image as it lies in memory from 1 MiB on; at its end the command line and the
 * entry.
 */
#define ROM 0xfffe0000
#define UPPER 0xffff0000
#define PARAMETERS (ROM + 0xfff0)
#define LOAD 0x100000
#define IMAGE_BYTES 0xfc00
#define INFO 0x9000

.code16
begin:
  cli
  inb $0x92, %al /* A20 */
  orb $2, %al
  outb %al, $0x92
  lgdtl %cs:(gdt_register - begin)
  movl %cr0, %eax
  orl $1, %eax
  movl %eax, %cr0
  ljmpl $8, $(UPPER + (protected - begin))
.code32
protected:
  movl $16, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  movl $0x11, %eax
  movl %eax, %cr0
  cld
  movl $LOAD, %edi
  movl $0x40000, %ecx
  xorl %eax, %eax
  rep stosl
  movl $ROM, %esi
  movl $LOAD, %edi
  movl $(IMAGE_BYTES / 4), %ecx
  rep movsl
  movl $INFO, %ebx
  movl $(INFO + 0x100), 24(%ebx) /* cmdline_paddr */
  movl PARAMETERS, %eax
  movl %eax, 0x100(%ebx)
  movl PARAMETERS + 4, %eax
  movl %eax, 0x104(%ebx)
  jmp *PARAMETERS + 8
gdt_register: .word 23
  .long UPPER + (gdt - begin)
.balign 8
gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
.org 0xfff0
.code16
  ljmp $0xf000, $0
.org 0x10000
.section .note.GNU-stack, "", @progbits
