/*
 * The real processor's answers: reads cases (isa-cases.ts) from standard input, executes each one's
 * code in pages of this process, and writes what became of registers, flags and memory, or the
 * exception and where it was. For Linux on x86-64.
 */
#define _GNU_SOURCE
#include <asm/ldt.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
  EXIT = 0x10000000, /* where code goes when it has ended: one page */
  EXIT_32 = EXIT + 0x100,
  CODE = 0x602000, /* two pages, writable */
  CODE_BYTES = 0x2000,
  DATA = 0x605000, /* two pages, and one that can only be read */
  DATA_BYTES = 0x2000,
  READ_ONLY_BYTES = 0x1000,
  WINDOW = DATA + 0x1000 - 128, /* the part that a case brings with it */
  FS_BASE = 0x300000,
  LOW_BASE = 0x600000, /* offset 0 of 16-bit code */
  ENTRY = EXIT + 0x8000, /* its upper half is what 16-bit code finds in ESP (see build_pages) */
};
static const uint64_t GS_BASE = 0xfffffffffffe0010;
enum { USER_32 = 0x23, USER_DATA = 0x2b, USER_64 = 0x33, USER_16 = 0x07 };
enum { CODE_16, CODE_32, CODE_64 };
enum { ENDED = 0x100, ENDLESS = 0x101 };
/* An exception's instruction pushes at most this much of the processor's state (to XMM15). */
enum { IMAGE_BYTES = 512, IMAGE_KNOWN = 416, IMAGE_SOFTWARE = 464 };

struct vector_case {
  uint64_t registers[16];
  uint64_t rip, rflags;
  uint16_t mode, ss;
  uint32_t code_bytes;
  uint16_t selectors[4]; /* DS, ES, FS, GS */
  uint8_t code[96];
  uint8_t window[256];
  uint8_t image[IMAGE_SOFTWARE];
  uint32_t ignored, ignored_bytes; /* data that may have any value afterwards */
  uint8_t unused[IMAGE_BYTES - IMAGE_SOFTWARE - 8];
} __attribute__((aligned(16)));

struct outcome {
  uint64_t registers[16];
  uint64_t rip, rflags;
  uint32_t vector, error;
  uint64_t address;
  uint32_t first, last, hash, code_hash; /* of the bytes of DATA that have changed; of CODE */
  uint64_t fs_base, gs_base;
  uint16_t selectors[6]; /* DS, ES, FS, GS, SS, CS */
  uint8_t changed[52];
  uint8_t window[256];
  uint8_t image[IMAGE_BYTES];
} __attribute__((aligned(16)));

_Static_assert(sizeof(struct vector_case) == 1024, "a case has 1024 bytes");
_Static_assert(sizeof(struct outcome) == 1024, "an outcome has 1024 bytes");

/* What POP and IRETQ load: registers in encoding order but for RSP. */
struct entry {
  uint64_t registers[15];
  uint64_t rip, cs, rflags, rsp, ss;
};

static struct outcome out;
static uint8_t background[DATA_BYTES], expected[DATA_BYTES], code[CODE_BYTES];
/* Global for the assembler. */
uint8_t image[IMAGE_BYTES] __attribute__((aligned(16)));
uint64_t host_rsp, ended_registers[16], ended_rflags;
uint16_t ended_ss;
static volatile int inside;
static volatile unsigned ticks;

/* Leaves for the code of a case; comes back from EXIT, or from the signal handler at `resume`. */
__attribute__((naked, noinline)) static void execute(const struct entry *entry, const void *image) {
  (void)entry, (void)image;
  __asm__ volatile(
      "push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
      "mov %rsp, host_rsp(%rip)\n\t"
      "fxrstor64 (%rsi)\n\t"
      "mov %rdi, %rsp\n\t"
      "pop %rax; pop %rcx; pop %rdx; pop %rbx; pop %rbp; pop %rsi; pop %rdi\n\t"
      "pop %r8; pop %r9; pop %r10; pop %r11; pop %r12; pop %r13; pop %r14; pop %r15\n\t"
      "iretq\n\t"
      "resume:\n\t" /* a signal's return leaves NT as it is */
      "pushq $0x202\n\t"
      "popfq\n\t"
      "mov $0x2b, %eax\n\t"
      "mov %eax, %ss\n\t"
      "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
      "ret");
}

