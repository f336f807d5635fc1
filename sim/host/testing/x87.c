/*
 * The real processor's answers: reads cases (x87_cases.ts) from standard input, loads each one's state
 * by FXRSTOR, executes its instruction, and writes the case back with the state of FXSAVE.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct x87_case {
  uint8_t image[512];
  uint8_t memory[128];
  uint32_t flags, form, environment, accumulator;
  uint32_t reserved[4];
} __attribute__((aligned(16)));

/* rdi: the case, rsi: its memory, rdx: code */
__attribute__((naked)) static void execute(struct x87_case *one, void *memory, void *code) {
  (void)one, (void)memory, (void)code;
  __asm__("push %rbx\n\t"
          "mov %rdi, %rbx\n\t"
          "fxrstor64 (%rbx)\n\t"
          "xor %eax, %eax\n\t"
          "pushq 640(%rbx)\n\t"
          "andq $0x8d5, (%rsp)\n\t"
          "orq $0x202, (%rsp)\n\t"
          "popfq\n\t"
          "call *%rdx\n\t"
          "pushfq\n\t"
          "fxsave64 (%rbx)\n\t"
          "fninit\n\t"
          "popq %rcx\n\t"
          "and $0x8d5, %ecx\n\t"
          "mov %ecx, 640(%rbx)\n\t"
          "mov %eax, 652(%rbx)\n\t"
          "pop %rbx\n\t"
          "ret");
}

int main(void) {
  uint8_t *code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  struct x87_case one;
  if (code == MAP_FAILED) return 1;
  while (fread(&one, sizeof one, 1, stdin) == 1) {
    uint32_t modrm = one.form & 0xff;
    uint8_t *at = code;
    if (!(one.environment & 1)) *at++ = 0x66;
    *at++ = 0xd8 | (one.form >> 8);
    *at++ = modrm < 0xc0 ? (modrm & 0x38) | 6 : modrm;
    *at = 0xc3;
    execute(&one, one.memory, code);
    fwrite(&one, sizeof one, 1, stdout);
  }
  return 0;
}
