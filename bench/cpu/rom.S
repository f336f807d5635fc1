/*
 * Firmware for a PC without any other: from the reset vector to the entry of an ELF64 image that lies in
 * the ROM, in the state that a PVH kernel expects (32 bits, no paging, flat segments).
 * The reset state is Intel SDM 3A, 10.1.4: RIP FFF0, CS with base FFFF0000 until it is loaded.
 */
#define ROM_BASE 0xffff0000
#define PT_LOAD 1
#define A20_GATE 0x92

.text
.code16
rom:
real_mode:
  cli
  inb $A20_GATE, %al
  orb $2, %al
  outb %al, $A20_GATE
  lgdtl %cs:(descriptor - rom)
  movl $0x11, %eax /* ET, PE */
  movl %eax, %cr0
  ljmpl $8, $(ROM_BASE + protected_mode - rom)

.code32
protected_mode:
  movl $16, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  cld
  movl $(ROM_BASE + image - rom), %ebp
  movl 32(%ebp), %ebx /* e_phoff */
  addl %ebp, %ebx
  movzwl 56(%ebp), %edx /* e_phnum */
1:
  cmpl $PT_LOAD, (%ebx)
  jne 2f
  movl 8(%ebx), %esi /* p_offset */
  addl %ebp, %esi
  movl 24(%ebx), %edi /* p_paddr */
  movl 32(%ebx), %ecx /* p_filesz */
  rep movsb
  movl 40(%ebx), %ecx /* p_memsz */
  subl 32(%ebx), %ecx
  xorl %eax, %eax
  rep stosb
2:
  addl $56, %ebx
  decl %edx
  jnz 1b
  jmp *24(%ebp) /* e_entry */

.balign 8
gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
descriptor:
  .word 23
  .long ROM_BASE + gdt - rom
.balign 16
image: .incbin IMAGE
.org 0xfff0
.code16
  jmp real_mode
.org 0x10000
