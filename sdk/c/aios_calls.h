/* Made from sdk/build/agent-calls.ts by sdk/build/agent-interface.ts. Do not edit. */
#ifndef AIOS_CALLS_H
#define AIOS_CALLS_H

static inline struct aios_result aios_sys_agent_spawn(uint64_t pool, void *spawn) {
  return aios_call(AIOS_SYSCALL_AGENT_SPAWN, pool, aios_address(spawn), 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_agent_clone(uint64_t agent, void *clone) {
  return aios_call(AIOS_SYSCALL_AGENT_CLONE, agent, aios_address(clone), 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_agent_split(uint64_t agent, void *split) {
  return aios_call(AIOS_SYSCALL_AGENT_SPLIT, agent, aios_address(split), 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_agent_merge(uint64_t agent, uint64_t survivor) {
  return aios_call(AIOS_SYSCALL_AGENT_MERGE, agent, survivor, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_agent_upgrade(uint64_t agent, uint64_t image, uint64_t mode, uint64_t argument) {
  return aios_call(AIOS_SYSCALL_AGENT_UPGRADE, agent, image, mode, argument, 0, 0);
}

static inline struct aios_result aios_sys_agent_specialize(uint64_t agent, uint64_t rights) {
  return aios_call(AIOS_SYSCALL_AGENT_SPECIALIZE, agent, rights, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_agent_suspend(uint64_t agent) {
  return aios_call(AIOS_SYSCALL_AGENT_SUSPEND, agent, 0, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_agent_resume(uint64_t agent) {
  return aios_call(AIOS_SYSCALL_AGENT_RESUME, agent, 0, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_agent_kill(uint64_t agent, uint64_t code) {
  return aios_call(AIOS_SYSCALL_AGENT_KILL, agent, code, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_agent_info(uint64_t agent, void *info, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_AGENT_INFO, agent, aios_address(info), bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_image_open(uint64_t kernel, const void *name, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_IMAGE_OPEN, kernel, aios_address(name), bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_image_create(uint64_t kernel, uint64_t pool, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_IMAGE_CREATE, kernel, pool, bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_image_append(uint64_t image, const void *from, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_IMAGE_APPEND, image, aios_address(from), bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_image_seal(uint64_t image) {
  return aios_call(AIOS_SYSCALL_IMAGE_SEAL, image, 0, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_cap_derive(uint64_t of, const void *derive) {
  return aios_call(AIOS_SYSCALL_CAP_DERIVE, of, aios_address(derive), 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_cap_revoke(uint64_t of, uint64_t itself) {
  return aios_call(AIOS_SYSCALL_CAP_REVOKE, of, itself, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_cap_inspect(uint64_t of, void *token_out, const void *token_in, uint64_t rights, const void *scope, uint64_t agent) {
  return aios_call(AIOS_SYSCALL_CAP_INSPECT, of, aios_address(token_out), aios_address(token_in), rights, aios_address(scope), agent);
}

static inline struct aios_result aios_sys_random_get(uint64_t self, void *buffer, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_RANDOM_GET, self, aios_address(buffer), bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_audit_append(uint64_t kernel, const void *text, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_AUDIT_APPEND, kernel, aios_address(text), bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_audit_drain(uint64_t kernel, void *records, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_AUDIT_DRAIN, kernel, aios_address(records), bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_console_write(uint64_t kernel, const void *text, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_CONSOLE_WRITE, kernel, aios_address(text), bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_agent_schedule(uint64_t agent, const void *schedule) {
  return aios_call(AIOS_SYSCALL_AGENT_SCHEDULE, agent, aios_address(schedule), 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_sched_configure(uint64_t kernel, const void *configure) {
  return aios_call(AIOS_SYSCALL_SCHED_CONFIGURE, kernel, aios_address(configure), 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_yield(uint64_t self) {
  return aios_call(AIOS_SYSCALL_YIELD, self, 0, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_agent_pool_alloc(uint64_t pool, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_AGENT_POOL_ALLOC, pool, bytes, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_agent_mem_alloc(uint64_t pool, uint64_t bytes, uint64_t address, uint64_t protection) {
  return aios_call(AIOS_SYSCALL_AGENT_MEM_ALLOC, pool, bytes, address, protection, 0, 0);
}

static inline struct aios_result aios_sys_agent_mem_free(uint64_t pool, uint64_t address, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_AGENT_MEM_FREE, pool, address, bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_page_protect(uint64_t self, uint64_t address, uint64_t bytes, uint64_t protection) {
  return aios_call(AIOS_SYSCALL_PAGE_PROTECT, self, address, bytes, protection, 0, 0);
}

static inline struct aios_result aios_sys_region_share(uint64_t pool, uint64_t address, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_REGION_SHARE, pool, address, bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_region_map(uint64_t region, uint64_t address, uint64_t protection) {
  return aios_call(AIOS_SYSCALL_REGION_MAP, region, address, protection, 0, 0, 0);
}

static inline struct aios_result aios_sys_region_unmap(uint64_t region, uint64_t address) {
  return aios_call(AIOS_SYSCALL_REGION_UNMAP, region, address, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_frame_alloc(uint64_t pool, uint64_t order) {
  return aios_call(AIOS_SYSCALL_FRAME_ALLOC, pool, order, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_frame_free(uint64_t frames) {
  return aios_call(AIOS_SYSCALL_FRAME_FREE, frames, 0, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_page_map(uint64_t frames, uint64_t address, uint64_t protection) {
  return aios_call(AIOS_SYSCALL_PAGE_MAP, frames, address, protection, 0, 0, 0);
}

static inline struct aios_result aios_sys_page_unmap(uint64_t self, uint64_t address, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_PAGE_UNMAP, self, address, bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_prediction_write(uint64_t kernel, const void *predictions, uint64_t count) {
  return aios_call(AIOS_SYSCALL_PREDICTION_WRITE, kernel, aios_address(predictions), count, 0, 0, 0);
}

static inline struct aios_result aios_sys_ipc_send(uint64_t to, const void *payload, uint64_t bytes, uint64_t flags, uint64_t capability) {
  return aios_call(AIOS_SYSCALL_IPC_SEND, to, aios_address(payload), bytes, flags, capability, 0);
}

static inline struct aios_result aios_sys_ipc_recv(uint64_t from, void *buffer, uint64_t bytes, void *header) {
  return aios_call(AIOS_SYSCALL_IPC_RECV, from, aios_address(buffer), bytes, aios_address(header), 0, 0);
}

static inline struct aios_result aios_sys_endpoint_create(uint64_t pool, uint64_t type, uint64_t capacity) {
  return aios_call(AIOS_SYSCALL_ENDPOINT_CREATE, pool, type, capacity, 0, 0, 0);
}

static inline struct aios_result aios_sys_endpoint_close(uint64_t endpoint) {
  return aios_call(AIOS_SYSCALL_ENDPOINT_CLOSE, endpoint, 0, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_pipe_write(uint64_t pipe, const void *from, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_PIPE_WRITE, pipe, aios_address(from), bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_pipe_read(uint64_t pipe, void *into, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_PIPE_READ, pipe, aios_address(into), bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_event_signal(uint64_t endpoint, uint64_t count) {
  return aios_call(AIOS_SYSCALL_EVENT_SIGNAL, endpoint, count, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_endpoint_notify(uint64_t endpoint, uint64_t queue, uint64_t condition, uint64_t tag, uint64_t least) {
  return aios_call(AIOS_SYSCALL_ENDPOINT_NOTIFY, endpoint, queue, condition, tag, least, 0);
}

static inline struct aios_result aios_sys_kernel_info(uint64_t kernel, void *info, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_KERNEL_INFO, kernel, aios_address(info), bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_link_open(uint64_t kernel, uint64_t queue, uint64_t mac) {
  return aios_call(AIOS_SYSCALL_LINK_OPEN, kernel, queue, mac, 0, 0, 0);
}

static inline struct aios_result aios_sys_link_send(uint64_t queue, const void *frame, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_LINK_SEND, queue, aios_address(frame), bytes, 0, 0, 0);
}

static inline struct aios_result aios_sys_timer_set(uint64_t self, uint64_t timer, uint64_t first, uint64_t period) {
  return aios_call(AIOS_SYSCALL_TIMER_SET, self, timer, first, period, 0, 0);
}

static inline struct aios_result aios_sys_wait(uint64_t self, const void *list, uint64_t count, uint64_t deadline, uint64_t flags, void *notice) {
  return aios_call(AIOS_SYSCALL_WAIT, self, aios_address(list), count, deadline, flags, aios_address(notice));
}

static inline struct aios_result aios_sys_donate_to(uint64_t agent, uint64_t deadline) {
  return aios_call(AIOS_SYSCALL_DONATE_TO, agent, deadline, 0, 0, 0, 0);
}

static inline struct aios_result aios_sys_pqc_operation(uint64_t self, uint64_t number, const void *input, uint64_t bytes, void *result, uint64_t result_bytes_max) {
  return aios_call(AIOS_SYSCALL_PQC_OPERATION, self, number, aios_address(input), bytes, aios_address(result), result_bytes_max);
}

static inline struct aios_result aios_sys_pqc_take(uint64_t kernel, void *operation, void *buffer, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_PQC_TAKE, kernel, aios_address(operation), aios_address(buffer), bytes, 0, 0);
}

static inline struct aios_result aios_sys_pqc_complete(uint64_t kernel, uint64_t operation, uint64_t code, const void *result, uint64_t bytes) {
  return aios_call(AIOS_SYSCALL_PQC_COMPLETE, kernel, operation, code, aios_address(result), bytes, 0);
}

#endif