/* EXIT leads here; RAX has been saved. */
__attribute__((naked, noinline)) static void leave(void) {
  __asm__ volatile(
      "mov %rcx, ended_registers+8(%rip)\n\t"
      "mov %rdx, ended_registers+16(%rip)\n\t"
      "mov %rbx, ended_registers+24(%rip)\n\t"
      "mov %rsp, ended_registers+32(%rip)\n\t"
      "mov %rbp, ended_registers+40(%rip)\n\t"
      "mov %rsi, ended_registers+48(%rip)\n\t"
      "mov %rdi, ended_registers+56(%rip)\n\t"
      "mov %r8, ended_registers+64(%rip)\n\t"
      "mov %r9, ended_registers+72(%rip)\n\t"
      "mov %r10, ended_registers+80(%rip)\n\t"
      "mov %r11, ended_registers+88(%rip)\n\t"
      "mov %r12, ended_registers+96(%rip)\n\t"
      "mov %r13, ended_registers+104(%rip)\n\t"
      "mov %r14, ended_registers+112(%rip)\n\t"
      "mov %r15, ended_registers+120(%rip)\n\t"
      "mov host_rsp(%rip), %rsp\n\t"
      "mov %ss, ended_ss(%rip)\n\t"
      "pushfq\n\t"
      "popq ended_rflags(%rip)\n\t"
      "fxsave64 image(%rip)\n\t"
      "jmp resume");
}

extern const char resume[];

/* MOV [moffs64], RAX; MOV RAX, leave; JMP RAX: no register but RAX, no flag. In 32-bit code a far JMP before. */
static void write_exit(uint8_t *at) {
  const uint64_t save = (uint64_t)&ended_registers[0], target = (uint64_t)leave;
  memcpy(at, "\x48\xa3", 2), memcpy(at + 2, &save, 8);
  memcpy(at + 10, "\x48\xb8", 2), memcpy(at + 12, &target, 8);
  memcpy(at + 20, "\xff\xe0", 2);
  const uint32_t exit = EXIT;
  at[0x100] = 0xea, memcpy(at + 0x101, &exit, 4);
  memcpy(at + 0x105, "\x33\0", 2);
}

/* Copies aligned words: with RFLAGS.AC from the case any other access may fault. */
static void copy_words(void *to, const void *from, size_t bytes) {
  volatile uint64_t *into = to;
  const uint64_t *words = from;
  for (size_t n = 0; n < bytes / 8; n++) into[n] = words[n];
}

static void go_back(ucontext_t *context) {
  greg_t *registers = context->uc_mcontext.gregs;
  registers[REG_RIP] = (greg_t)resume;
  registers[REG_RSP] = (greg_t)host_rsp;
  registers[REG_EFL] = 0x202;
  registers[REG_CSGSFS] = USER_64 | (registers[REG_CSGSFS] & 0xffffffff0000) | ((greg_t)USER_DATA << 48);
}

static void record(const ucontext_t *context, uint32_t vector) {
  static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
  const greg_t *registers = context->uc_mcontext.gregs;
  for (int n = 0; n < 16; n++) out.registers[n] = registers[order[n]];
  out.rip = registers[REG_RIP];
  out.rflags = registers[REG_EFL];
  out.vector = vector;
  out.error = registers[REG_ERR];
  out.address = registers[REG_CR2];
  const uint64_t selectors = registers[REG_CSGSFS];
  out.selectors[4] = selectors >> 48, out.selectors[5] = selectors;
  copy_words(image, context->uc_mcontext.fpregs, IMAGE_KNOWN);
}

/* A signal's handler begins with the RFLAGS of the case, but for TF, RF and DF. */
#define FORGET_AC() __asm__ volatile("pushfq; andl $~0x40000, (%%rsp); popfq" : : : "cc", "memory")

static void caught(int signal, siginfo_t *info, void *context) {
  FORGET_AC();
  (void)info;
  if (!inside) _exit(100 + signal);
  record(context, ((ucontext_t *)context)->uc_mcontext.gregs[REG_TRAPNO]);
  go_back(context);
}

/* Two ticks of CPU time within one case: its code doesn't end. */
static void ticked(int signal, siginfo_t *info, void *context) {
  FORGET_AC();
  (void)signal, (void)info;
  if (!inside || ++ticks < 3) return;
  record(context, ENDLESS);
  go_back(context);
}

static void catch_signals(void) {
  static uint8_t stack[1 << 16];
  const stack_t alternative = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternative, NULL);
  static const int signals[] = {SIGSEGV, SIGILL, SIGFPE, SIGBUS, SIGTRAP};
  struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  sigfillset(&action.sa_mask);
  for (size_t n = 0; n < sizeof signals / sizeof *signals; n++) sigaction(signals[n], &action, NULL);
  action.sa_sigaction = ticked;
  sigaction(SIGVTALRM, &action, NULL);
  const struct itimerval interval = {{0, 10000}, {0, 10000}};
  setitimer(ITIMER_VIRTUAL, &interval, NULL);
}

