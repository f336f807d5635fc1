/*
 * System calls for agents in C (docs/syscalls.md). Freestanding: no library is needed.
 *
 *   gcc -O2 -ffreestanding -nostdlib -static -no-pie -Isdk/c -T sdk/c/aios.ld \
 *       -o hello.elf sdk/c/crt0.S hello.c
 *
 * Linking with the script is a wish, not a need: any static executable whose segments lie between
 * 64 KiB and 1,008 MiB will do. It must have fixed addresses: what -pie or -static-pie makes is refused.
 */
#ifndef AIOS_H
#define AIOS_H

#include <stddef.h>
#include <stdint.h>
#include "aios_constants.h"

/* What an agent finds when it begins; crt0.S hands it to aios_main. */
struct aios_start {
  uint64_t self;     /* its capability to itself */
  uint64_t pool;     /* to its pool; 0: it has none */
  uint64_t argument; /* what its parent said; the first agent: its capability to the kernel */
  uint64_t scope;    /* the first agent: its capability to all scopes; else 0 */
  uint64_t id;       /* its identifier */
  int argc;
  char **argv; /* argv[0] is the image's name; argv[argc] is a null pointer */
  char **envp; /* behind its null pointer comes the auxiliary vector (psABI 3.4.3) */
};

/* The agent's code; what it returns is the code with which it ends. */
uint64_t aios_main(const struct aios_start *start);

struct aios_result {
  uint64_t status; /* AIOS_STATUS_... */
  uint64_t value;
};

