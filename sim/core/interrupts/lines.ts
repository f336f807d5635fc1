/** Interrupt lines (GSIs 0-23) and message-signalled interrupts, on their way to the CPUs. */
import { trace } from "../trace";
import { TRACE_LINE } from "../../spec/trace";

/** Drives global system interrupt `gsi` (0-23); ISA interrupts 0-15 reach the 8259s as well. */
export function setLine(gsi: u32, level: bool): void {
  trace(<u16>TRACE_LINE, 0, gsi, level ? 1 : 0);
}

/**
 * Delivers a message-signalled interrupt: a 32-bit write of `data` to `address` in the interrupt
 * address range 0xFEEx_xxxx (Intel SDM 3A, 10.11).
 */
export function deliverMessage(address: u64, data: u32): void {}