static uint8_t *map_at(uint64_t address, size_t bytes, int protection) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE;
  void *mapped = mmap((void *)address, bytes, protection | PROT_WRITE, flags, -1, 0);
  if (mapped != (void *)address) _exit(2);
  return mapped;
}

/* The same words as isa-cases.ts: the finalizer of MurmurHash3 over multiples of the golden ratio. */
static uint32_t background_word(uint32_t index) {
  uint32_t word = (index + 1) * 0x9e3779b9u;
  word = (word ^ (word >> 16)) * 0x85ebca6bu;
  word = (word ^ (word >> 13)) * 0xc2b2ae35u;
  return word ^ (word >> 16);
}

/* The far jump of isa-segments.ts, by which 16-bit code ends. */
static const uint8_t stub[] = {0x66, 0xea, 0, 0, 0, EXIT >> 24, USER_64, 0};

/* The segments of isa-segments.ts. */
static void build_segments(void) {
  enum { DATA_UP, DATA_DOWN, CODE_PLAIN = 2 };
  static const struct user_desc rows[] = {
      {.base_addr = LOW_BASE, .limit = 0xffff, .contents = CODE_PLAIN},
      {.base_addr = LOW_BASE, .limit = 0xffff, .contents = DATA_UP},
      {.limit = 0xfffff, .limit_in_pages = 1, .seg_32bit = 1, .contents = DATA_UP, .seg_not_present = 1},
      {.base_addr = LOW_BASE, .limit = 0x5fff, .seg_32bit = 1, .contents = DATA_UP},
      {.limit = 0xfffff, .limit_in_pages = 1, .seg_32bit = 1, .contents = DATA_UP, .read_exec_only = 1},
      {.base_addr = LOW_BASE, .limit = 0x5fff, .seg_32bit = 1, .contents = DATA_DOWN},
      {.limit = 0xfffff, .limit_in_pages = 1, .seg_32bit = 1, .contents = CODE_PLAIN, .read_exec_only = 1},
      {.base_addr = LOW_BASE, .limit = 0xffff, .seg_32bit = 1, .contents = CODE_PLAIN},
  };
  for (size_t n = 0; n < sizeof rows / sizeof *rows; n++) {
    struct user_desc row = rows[n];
    row.entry_number = n;
    if (syscall(SYS_modify_ldt, 0x11, &row, sizeof row) != 0) _exit(3);
  }
}

static void build_pages(void) {
  /* IRETQ to a 16-bit stack segment may leave the upper half of ESP as it was. */
  map_at(ENTRY & ~0xfffull, 4096, PROT_READ);
  const int all = PROT_READ | PROT_WRITE | PROT_EXEC;
  write_exit(map_at(EXIT, 4096, PROT_READ));
  mprotect((void *)(uintptr_t)EXIT, 4096, PROT_READ | PROT_EXEC);
  map_at(CODE, CODE_BYTES, all);
  uint8_t *data = map_at(DATA, DATA_BYTES + READ_ONLY_BYTES, PROT_READ);
  for (uint32_t n = 0; n < (DATA_BYTES + READ_ONLY_BYTES) / 4; n++) {
    const uint32_t word = background_word(n);
    memcpy(data + 4 * n, &word, 4);
  }
  memcpy(background, data, DATA_BYTES);
  mprotect(data + DATA_BYTES, READ_ONLY_BYTES, PROT_READ);
}

/* FNV-1a over 32-bit words. */
static uint32_t hash_of(const uint8_t *bytes, size_t count) {
  uint32_t hash = 0x811c9dc5u;
  for (size_t at = 0; at < count; at += 4) {
    uint32_t word;
    memcpy(&word, bytes + at, 4);
    hash = (hash ^ word) * 0x01000193u;
  }
  return hash;
}

static void compare_memory(void) {
  const uint8_t *data = (const uint8_t *)(uintptr_t)DATA;
  memcpy(out.window, (const void *)(uintptr_t)WINDOW, sizeof out.window);
  if (memcmp(data, expected, DATA_BYTES) == 0) return;
  uint32_t first = 0, last = DATA_BYTES - 1;
  while (data[first] == expected[first]) first++;
  while (data[last] == expected[last]) last--;
  out.first = first, out.last = last;
  out.hash = hash_of(data, DATA_BYTES);
  const uint32_t room = DATA_BYTES - first;
  memcpy(out.changed, data + first, room < sizeof out.changed ? room : sizeof out.changed);
}

