#include <stdio.h>
#include "aios_wasm.h"

struct message {
  uint64_t sender, sequence, bytes;
  int64_t capability;
};

static char text[6 + 65536] = "hello ";

int main(void) {
  struct message message;
  for (int greeted = 1; aios_receive(0, AIOS_NEVER, text + 6, 65536, &message) == AIOS_STATUS_OK; greeted++) {
    aios_send(message.capability, text, 6 + (uint32_t)message.bytes, 0);
    aios_drop(message.capability);
    printf("%d %.*s\n", greeted, (int)message.bytes, text + 6);
    fflush(stdout);
  }
}
