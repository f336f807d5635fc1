/* Made from services/wasm/aios_calls.ts by sdk/build/agent-interface.ts. Do not edit. */
#ifndef AIOS_WASM_H
#define AIOS_WASM_H

#include <stdint.h>

#define AIOS_NEVER UINT64_MAX
#define AIOS_CHILD_CAPABILITY 8
#define AIOS_CHILD_ID 0
#define AIOS_END_EXITED 1
#define AIOS_END_FAULT 3
#define AIOS_END_KILLED 2
#define AIOS_END_MERGED 4
#define AIOS_EVENT_AGENT 8
#define AIOS_EVENT_CODE 24
#define AIOS_EVENT_ENDED 2
#define AIOS_EVENT_INDEX 4
#define AIOS_EVENT_INPUT 3
#define AIOS_EVENT_KIND 0
#define AIOS_EVENT_MESSAGE 1
#define AIOS_EVENT_OBJECT 0
#define AIOS_EVENT_REASON 16
#define AIOS_GRANT_BYTES 16
#define AIOS_GRANT_CAPABILITY 0
#define AIOS_GRANT_NAME 8
#define AIOS_GRANT_NAME_BYTES 12
#define AIOS_MESSAGE_CAPABILITY 24
#define AIOS_MESSAGE_PAYLOAD_BYTES 16
#define AIOS_MESSAGE_SENDER 0
#define AIOS_MESSAGE_SEQUENCE 8
#define AIOS_RIGHTS_ALL 1073741823
#define AIOS_RIGHT_ALLOCATE 256
#define AIOS_RIGHT_AUDIT 67108864
#define AIOS_RIGHT_CLONE 1024
#define AIOS_RIGHT_CLOSE 2097152
#define AIOS_RIGHT_CREATE 1048576
#define AIOS_RIGHT_CRYPTO 268435456
#define AIOS_RIGHT_DERIVE 4194304
#define AIOS_RIGHT_DONATE 524288
#define AIOS_RIGHT_DRAIN 134217728
#define AIOS_RIGHT_EXECUTE 32
#define AIOS_RIGHT_INFO 1
#define AIOS_RIGHT_KILL 131072
#define AIOS_RIGHT_MAP 64
#define AIOS_RIGHT_MERGE 2048
#define AIOS_RIGHT_PREDICT 536870912
#define AIOS_RIGHT_RANDOM 33554432
#define AIOS_RIGHT_READ 8
#define AIOS_RIGHT_RECEIVE 4
#define AIOS_RIGHT_RESUME 65536
#define AIOS_RIGHT_REVOKE 8388608
#define AIOS_RIGHT_SCHEDULE 262144
#define AIOS_RIGHT_SEND 2
#define AIOS_RIGHT_SHARE 128
#define AIOS_RIGHT_SPAWN 512
#define AIOS_RIGHT_SPECIALIZE 16384
#define AIOS_RIGHT_SPLIT 4096
#define AIOS_RIGHT_SUSPEND 32768
#define AIOS_RIGHT_UPGRADE 8192
#define AIOS_RIGHT_WAIT 16777216
#define AIOS_RIGHT_WRITE 16
#define AIOS_STATUS_ABANDONED 32
#define AIOS_STATUS_ADMISSION_UNDECIDED 33
#define AIOS_STATUS_BAD_ADDRESS 12
#define AIOS_STATUS_BAD_ARGUMENT 11
#define AIOS_STATUS_BAD_IMAGE 38
#define AIOS_STATUS_BUDGET_TOO_SMALL 26
#define AIOS_STATUS_CAPABILITY_EXPIRED 5
#define AIOS_STATUS_CAPABILITY_FOREIGN 4
#define AIOS_STATUS_CAPABILITY_FORGED 2
#define AIOS_STATUS_CAPABILITY_KIND 7
#define AIOS_STATUS_CAPABILITY_REVOKED 6
#define AIOS_STATUS_CAPABILITY_STALE 3
#define AIOS_STATUS_CYCLE 29
#define AIOS_STATUS_EMPTY 21
#define AIOS_STATUS_FULL 20
#define AIOS_STATUS_IN_USE 37
#define AIOS_STATUS_LIMIT 17
#define AIOS_STATUS_MISALIGNED 13
#define AIOS_STATUS_NOT_ADMITTED 25
#define AIOS_STATUS_NOT_MAPPED 30
#define AIOS_STATUS_NOT_OWNER 31
#define AIOS_STATUS_NO_DEVICE 36
#define AIOS_STATUS_NO_MEMORY 19
#define AIOS_STATUS_OBJECT_GONE 10
#define AIOS_STATUS_OK 0
#define AIOS_STATUS_OUT_OF_RANGE 14
#define AIOS_STATUS_OVERLAP 15
#define AIOS_STATUS_QUOTA 18
#define AIOS_STATUS_RIGHTS_MISSING 8
#define AIOS_STATUS_ROLLED_BACK 34
#define AIOS_STATUS_SCOPE 9
#define AIOS_STATUS_TIMED_OUT 23
#define AIOS_STATUS_TOO_DEEP 28
#define AIOS_STATUS_TOO_LARGE 16
#define AIOS_STATUS_UNKNOWN_NAME 35
#define AIOS_STATUS_UNKNOWN_SYSCALL 1
#define AIOS_STATUS_WOULD_WIDEN 27
#define AIOS_STATUS_WRONG_STATE 24
#define AIOS_WAIT_CHILDREN 2
#define AIOS_WAIT_INPUT 4
#define AIOS_WAIT_MAILBOX 1

__attribute__((import_module("aios"), import_name("id")))
uint32_t aios_id(void *agent);
__attribute__((import_module("aios"), import_name("now")))
uint32_t aios_now(void *time);
__attribute__((import_module("aios"), import_name("random")))
uint32_t aios_random(void *buffer, uint32_t buffer_bytes);
__attribute__((import_module("aios"), import_name("capability")))
uint32_t aios_capability(const void *name, uint32_t name_bytes, void *handle);
__attribute__((import_module("aios"), import_name("send")))
uint32_t aios_send(int64_t to, const void *payload, uint32_t payload_bytes, int64_t along);
__attribute__((import_module("aios"), import_name("receive")))
uint32_t aios_receive(int64_t from, uint64_t deadline, void *buffer, uint32_t buffer_bytes, void *message);
__attribute__((import_module("aios"), import_name("request")))
uint32_t aios_request(int64_t to, const void *payload, uint32_t payload_bytes, uint64_t deadline, void *buffer, uint32_t buffer_bytes, void *message);
__attribute__((import_module("aios"), import_name("queue")))
uint32_t aios_queue(uint32_t capacity, void *handle);
__attribute__((import_module("aios"), import_name("derive")))
uint32_t aios_derive(int64_t from, uint32_t rights, void *handle);
__attribute__((import_module("aios"), import_name("drop")))
uint32_t aios_drop(int64_t which);
__attribute__((import_module("aios"), import_name("wait")))
uint32_t aios_wait(const void *list, uint32_t list_count, uint64_t deadline, uint32_t flags, void *event);
__attribute__((import_module("aios"), import_name("clone")))
uint32_t aios_clone(void *child);
__attribute__((import_module("aios"), import_name("spawn")))
uint32_t aios_spawn(int64_t image, const void *arguments, uint32_t arguments_bytes, const void *grants, uint32_t grants_count, uint64_t quota, void *child);
__attribute__((import_module("aios"), import_name("kill")))
uint32_t aios_kill(int64_t child, uint64_t code);
__attribute__((import_module("aios"), import_name("exit")))
uint32_t aios_exit(uint32_t code);

#endif
