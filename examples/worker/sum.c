/* A tool: adds the numbers of a request, and refuses what is no number. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "aios_wasm.h"

struct message {
  uint64_t sender, sequence, bytes;
  int64_t capability;
};
_Static_assert(sizeof(struct message) == 32, "as services/wasm/aios_calls.ts has it");

static char room[65536 + 1];

static void answer(const char *text, char *to, size_t bytes) {
  long long sum = 0;
  while (*text != '\0') {
    char *end;
    long long number = strtoll(text, &end, 10);
    if (end == text || (*end != ' ' && *end != '\0')) {
      snprintf(to, bytes, "error no number: %.20s", text);
      return;
    }
    sum += number;
    text = end;
    while (isspace((unsigned char)*text)) text++;
  }
  snprintf(to, bytes, "ok %lld", sum);
}

int main(void) {
  struct message message;
  char text[64];
  while (aios_receive(0, AIOS_NEVER, room, sizeof room - 1, &message) == AIOS_STATUS_OK) {
    room[message.bytes] = '\0';
    answer(room, text, sizeof text);
    aios_send(message.capability, text, (uint32_t)strlen(text), 0);
    aios_drop(message.capability);
  }
  return 1;
}
