/** The machine interface: all that kernel.wasm imports. One function an instruction. */

@external("machine", "mmioRead8")
export declare function mmioRead8(address: u64): u32;
@external("machine", "mmioRead16")
export declare function mmioRead16(address: u64): u32;
@external("machine", "mmioRead32")
export declare function mmioRead32(address: u64): u32;
@external("machine", "mmioRead64")
export declare function mmioRead64(address: u64): u64;
@external("machine", "mmioWrite8")
export declare function mmioWrite8(address: u64, value: u32): void;
@external("machine", "mmioWrite16")
export declare function mmioWrite16(address: u64, value: u32): void;
@external("machine", "mmioWrite32")
export declare function mmioWrite32(address: u64, value: u32): void;
@external("machine", "mmioWrite64")
export declare function mmioWrite64(address: u64, value: u64): void;
@external("machine", "portRead8")
export declare function portRead8(port: u32): u32;
@external("machine", "portRead16")
export declare function portRead16(port: u32): u32;
@external("machine", "portRead32")
export declare function portRead32(port: u32): u32;
@external("machine", "portWrite8")
export declare function portWrite8(port: u32, value: u32): void;
@external("machine", "portWrite16")
export declare function portWrite16(port: u32, value: u32): void;
@external("machine", "portWrite32")
export declare function portWrite32(port: u32, value: u32): void;

/** RDMSR. #GP(0) when the MSR doesn't exist or can't be read. */
@external("machine", "readMsr")
export declare function readMsr(index: u32): u64;
/** WRMSR. #GP(0) when the MSR doesn't exist, is read-only or can't hold `value`. */
@external("machine", "writeMsr")
export declare function writeMsr(index: u32, value: u64): void;
/** MOV from control register 0, 2, 3, 4 or 8. */
@external("machine", "readControl")
export declare function readControl(number: u32): u64;
/** MOV to control register 0, 2, 3, 4 or 8. #GP(0) for what the register can't hold. */
@external("machine", "writeControl")
export declare function writeControl(number: u32, value: u64): void;
/** XSETBV of XCR0. #UD without CR4.OSXSAVE, #GP(0) for a value that it can't hold. */
@external("machine", "writeExtendedControl")
export declare function writeExtendedControl(index: u32, value: u64): void;
/** LIDT: `limit` is the table's size in bytes minus one, 16 bits. */
@external("machine", "loadIdt")
export declare function loadIdt(base: u64, limit: u32): void;
/** LGDT: `limit` is the table's size in bytes minus one, 16 bits. */
@external("machine", "loadGdt")
export declare function loadGdt(base: u64, limit: u32): void;
/** LTR: the selector's descriptor must be an available TSS; it is marked busy. */
@external("machine", "loadTask")
export declare function loadTask(selector: u32): void;
/** LLDT; a null selector takes the LDT away. */
@external("machine", "loadLocalTable")
export declare function loadLocalTable(selector: u32): void;
/**
 * MOV to a segment register; for CS a far jump within the running entry. After long mode has been
 * turned on, CS must be loaded with a 64-bit code segment before the first interrupt returns.
 * @param number 0 ES, 1 CS, 2 SS, 3 DS, 4 FS, 5 GS
 */
@external("machine", "loadSegment")
export declare function loadSegment(number: u32, selector: u32): void;
/** Value of a register: 0-15 general in encoding order (4 is RSP), 16 RIP, 17 RFLAGS; else 0. */
@external("machine", "readRegister")
export declare function readRegister(index: u32): u64;
/** Sets a register; bits of RFLAGS that don't exist keep their fixed values. */
@external("machine", "writeRegister")
export declare function writeRegister(index: u32, value: u64): void;
/**
 * Copies RAX to R15, 16 quadwords in encoding order, to linear address `at`: the pushes with which
 * a handler begins. Nothing happens when the 128 bytes are not all RAM.
 */
@external("machine", "saveRegisters")
export declare function saveRegisters(at: usize): void;
/**
 * The reverse. RSP is loaded too: before a return by IRETQ it must be set to the frame. Nothing
 * happens when the 128 bytes are not all RAM.
 */
@external("machine", "loadRegisters")
export declare function loadRegisters(at: usize): void;
/**
 * The running entry, whichever it is, ends with IRETQ from the frame at RSP: RIP, CS, RFLAGS, RSP,
 * SS. Without this call only the handlers of vectors do; ENTRY_SYSCALL ends with SYSRET, the others
 * go to the idle loop.
 */
@external("machine", "returnByInterrupt")
export declare function returnByInterrupt(): void;
/** STI: interrupts may come when the running entry has returned. */
@external("machine", "enableInterrupts")
export declare function enableInterrupts(): void;
/** CLI. */
@external("machine", "disableInterrupts")
export declare function disableInterrupts(): void;
/** INVLPG. */
@external("machine", "invalidatePage")
export declare function invalidatePage(va: u64): void;
/**
 * INVPCID: type 0 drops one page of context `pcid`, 1 the context, 2 all with the global pages, 3
 * all but them. #GP(0) for another type, a PCID above 4095, or an address that isn't canonical.
 */
@external("machine", "invalidateContext")
export declare function invalidateContext(type: u32, pcid: u32, va: u64): void;
/** CPUID: the answer is in RAX, RBX, RCX and RDX. */
@external("machine", "cpuid")
export declare function cpuid(leaf: u32, subleaf: u32): void;
/**
 * Loads 1, 2, 4 or 8 bytes through the page tables, zero-extended. #PF (with CR2) or #GP(0) when
 * that isn't allowed; another width loads nothing.
 */
@external("machine", "loadVirtual")
export declare function loadVirtual(va: u64, bytes: u32): u64;
/** Stores 1, 2, 4 or 8 bytes through the page tables; nothing is written when any byte faults. */
@external("machine", "storeVirtual")
export declare function storeVirtual(va: u64, bytes: u32, value: u64): void;
/** PAUSE: lets time pass while the code waits for another CPU. */
@external("machine", "pause")
export declare function pause(): void;
/** HLT: the CPU stops when the running entry returns, until an interrupt comes. */
@external("machine", "halt")
export declare function halt(): void;
/** RDSEED: 64 random bits; 0, as with CF clear, when none were ready. */
@external("machine", "readSeed")
export declare function readSeed(): u64;
/** RDTSC. */
@external("machine", "timestamp")
export declare function timestamp(): u64;
/** FXSAVE64 to linear address `at`. Nothing happens when the 512 bytes are not all RAM. */
@external("machine", "saveExtended")
export declare function saveExtended(at: usize): void;
/** FXRSTOR64 from there; #GP(0) for an MXCSR with a bit that doesn't exist. */
@external("machine", "loadExtended")
export declare function loadExtended(at: usize): void;
/** MOV from a segment register: 0 ES, 1 CS, 2 SS, 3 DS, 4 FS, 5 GS. */
@external("machine", "readSegment")
export declare function readSegment(number: u32): u32;
/**
 * Bytes of RAM have changed that machine code may be made of. A processor's own stores are seen by it;
 * those of this module, which is no machine code, are not.
 */
@external("machine", "codeChanged")
export declare function codeChanged(physical: u64, bytes: u32): void;
