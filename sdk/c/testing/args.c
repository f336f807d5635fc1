/* Writes its arguments, its environment and what the auxiliary vector calls it; ends with RSP's last bits. */
#include "aios.h"

#define AT_EXECFN 31

static void line(const struct aios_start *start, const char *text) {
  size_t count = 0;
  while (text[count] != 0) count++;
  aios_console_write(start->argument, text, count);
  aios_console_write(start->argument, "\n", 1);
}

uint64_t aios_main(const struct aios_start *start) {
  char **at = start->argv;
  for (int index = 0; index < start->argc; index++) line(start, *at++);
  if (*at++ != 0 || at != start->envp) return 100;
  while (*at != 0) line(start, *at++);
  for (uint64_t *pair = (uint64_t *)at + 1; pair[0] != 0; pair += 2)
    if (pair[0] == AT_EXECFN) line(start, (const char *)(uintptr_t)pair[1]);
  /* argc is one word below argv. */
  return ((uintptr_t)start->argv - 8) & 15;
}
