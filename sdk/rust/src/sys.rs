// Made from sdk/build/agent-calls.ts by sdk/build/agent-interface.ts. Do not edit.
//! All system calls, a function each (docs/syscalls.md).
use crate::{call, constants::*, Answer};

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_spawn(pool: u64, spawn: *mut u8) -> Answer {
    unsafe { call(SYSCALL_AGENT_SPAWN, pool, [spawn as u64, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_clone(agent: u64, clone: *mut u8) -> Answer {
    unsafe { call(SYSCALL_AGENT_CLONE, agent, [clone as u64, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_split(agent: u64, split: *mut u8) -> Answer {
    unsafe { call(SYSCALL_AGENT_SPLIT, agent, [split as u64, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_merge(agent: u64, survivor: u64) -> Answer {
    unsafe { call(SYSCALL_AGENT_MERGE, agent, [survivor, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_upgrade(agent: u64, image: u64, mode: u64, argument: u64) -> Answer {
    unsafe { call(SYSCALL_AGENT_UPGRADE, agent, [image, mode, argument, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_specialize(agent: u64, rights: u64) -> Answer {
    unsafe { call(SYSCALL_AGENT_SPECIALIZE, agent, [rights, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_suspend(agent: u64) -> Answer {
    unsafe { call(SYSCALL_AGENT_SUSPEND, agent, [0, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_resume(agent: u64) -> Answer {
    unsafe { call(SYSCALL_AGENT_RESUME, agent, [0, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_kill(agent: u64, code: u64) -> Answer {
    unsafe { call(SYSCALL_AGENT_KILL, agent, [code, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_info(agent: u64, info: *mut u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_AGENT_INFO, agent, [info as u64, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn image_open(kernel: u64, name: *const u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_IMAGE_OPEN, kernel, [name as u64, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn image_create(kernel: u64, pool: u64, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_IMAGE_CREATE, kernel, [pool, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn image_append(image: u64, from: *const u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_IMAGE_APPEND, image, [from as u64, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn image_seal(image: u64) -> Answer {
    unsafe { call(SYSCALL_IMAGE_SEAL, image, [0, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn cap_derive(of: u64, derive: *const u8) -> Answer {
    unsafe { call(SYSCALL_CAP_DERIVE, of, [derive as u64, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn cap_revoke(of: u64, itself: u64) -> Answer {
    unsafe { call(SYSCALL_CAP_REVOKE, of, [itself, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn cap_inspect(of: u64, token_out: *mut u8, token_in: *const u8, rights: u64, scope: *const u8, agent: u64) -> Answer {
    unsafe { call(SYSCALL_CAP_INSPECT, of, [token_out as u64, token_in as u64, rights, scope as u64, agent]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn random_get(this: u64, buffer: *mut u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_RANDOM_GET, this, [buffer as u64, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn audit_append(kernel: u64, text: *const u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_AUDIT_APPEND, kernel, [text as u64, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn audit_drain(kernel: u64, records: *mut u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_AUDIT_DRAIN, kernel, [records as u64, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn console_write(kernel: u64, text: *const u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_CONSOLE_WRITE, kernel, [text as u64, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_schedule(agent: u64, schedule: *const u8) -> Answer {
    unsafe { call(SYSCALL_AGENT_SCHEDULE, agent, [schedule as u64, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn sched_configure(kernel: u64, configure: *const u8) -> Answer {
    unsafe { call(SYSCALL_SCHED_CONFIGURE, kernel, [configure as u64, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn yield_now(this: u64) -> Answer {
    unsafe { call(SYSCALL_YIELD, this, [0, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_pool_alloc(pool: u64, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_AGENT_POOL_ALLOC, pool, [bytes, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_mem_alloc(pool: u64, bytes: u64, address: u64, protection: u64) -> Answer {
    unsafe { call(SYSCALL_AGENT_MEM_ALLOC, pool, [bytes, address, protection, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn agent_mem_free(pool: u64, address: u64, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_AGENT_MEM_FREE, pool, [address, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn page_protect(this: u64, address: u64, bytes: u64, protection: u64) -> Answer {
    unsafe { call(SYSCALL_PAGE_PROTECT, this, [address, bytes, protection, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn region_share(pool: u64, address: u64, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_REGION_SHARE, pool, [address, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn region_map(region: u64, address: u64, protection: u64) -> Answer {
    unsafe { call(SYSCALL_REGION_MAP, region, [address, protection, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn region_unmap(region: u64, address: u64) -> Answer {
    unsafe { call(SYSCALL_REGION_UNMAP, region, [address, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn frame_alloc(pool: u64, order: u64) -> Answer {
    unsafe { call(SYSCALL_FRAME_ALLOC, pool, [order, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn frame_free(frames: u64) -> Answer {
    unsafe { call(SYSCALL_FRAME_FREE, frames, [0, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn page_map(frames: u64, address: u64, protection: u64) -> Answer {
    unsafe { call(SYSCALL_PAGE_MAP, frames, [address, protection, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn page_unmap(this: u64, address: u64, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_PAGE_UNMAP, this, [address, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn prediction_write(kernel: u64, predictions: *const u8, count: u64) -> Answer {
    unsafe { call(SYSCALL_PREDICTION_WRITE, kernel, [predictions as u64, count, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn ipc_send(to: u64, payload: *const u8, bytes: u64, flags: u64, capability: u64) -> Answer {
    unsafe { call(SYSCALL_IPC_SEND, to, [payload as u64, bytes, flags, capability, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn ipc_recv(from: u64, buffer: *mut u8, bytes: u64, header: *mut u8) -> Answer {
    unsafe { call(SYSCALL_IPC_RECV, from, [buffer as u64, bytes, header as u64, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn endpoint_create(pool: u64, kind: u64, capacity: u64) -> Answer {
    unsafe { call(SYSCALL_ENDPOINT_CREATE, pool, [kind, capacity, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn endpoint_close(endpoint: u64) -> Answer {
    unsafe { call(SYSCALL_ENDPOINT_CLOSE, endpoint, [0, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn pipe_write(pipe: u64, from: *const u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_PIPE_WRITE, pipe, [from as u64, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn pipe_read(pipe: u64, into: *mut u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_PIPE_READ, pipe, [into as u64, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn event_signal(endpoint: u64, count: u64) -> Answer {
    unsafe { call(SYSCALL_EVENT_SIGNAL, endpoint, [count, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn endpoint_notify(endpoint: u64, queue: u64, condition: u64, tag: u64, least: u64) -> Answer {
    unsafe { call(SYSCALL_ENDPOINT_NOTIFY, endpoint, [queue, condition, tag, least, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn kernel_info(kernel: u64, info: *mut u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_KERNEL_INFO, kernel, [info as u64, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn link_open(kernel: u64, queue: u64, mac: u64) -> Answer {
    unsafe { call(SYSCALL_LINK_OPEN, kernel, [queue, mac, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn link_send(queue: u64, frame: *const u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_LINK_SEND, queue, [frame as u64, bytes, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn timer_set(this: u64, timer: u64, first: u64, period: u64) -> Answer {
    unsafe { call(SYSCALL_TIMER_SET, this, [timer, first, period, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn wait(this: u64, list: *const u8, count: u64, deadline: u64, flags: u64, notice: *mut u8) -> Answer {
    unsafe { call(SYSCALL_WAIT, this, [list as u64, count, deadline, flags, notice as u64]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn donate_to(agent: u64, deadline: u64) -> Answer {
    unsafe { call(SYSCALL_DONATE_TO, agent, [deadline, 0, 0, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn pqc_operation(this: u64, number: u64, input: *const u8, bytes: u64, result: *mut u8, result_bytes_max: u64) -> Answer {
    unsafe { call(SYSCALL_PQC_OPERATION, this, [number, input as u64, bytes, result as u64, result_bytes_max]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn pqc_take(kernel: u64, operation: *mut u8, buffer: *mut u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_PQC_TAKE, kernel, [operation as u64, buffer as u64, bytes, 0, 0]) }
}

/// # Safety
/// As [`call`].
#[inline]
pub unsafe fn pqc_complete(kernel: u64, operation: u64, code: u64, result: *const u8, bytes: u64) -> Answer {
    unsafe { call(SYSCALL_PQC_COMPLETE, kernel, [operation, code, result as u64, bytes, 0]) }
}
