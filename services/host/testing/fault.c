/*
 * Makes a disk fail: the nth call that writes to, or syncs, a file below a folder ends with an error, once.
 * Of a write half of the bytes have come to the file by then, as on a disk that becomes full.
 *
 *   cc -shared -fPIC -o fault.so fault.c
 *   LD_PRELOAD=fault.so FAULT_FOLDER=/tmp/state FAULT_AT=7 FAULT_ERRNO=28 node ...
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

/* A macro, where it is one. */
#undef fwrite_unlocked

static atomic_int calls;

static const char *setting(const char *name) {
  const char *value = getenv(name);
  return value ? value : "";
}

/* Whether this call is the one that fails. */
static int fails(int fd) {
  const char *folder = setting("FAULT_FOLDER");
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (*folder == 0 || length < 0) return 0;
  path[length] = 0;
  if (strncmp(path, folder, strlen(folder)) != 0) return 0;
  return atomic_fetch_add(&calls, 1) + 1 == atoi(setting("FAULT_AT"));
}

static int refuse(void) {
  errno = atoi(setting("FAULT_ERRNO"));
  return -1;
}

ssize_t write(int fd, const void *bytes, size_t count) {
  ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  if (!fails(fd)) return real(fd, bytes, count);
  if (real(fd, bytes, count / 2) < 0) return -1;
  return refuse();
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t at) {
  ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
  if (!fails(fd)) return real(fd, bytes, count, at);
  if (real(fd, bytes, count / 2, at) < 0) return -1;
  return refuse();
}

ssize_t writev(int fd, const struct iovec *list, int count) {
  ssize_t (*real)(int, const struct iovec *, int) = dlsym(RTLD_NEXT, "writev");
  return fails(fd) ? refuse() : real(fd, list, count);
}

/* LevelDB writes by streams, whose own calls nobody can come between. */
size_t fwrite_unlocked(const void *bytes, size_t size, size_t count, FILE *stream) {
  size_t (*real)(const void *, size_t, size_t, FILE *) = dlsym(RTLD_NEXT, "fwrite_unlocked");
  if (!fails(fileno(stream))) return real(bytes, size, count, stream);
  size_t written = real(bytes, 1, size * count / 2, stream) / size;
  fflush(stream);
  refuse();
  return written;
}

int fsync(int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  return fails(fd) ? refuse() : real(fd);
}

int fdatasync(int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  return fails(fd) ? refuse() : real(fd);
}
