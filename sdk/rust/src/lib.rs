//! System calls for agents in Rust (docs/syscalls.md), without the standard library.
//!
//! ```text
//! rustc --edition 2021 -C panic=abort -C opt-level=2 --crate-type rlib -o libaios.rlib sdk/rust/src/lib.rs
//! rustc --edition 2021 -C panic=abort -C opt-level=2 -C relocation-model=static \
//!       -C link-arg=-nostartfiles -C link-arg=-nostdlib -C link-arg=-static -C link-arg=-no-pie \
//!       -C link-arg=-Tsdk/c/aios.ld --extern aios=libaios.rlib -o hello.elf hello.rs
//! ```
#![no_std]

pub mod birth;
pub mod constants;
pub mod sys;
pub use constants::*;

use core::arch::{asm, global_asm};

/// What an agent finds when it begins.
#[repr(C)]
pub struct Start {
    /// Its capability to itself.
    pub this: u64,
    /// To its pool; 0: it has none.
    pub pool: u64,
    /// What its parent said; the first agent: its capability to the kernel.
    pub argument: u64,
    /// The first agent: its capability to all scopes; else 0.
    pub scope: u64,
    pub id: u64,
    pub argc: u32,
    /// `argv[0]` is the image's name, `argv[argc]` a null pointer.
    pub argv: *const *const u8,
    /// Behind its null pointer comes the auxiliary vector.
    pub envp: *const *const u8,
}

/// What a call answers: its value, or the status that refuses it.
pub type Answer = Result<u64, u64>;

extern "Rust" {
    /// The agent's code, which the program defines with `#[no_mangle]`; what it returns is the code
    /// with which it ends.
    fn aios_main(start: &Start) -> u64;
}

// The kernel's registers (sim/spec/user.ts) become a Start on the stack; RSP is a multiple of 16 at the call.
global_asm!(
    ".section .text._start, \"ax\"",
    ".globl _start",
    "_start:",
    "mov rax, [rsp]",
    "lea rcx, [rsp + 8]",
    "lea r8, [rsp + rax * 8 + 16]",
    "xor ebp, ebp",
    "sub rsp, 64",
    "mov [rsp], rdi",
    "mov [rsp + 8], rsi",
    "mov [rsp + 16], rdx",
    "mov [rsp + 24], r10",
    "mov [rsp + 32], r14",
    "mov [rsp + 40], eax",
    "mov [rsp + 48], rcx",
    "mov [rsp + 56], r8",
    "mov rdi, rsp",
    "call aios_enter",
    "ud2",
    ".text",
);

// What compilers call without being asked. Weak, so that a program may have better ones.
global_asm!(
    ".text",
    ".weak memcpy, memmove, memset, memcmp, bcmp, strlen",
    "memmove:",
    "mov rax, rdi",
    "mov rcx, rdi",
    "sub rcx, rsi",
    "cmp rcx, rdx", // does the destination begin inside of the source?
    "jb 2f",
    "mov rcx, rdx",
    "rep movsb",
    "ret",
    "2:",
    "lea rdi, [rdi + rdx - 1]",
    "lea rsi, [rsi + rdx - 1]",
    "mov rcx, rdx",
    "std",
    "rep movsb",
    "cld",
    "ret",
    "memcpy:",
    "mov rax, rdi",
    "mov rcx, rdx",
    "rep movsb",
    "ret",
    "memset:",
    "mov r8, rdi",
    "mov eax, esi",
    "mov rcx, rdx",
    "rep stosb",
    "mov rax, r8",
    "ret",
    "strlen:",
    "mov rdx, rdi",
    "mov rcx, -1",
    "xor eax, eax",
    "repne scasb",
    "lea rax, [rdi - 1]",
    "sub rax, rdx",
    "ret",
    "memcmp:",
    "bcmp:",
    "mov rcx, rdx",
    "xor eax, eax",
    "cmp rax, rax", // equal, if there are no bytes
    "repe cmpsb",
    "je 3f",
    "movzx eax, byte ptr [rdi - 1]",
    "movzx ecx, byte ptr [rsi - 1]",
    "sub eax, ecx",
    "3:",
    "ret",
);

