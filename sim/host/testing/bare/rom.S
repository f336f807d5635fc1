/*
 * Firmware for a PC without any other, 64 KiB: from the reset vector to the entry of an image, in the state that a
 * PVH kernel expects (32 bits, no paging, flat segments). bochs.ts lays the image over the beginning, as
 * it is to lie in memory from 1 MiB on, and fills in the parameters.
 * The reset state is Intel SDM 3A, 10.1.4: RIP FFF0, CS with base FFFF0000 until it is loaded.
 */
#define ROM 0xffff0000
#define LOAD 0x100000
#define IMAGE_BYTES 0xfe00
#define INFO 0x9000
#define COMMAND_LINE (INFO + 0x100)
#define A20_GATE 0x92

.text
rom:
.org IMAGE_BYTES
.code16
real_mode:
  cli
  inb $A20_GATE, %al
  orb $2, %al
  outb %al, $A20_GATE
  lgdtl %cs:(descriptor - rom)
  movl $0x11, %eax /* ET, PE */
  movl %eax, %cr0
  ljmpl $8, $(ROM + protected_mode - rom)

.code32
protected_mode:
  movl $16, %eax
  movl %eax, %ds
  movl %eax, %es
  movl %eax, %ss
  cld
  movl $LOAD, %edi
  movl (ROM + memory_bytes - rom), %ecx
  xorl %eax, %eax
  rep stosb
  movl $ROM, %esi
  movl $LOAD, %edi
  movl $IMAGE_BYTES, %ecx
  rep movsb
  movl $INFO, %ebx
  movl $COMMAND_LINE, 24(%ebx) /* cmdline_paddr */
  movl (ROM + command_line - rom), %eax
  movl %eax, COMMAND_LINE
  movl (ROM + command_line - rom + 4), %eax
  movl %eax, COMMAND_LINE + 4
  jmp *(ROM + entry - rom)

.balign 8
gdt: .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
descriptor:
  .word 23
  .long ROM + gdt - rom

/* Parameters: up to 7 characters and a 0, the entry, and the bytes from 1 MiB to the image's end with its .bss. */
.org 0xffe0
command_line: .quad 0
entry: .long 0
memory_bytes: .long 0
.org 0xfff0
.code16
  jmp real_mode
.org 0x10000
.section .note.GNU-stack, "", @progbits
