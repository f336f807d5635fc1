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
/*
 * What compilers call without being asked (GCC manual, "Standards"), and core of Rust. Weak, so
 * that a program may have better ones.
 */
    .text
    .weak memcpy, memmove, memset, memcmp, strlen
memmove:
    mov %rdi, %rax
    mov %rdi, %rcx
    sub %rsi, %rcx
    cmp %rdx, %rcx              /* does the destination begin inside of the source? */
    jb 1f
    mov %rdx, %rcx
    rep movsb
    ret
1:  lea -1(%rdi,%rdx), %rdi
    lea -1(%rsi,%rdx), %rsi
    mov %rdx, %rcx
    std
    rep movsb
    cld
    ret
memcpy:
    mov %rdi, %rax
    mov %rdx, %rcx
    rep movsb
    ret
memset:
    mov %rdi, %r8
    mov %esi, %eax
    mov %rdx, %rcx
    rep stosb
    mov %r8, %rax
    ret
strlen:
    mov %rdi, %rdx
    mov $-1, %rcx
    xor %eax, %eax
    repne scasb
    lea -1(%rdi), %rax
    sub %rdx, %rax
    ret
memcmp:
    mov %rdx, %rcx
    xor %eax, %eax
    cmp %rax, %rax              /* equal, if there are no bytes */
    repe cmpsb
    je 1f
    movzbl -1(%rdi), %eax
    movzbl -1(%rsi), %ecx
    sub %ecx, %eax
1:  ret
    .section .note.GNU-stack, "", @progbits
