/** What the host and the machine hand each other. Not machine state: no hash or snapshot has it. */
import { HOST_BASE } from "./memory";

@unmanaged
export class HostControl {
  /** Bit n: return to the host after a trace record of kind n. */
  breakKinds: u64;
  /** Set when such a record was written. */
  breakHit: u32;
  /** Table slot of the kernel's entry function. */
  kernelSlot: u32;
  /** Where the next micro-step takes place, as found by the run loop. */
  sliceStart: u64;
  sliceEnd: u64;
  cpu: u32;
  /** Limit of the run that goes on (run.ts). */
  limit: u64;
  /** 1: RAM is with the host, which gives a frame when it is first reached (frames.ts). */
  fetching: u32;
}

/** Buffer through which the host passes bytes in and out. */
export const HOST_BUFFER: usize = HOST_BASE + 0x1000;
export const HOST_BUFFER_BYTES: usize = 0xf_e000;

@inline
export function hostControl(): HostControl {
  return changetype<HostControl>(HOST_BASE);
}

/*
 * The only host functions. A drive's bytes belong to the image, console output and sent frames
 * leave the machine; nothing comes in here: input is journaled (inputs.ts).
 * Those with a result return 0 for success, else an error that the device reports as the medium's.
 */

/** Copies `bytes` of drive `drive` from byte `offset` to linear address `to`. */
@external("host", "driveRead")
export declare function driveRead(drive: u32, offset: f64, bytes: u32, to: usize): u32;
/** Copies `bytes` from linear address `from` to byte `offset` of drive `drive`. */
@external("host", "driveWrite")
export declare function driveWrite(drive: u32, offset: f64, bytes: u32, from: usize): u32;
/** Makes `bytes` from byte `offset` of the drive read as zeroes. */
@external("host", "driveZero")
export declare function driveZero(drive: u32, offset: f64, bytes: f64): u32;
/** Makes all acknowledged writes of the drive durable. */
@external("host", "driveFlush")
export declare function driveFlush(drive: u32): u32;
/** A byte left serial port `port`. */
@external("host", "consoleWrite")
export declare function consoleWrite(port: u32, byte: u32): void;
/** Network controller `nic` sent the frame of `bytes` at linear address `from`. */
@external("host", "frameSend")
export declare function frameSend(nic: u32, from: usize, bytes: u32): void;

/** Copies the contents of the frame at linear address `at`, unless they are zeroes, to their place. */
@external("host", "frameFetch")
export declare function frameFetch(at: usize): void;

/**
 * Runs the code of kernel.wasm that stands at entry `entry` on CPU `cpu`. The host has put the
 * kernel's exported function into this module's table, so the call stays inside WebAssembly.
 */
@inline
export function kernelEnter(cpu: u32, entry: u32, errorCode: u32): void {
  call_indirect<void>(hostControl().kernelSlot, cpu, entry, errorCode);
}