#define SELECTOR(name) ({ uint16_t value; __asm__ volatile("mov %%" #name ", %0" : "=r"(value)); value; })
#define SET_SELECTOR(name, value) __asm__ volatile("mov %0, %%" #name : : "r"((uint16_t)(value)))

static uint64_t base_of(int fs) {
  uint64_t base;
  if (fs) __asm__ volatile("rdfsbase %0" : "=r"(base));
  else __asm__ volatile("rdgsbase %0" : "=r"(base));
  return base;
}

static void set_bases(uint64_t fs, uint64_t gs) {
  __asm__ volatile("wrfsbase %0; wrgsbase %1" : : "r"(fs), "r"(gs));
}

/* No call between leaving and coming back may use thread-local storage: FS is the case's. */
static void run_in(const struct entry *entry, const struct vector_case *one, uint64_t own_fs) {
  const void *state = one->image;
  if (SELECTOR(ds) != one->selectors[0]) SET_SELECTOR(ds, one->selectors[0]);
  if (SELECTOR(es) != one->selectors[1]) SET_SELECTOR(es, one->selectors[1]);
  if (one->selectors[2] != 0) SET_SELECTOR(fs, one->selectors[2]);
  if (one->selectors[3] != 0) SET_SELECTOR(gs, one->selectors[3]);
  set_bases(one->selectors[2] ? base_of(1) : FS_BASE, one->selectors[3] ? base_of(0) : GS_BASE);
  ticks = 0;
  inside = 1;
  execute(entry, state);
  inside = 0;
  out.fs_base = base_of(1);
  out.gs_base = base_of(0);
  out.selectors[0] = SELECTOR(ds), out.selectors[1] = SELECTOR(es);
  out.selectors[2] = SELECTOR(fs), out.selectors[3] = SELECTOR(gs);
  if (out.selectors[2] != 0) SET_SELECTOR(fs, 0);
  if (out.selectors[3] != 0) SET_SELECTOR(gs, 0);
  set_bases(own_fs, 0);
}

static void run_case(const struct vector_case *one, uint64_t own_fs) {
  memset(code, 0xf4, CODE_BYTES); /* HLT */
  memcpy(code, stub, sizeof stub);
  const uint64_t base = one->mode == CODE_16 ? LOW_BASE : 0;
  memcpy(code + (base + one->rip - CODE), one->code, one->code_bytes);
  memcpy((void *)(uintptr_t)CODE, code, CODE_BYTES);
  memcpy(expected, background, DATA_BYTES);
  memcpy(expected + (WINDOW - DATA), one->window, sizeof one->window);
  memcpy((void *)(uintptr_t)DATA, expected, DATA_BYTES);
  memset(&out, 0, sizeof out);
  out.vector = ENDED;
  struct entry entry = {.rip = one->rip, .rflags = one->rflags, .rsp = one->registers[4], .ss = one->ss};
  entry.cs = one->mode == CODE_64 ? USER_64 : one->mode == CODE_32 ? USER_32 : USER_16;
  memcpy(entry.registers, one->registers, 4 * 8);
  memcpy(entry.registers + 4, one->registers + 5, 11 * 8);
  *(struct entry *)ENTRY = entry;
  run_in((const struct entry *)ENTRY, one, own_fs);
  if (out.vector == ENDED) {
    memcpy(out.registers, ended_registers, sizeof out.registers);
    out.rflags = ended_rflags;
    out.rip = EXIT;
    out.selectors[4] = ended_ss;
  }
  __asm__ volatile("fninit");
  memcpy(out.image, image, IMAGE_KNOWN);
  if (one->ignored_bytes != 0) memset((void *)(uintptr_t)one->ignored, 0, one->ignored_bytes);
  compare_memory();
  const uint8_t *executed = (const uint8_t *)(uintptr_t)CODE;
  if (memcmp(executed, code, CODE_BYTES) != 0) out.code_hash = hash_of(executed, CODE_BYTES);
}

int main(void) {
  struct vector_case one;
  const uint64_t own_fs = base_of(1);
  build_pages();
  build_segments();
  catch_signals();
  while (fread(&one, sizeof one, 1, stdin) == 1) {
    run_case(&one, own_fs);
    if (fwrite(&out, sizeof out, 1, stdout) != 1) return 1;
  }
  return 0;
}
