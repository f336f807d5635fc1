/* The same as agent.c of the host's Linux; prints the ns of CPU time that it and its children took. */
#define _GNU_SOURCE
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void touch(volatile uint8_t *at, uint64_t pages) {
  for (uint64_t page = 0; page < pages; page++) at[page << 12] = (uint8_t)page;
}

static volatile uint8_t *take(uint64_t pages) {
  void *at = mmap(NULL, pages << 12, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) exit(1);
  /* One fault a page, as on the other side. */
  madvise(at, pages << 12, MADV_NOHUGEPAGE);
  return at;
}

static void calls(uint64_t count) {
  for (uint64_t turn = 0; turn < count; turn++) syscall(SYS_getpid);
}

static void faults(uint64_t count, uint64_t pages) {
  for (uint64_t turn = 0; turn < count; turn++) {
    volatile uint8_t *at = take(pages);
    touch(at, pages);
    munmap((void *)at, pages << 12);
  }
}

static void copies(uint64_t count, uint64_t pages) {
  volatile uint8_t *at = take(pages);
  touch(at, pages);
  for (uint64_t turn = 0; turn < count; turn++) {
    pid_t child = fork();
    if (child == 0)
      for (;;) pause();
    touch(at, pages);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
  }
}

static void switches(uint64_t count) {
  pid_t child = fork();
  for (uint64_t turn = 0; turn < count; turn++) sched_yield();
  if (child == 0) _exit(0);
  waitpid(child, NULL, 0);
}

static int64_t spent(int who) {
  struct rusage used;
  getrusage(who, &used);
  return (used.ru_utime.tv_sec + used.ru_stime.tv_sec) * INT64_C(1000000000) +
         (used.ru_utime.tv_usec + used.ru_stime.tv_usec) * INT64_C(1000);
}

int main(int argc, char **argv) {
  if (argc < 4) return 1;
  uint64_t count = strtoull(argv[2], NULL, 10), pages = strtoull(argv[3], NULL, 10);
  /* Both of two processes on one processor. */
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(sched_getcpu(), &one);
  sched_setaffinity(0, sizeof one, &one);
  switch (argv[1][0]) {
    case 'c': calls(count); break;
    case 'f': faults(count, pages); break;
    case 'w': copies(count, pages); break;
    default: switches(count); break;
  }
  printf("%lld\n", (long long)(spent(RUSAGE_SELF) + spent(RUSAGE_CHILDREN)));
  return 0;
}
