/*
 * What an agent is given by name when it is born: arguments, streams, capabilities. The same program runs
 * as the first agent of a machine, which finds its arguments on the stack and writes to the console, and as
 * one that the system has started, whose parent sends a message (services/messages/birth_layout.ts).
 */
#ifndef AIOS_BIRTH_H
#define AIOS_BIRTH_H

#include "aios.h"

struct aios_birth {
  uint64_t self, pool;
  uint64_t kernel; /* of a machine's first agent; else 0 */
  /* Capabilities: pipes, and the service for files; 0: there is none. */
  uint64_t input, output, errors, files;
  int argc;
  char **argv; /* argv[argc] is a null pointer */
  char **envp; /* NAME=value, and a null pointer */
  uint32_t capabilities;
  const uint64_t *handles; /* of capabilities */
  char **names;            /* what they are, as text: FS_READ:/projects/demo */
  /* Where all that lies. */
  void *room;
  size_t room_bytes;
};

/* Waits for the next message: its status and size. */
static inline struct aios_result aios_next(uint64_t self, void *room, size_t size, struct aios_header *header) {
  for (;;) {
    struct aios_result result = aios_receive(self, room, size, header);
    if (result.status != AIOS_STATUS_EMPTY) return result;
    result = aios_sys_wait(self, 0, 0, UINT64_MAX, AIOS_WAIT_MAILBOX, 0);
    if (result.status != AIOS_STATUS_OK) return result;
  }
}

/* Who has started it; 0 if that can't be known. */
static inline uint64_t aios_parent(uint64_t self) {
  uint64_t info[AIOS_INFO_BYTES / 8];
  uint64_t status = aios_sys_agent_info(self, info, sizeof info).status;
  return status == AIOS_STATUS_OK ? info[AIOS_INFO_PARENT / 8] : 0;
}

static inline uint32_t aios_birth_count(const char *message, size_t at) {
  return *(const uint32_t *)(const void *)(message + at);
}

static inline uint64_t aios_birth_handle(const char *message, size_t at) {
  return *(const uint64_t *)(const void *)(message + at);
}

/* Pointers to so many strings, with a null pointer behind; where the next string is. */
static inline char *aios_birth_strings(char *at, uint32_t count, char **into) {
  for (uint32_t n = 0; n < count; n++) {
    into[n] = at;
    while (*at++ != 0) {
    }
  }
  into[count] = 0;
  return at;
}

/* Takes a message apart; the pointers go behind it. TOO_LARGE: they don't fit. */
static inline uint64_t aios_birth_read(struct aios_birth *birth, size_t bytes) {
  char *message = (char *)birth->room;
  uint32_t args = aios_birth_count(message, AIOS_BIRTH_ARGUMENTS);
  uint32_t variables = aios_birth_count(message, AIOS_BIRTH_VARIABLES);
  uint32_t named = aios_birth_count(message, AIOS_BIRTH_CAPABILITIES);
  size_t free = (bytes + 7) & ~(size_t)7;
  size_t needed = ((size_t)args + variables + named + 3) * sizeof(char *);
  if (birth->room_bytes < free || birth->room_bytes - free < needed) return AIOS_STATUS_TOO_LARGE;
  birth->input = aios_birth_handle(message, AIOS_BIRTH_STREAMS);
  birth->output = aios_birth_handle(message, AIOS_BIRTH_STREAMS + 8);
  birth->errors = aios_birth_handle(message, AIOS_BIRTH_STREAMS + 16);
  birth->files = aios_birth_handle(message, AIOS_BIRTH_FILES);
  birth->capabilities = named;
  birth->handles = (const uint64_t *)(const void *)(message + AIOS_BIRTH_HANDLES);
  birth->argc = (int)args;
  birth->argv = (char **)(void *)(message + free);
  birth->envp = birth->argv + args + 1;
  birth->names = birth->envp + variables + 1;
  char *at = message + AIOS_BIRTH_HANDLES + 8 * (size_t)named;
  at = aios_birth_strings(at, args, birth->argv);
  at = aios_birth_strings(at, variables, birth->envp);
  aios_birth_strings(at, named, birth->names);
  return AIOS_STATUS_OK;
}