// Named by the unwinding tables of the compiled core library. Agents abort, so nobody comes here.
global_asm!(
    ".text",
    ".weak rust_eh_personality, _Unwind_Resume",
    "rust_eh_personality:",
    "_Unwind_Resume:",
    "ud2",
);

/// Where the code above goes on. By name, because older compilers have no `sym` operands.
#[no_mangle]
unsafe extern "C" fn aios_enter(start: &Start) -> ! {
    // SAFETY: the program defines it with this signature.
    let code = unsafe { aios_main(start) };
    exit(start.this, code)
}

/// One system call. RCX and R11 are the instruction's (AMD64 APM 3, SYSCALL).
///
/// # Safety
/// Addresses among the arguments must be good for what the call reads or writes there, and memory that
/// it unmaps or moves must not be used any more.
#[inline]
pub unsafe fn call(number: u64, capability: u64, a: [u64; 5]) -> Answer {
    let status: u64;
    let value: u64;
    unsafe {
        asm!(
            "syscall",
            inlateout("rax") number => status,
            in("rdi") capability,
            in("rsi") a[0],
            inlateout("rdx") a[1] => value,
            in("r10") a[2],
            in("r8") a[3],
            in("r9") a[4],
            lateout("rcx") _,
            lateout("r11") _,
            options(nostack),
        );
    }
    if status == STATUS_OK { Ok(value) } else { Err(status) }
}

/// Ends the agent that `this` names: the caller, most often.
pub fn exit(this: u64, code: u64) -> ! {
    // SAFETY: the call has no addresses.
    let _ = unsafe { call(SYSCALL_AGENT_KILL, this, [code, 0, 0, 0, 0]) };
    // SAFETY: it ends the agent, by #UD, if it comes to that.
    unsafe { asm!("ud2", options(noreturn, nomem, nostack)) }
}

/// Writes to the machine's console, 256 bytes a call.
pub fn console_write(kernel: u64, bytes: &[u8]) -> Answer {
    for part in bytes.chunks(256) {
        // SAFETY: the kernel only reads the part.
        unsafe { call(SYSCALL_CONSOLE_WRITE, kernel, [part.as_ptr() as u64, part.len() as u64, 0, 0, 0])? };
    }
    Ok(0)
}

/// Memory that `pool` pays, zeroed: where it is.
pub fn allocate(pool: u64, bytes: u64, protection: u64) -> Answer {
    // SAFETY: nothing that is in use is touched.
    unsafe { call(SYSCALL_AGENT_MEM_ALLOC, pool, [bytes, 0, protection, 0, 0]) }
}

pub fn send(to: u64, bytes: &[u8]) -> Answer {
    // SAFETY: the kernel only reads the bytes.
    unsafe { call(SYSCALL_IPC_SEND, to, [bytes.as_ptr() as u64, bytes.len() as u64, 0, 0, 0]) }
}

/// What is known of a message.
#[repr(C)]
#[derive(Clone, Copy, Default)]
pub struct Header {
    pub sender: u64,
    pub sequence: u64,
    pub payload_bytes: u64,
    pub capability: u64,
    pub pages: u64,
}
const _: () = assert!(core::mem::size_of::<Header>() as u64 == HEADER_BYTES);

pub fn receive(from: u64, buffer: &mut [u8]) -> Result<Header, u64> {
    let mut header = Header::default();
    let at = &mut header as *mut Header as u64;
    // SAFETY: both places are the caller's to write.
    unsafe { call(SYSCALL_IPC_RECV, from, [buffer.as_mut_ptr() as u64, buffer.len() as u64, at, 0, 0])? };
    Ok(header)
}

/// Lets others run first.
pub fn yield_now(this: u64) -> Answer {
    // SAFETY: the call has no addresses.
    unsafe { call(SYSCALL_YIELD, this, [0; 5]) }
}