/* One system call. RCX and R11 are the instruction's (AMD64 APM 3, SYSCALL). */
static inline struct aios_result aios_call(uint64_t number, uint64_t capability, uint64_t a1, uint64_t a2,
                                           uint64_t a3, uint64_t a4, uint64_t a5) {
  struct aios_result result;
  register uint64_t r10 __asm__("r10") = a3;
  register uint64_t r8 __asm__("r8") = a4;
  register uint64_t r9 __asm__("r9") = a5;
  __asm__ volatile("syscall"
                   : "=a"(result.status), "=d"(result.value)
                   : "a"(number), "D"(capability), "S"(a1), "d"(a2), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

static inline uint64_t aios_address(const volatile void *at) { return (uint64_t)(uintptr_t)at; }

#include "aios_calls.h"

/* How an agent is scheduled. */
struct aios_schedule {
  uint32_t class_, weight;
  uint64_t budget_ns, period_ns, deadline_ns, affinity;
  uint32_t flags, reserved;
};
struct aios_grant {
  uint64_t capability;
  uint32_t rights, reserved;
  uint64_t handle; /* out */
};
struct aios_spawn {
  uint64_t grants;
  uint32_t grant_count, self_rights, pool_rights, reserved;
  uint64_t argument;
  uint64_t child; /* out */
  uint64_t image, quota;
  struct aios_schedule schedule;
};
struct aios_header {
  uint64_t sender, sequence, payload_bytes, capability, pages;
};
struct aios_notice {
  uint64_t kind, subject, status, value;
};

#define AIOS_LAYOUT(type, field, at) \
  _Static_assert(offsetof(struct type, field) == (at), #type "." #field)
AIOS_LAYOUT(aios_schedule, weight, AIOS_SCHEDULE_WEIGHT);
AIOS_LAYOUT(aios_schedule, budget_ns, AIOS_SCHEDULE_BUDGET);
AIOS_LAYOUT(aios_schedule, affinity, AIOS_SCHEDULE_AFFINITY);
AIOS_LAYOUT(aios_schedule, flags, AIOS_SCHEDULE_FLAGS);
AIOS_LAYOUT(aios_grant, rights, AIOS_GRANT_RIGHTS);
AIOS_LAYOUT(aios_grant, handle, AIOS_GRANT_HANDLE);
AIOS_LAYOUT(aios_spawn, grant_count, AIOS_SPAWN_GRANT_COUNT);
AIOS_LAYOUT(aios_spawn, self_rights, AIOS_SPAWN_SELF_RIGHTS);
AIOS_LAYOUT(aios_spawn, argument, AIOS_SPAWN_ARGUMENT);
AIOS_LAYOUT(aios_spawn, child, AIOS_SPAWN_CHILD);
AIOS_LAYOUT(aios_spawn, quota, AIOS_SPAWN_QUOTA);
AIOS_LAYOUT(aios_spawn, schedule, AIOS_SPAWN_SCHEDULE);
AIOS_LAYOUT(aios_header, payload_bytes, AIOS_HEADER_PAYLOAD_BYTES);
AIOS_LAYOUT(aios_header, capability, AIOS_HEADER_CAPABILITY);
AIOS_LAYOUT(aios_notice, value, AIOS_NOTICE_VALUE);
_Static_assert(sizeof(struct aios_schedule) == AIOS_SCHEDULE_BYTES, "aios_schedule");
_Static_assert(sizeof(struct aios_grant) == AIOS_GRANT_BYTES, "aios_grant");
_Static_assert(sizeof(struct aios_spawn) == AIOS_SPAWN_BYTES, "aios_spawn");
_Static_assert(sizeof(struct aios_header) == AIOS_HEADER_BYTES, "aios_header");
_Static_assert(sizeof(struct aios_notice) == AIOS_NOTICE_BYTES, "aios_notice");

/* Ends the agent that `self` names: the caller, most often. */
__attribute__((noreturn)) static inline void aios_exit(uint64_t self, uint64_t code) {
  aios_call(AIOS_SYSCALL_AGENT_KILL, self, code, 0, 0, 0, 0);
  __builtin_trap();
}

/* Writes to the machine's console, 256 bytes a call. */
static inline uint64_t aios_console_write(uint64_t kernel, const void *bytes, size_t count) {
  const char *at = (const char *)bytes;
  while (count != 0) {
    size_t part = count < 256 ? count : 256;
    struct aios_result result = aios_call(AIOS_SYSCALL_CONSOLE_WRITE, kernel, aios_address(at), part, 0, 0, 0);
    if (result.status != AIOS_STATUS_OK) return result.status;
    at += part;
    count -= part;
  }
  return AIOS_STATUS_OK;
}

/* Memory that `pool` pays, zeroed: value is where. `protection`: AIOS_PROTECTION_..., AIOS_MEMORY_... */
static inline struct aios_result aios_allocate(uint64_t pool, uint64_t bytes, uint64_t protection) {
  return aios_call(AIOS_SYSCALL_AGENT_MEM_ALLOC, pool, bytes, 0, protection, 0, 0);
}

static inline struct aios_result aios_send(uint64_t to, const void *bytes, size_t count) {
  return aios_call(AIOS_SYSCALL_IPC_SEND, to, aios_address(bytes), count, 0, 0, 0);
}

static inline struct aios_result aios_receive(uint64_t from, void *buffer, size_t size, struct aios_header *header) {
  return aios_call(AIOS_SYSCALL_IPC_RECV, from, aios_address(buffer), size, aios_address(header), 0, 0);
}

struct aios_clone {
  uint64_t grants;
  uint32_t grant_count, self_rights, pool_rights, reserved;
  uint64_t argument;
  uint64_t child; /* out */
  uint64_t pool;
};
AIOS_LAYOUT(aios_clone, pool, AIOS_CLONE_POOL);
_Static_assert(sizeof(struct aios_clone) == AIOS_CLONE_BYTES, "aios_clone");

/* What AgentClone answers: in the original id is 0 and value the clone's identifier; in the clone id is
   its own, and the rest is what it begins with. */
struct aios_cloned {
  uint64_t status, id, self, pool, value;
};

/* Clones the caller. The clone goes on here with other registers: R14, RDI, RSI, RDX. */
static inline struct aios_cloned aios_clone_self(uint64_t self, struct aios_clone *clone) {
  struct aios_cloned result;
  register uint64_t r14 __asm__("r14") = 0;
  result.self = self;
  result.pool = aios_address(clone);
  result.value = 0;
  __asm__ volatile("syscall"
                   : "=a"(result.status), "+D"(result.self), "+S"(result.pool), "+d"(result.value), "+r"(r14)
                   : "a"((uint64_t)AIOS_SYSCALL_AGENT_CLONE)
                   : "rcx", "r11", "memory");
  result.id = r14;
  return result;
}

/* Waits for the next notice. */
static inline struct aios_result aios_wait_notice(uint64_t self, struct aios_notice *notice) {
  return aios_call(AIOS_SYSCALL_WAIT, self, 0, 0, UINT64_MAX, AIOS_WAIT_NOTICES, aios_address(notice));
}

/* Lets others run first. */
static inline struct aios_result aios_yield(uint64_t self) {
  return aios_call(AIOS_SYSCALL_YIELD, self, 0, 0, 0, 0, 0);
}

#endif