/* Receives what the parent says into `room`; what others have sent before is passed over. */
static inline uint64_t aios_birth_receive(struct aios_birth *birth) {
  uint64_t parent = aios_parent(birth->self);
  struct aios_header header;
  struct aios_result result;
  do {
    result = aios_next(birth->self, birth->room, birth->room_bytes, &header);
    if (result.status != AIOS_STATUS_OK) return result.status;
  } while (header.sender != parent || header.payload_bytes < AIOS_BIRTH_HANDLES ||
           aios_birth_handle((const char *)birth->room, AIOS_BIRTH_MARK) != AIOS_BIRTH_MARK_VALUE);
  return aios_birth_read(birth, header.payload_bytes);
}

/*
 * Learns what the agent was given: its first call, most often. `room`, aligned to 8 bytes, keeps it; 72 KiB
 * are enough for whatever there may be, and a few KiB for most. A status: TOO_LARGE if the room is too small.
 */
static inline uint64_t aios_born(const struct aios_start *start, struct aios_birth *birth, void *room, size_t size) {
  static const struct aios_birth nothing;
  *birth = nothing;
  birth->self = start->self;
  birth->pool = start->pool;
  birth->room = room;
  birth->room_bytes = size;
  if (start->scope == 0) return aios_birth_receive(birth);
  birth->kernel = start->argument;
  birth->argc = start->argc;
  birth->argv = start->argv;
  birth->envp = start->envp;
  return AIOS_STATUS_OK;
}

/* Waits until a pipe has room. */
static inline uint64_t aios_room_in(const struct aios_birth *birth, uint64_t pipe) {
  struct aios_result queue = aios_sys_endpoint_create(birth->pool, AIOS_ENDPOINT_QUEUE, 1);
  if (queue.status != AIOS_STATUS_OK) return queue.status;
  uint64_t list[1] = {queue.value};
  uint64_t status = aios_sys_endpoint_notify(pipe, queue.value, AIOS_NOTIFY_ROOM, 0, 1).status;
  if (status == AIOS_STATUS_OK) status = aios_sys_wait(birth->self, list, 1, UINT64_MAX, 0, 0).status;
  aios_sys_endpoint_close(queue.value);
  aios_sys_cap_revoke(queue.value, AIOS_REVOKE_ITSELF);
  return status;
}

/* What a pipe has, up to `count` bytes, and waits while that is none: how many; 0 at its end, or without one. */
static inline struct aios_result aios_read(const struct aios_birth *birth, uint64_t stream, void *into, size_t count) {
  struct aios_result result = {AIOS_STATUS_OK, 0};
  if (stream == 0 || count == 0) return result;
  for (;;) {
    result = aios_sys_pipe_read(stream, into, count < 4096 ? count : 4096);
    if (result.status == AIOS_STATUS_EMPTY) {
      uint64_t list[1] = {stream};
      result = aios_sys_wait(birth->self, list, 1, UINT64_MAX, 0, 0);
      if (result.status == AIOS_STATUS_OK) continue;
    }
    if (result.status != AIOS_STATUS_OBJECT_GONE && result.status != AIOS_STATUS_ABANDONED) return result;
    result.status = AIOS_STATUS_OK;
    result.value = 0;
    return result;
  }
}

/* Writes all of it, and waits while the pipe is full; the first agent's streams are the console. */
static inline uint64_t aios_write(const struct aios_birth *birth, uint64_t stream, const void *bytes, size_t count) {
  const char *at = (const char *)bytes;
  if (stream == 0 && birth->kernel != 0) return aios_console_write(birth->kernel, bytes, count);
  while (count != 0) {
    struct aios_result result = aios_sys_pipe_write(stream, at, count < 4096 ? count : 4096);
    if (result.status == AIOS_STATUS_FULL) {
      uint64_t status = aios_room_in(birth, stream);
      if (status != AIOS_STATUS_OK) return status;
      continue;
    }
    if (result.status != AIOS_STATUS_OK) return result.status;
    at += result.value;
    count -= result.value;
  }
  return AIOS_STATUS_OK;
}

#endif
