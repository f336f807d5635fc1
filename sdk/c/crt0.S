/*
 * Where an agent begins: the kernel's registers (sim/spec/user.ts) go into a struct aios_start on the
 * stack, and what aios_main returns is the code with which the agent ends.
 */
#include "aios_constants.h"
    .section .text._start, "ax"
    .globl _start
_start:
    mov (%rsp), %rax            /* argc */
    lea 8(%rsp), %rcx           /* argv */
    lea 16(%rsp,%rax,8), %r8    /* envp, behind argv's end */
    xor %ebp, %ebp              /* the outermost frame */
    sub $64, %rsp
    mov %rdi, 0(%rsp)
    mov %rsi, 8(%rsp)
    mov %rdx, 16(%rsp)
    mov %r10, 24(%rsp)
    mov %r14, 32(%rsp)
    mov %eax, 40(%rsp)
    mov %rcx, 48(%rsp)
    mov %r8, 56(%rsp)
    mov %rdi, %rbx
    mov %rsp, %rdi
    call aios_main              /* RSP is a multiple of 16 here */
    mov %rax, %rsi
    mov %rbx, %rdi
    mov $AIOS_SYSCALL_AGENT_KILL, %eax
    syscall
    ud2
    .section .note.GNU-stack, "", @progbits
