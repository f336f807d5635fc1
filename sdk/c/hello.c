/* An agent that says hello on the console: what README.md's example runs. */
#include "aios.h"

static const char greeting[] = "hello from ring 3\n";

uint64_t aios_main(const struct aios_start *start) {
  return aios_console_write(start->argument, greeting, sizeof greeting - 1);
}
