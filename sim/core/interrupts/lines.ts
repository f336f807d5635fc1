/** Interrupt lines (GSIs 0-23) and message-signalled interrupts, on their way to the CPUs. */
import { trace } from "../trace";
import { GSI_COUNT, GSI_PIT } from "../../spec/platform";
import { TRACE_LINE } from "../../spec/trace";
import { ioapicLine } from "./ioapic";
import { acceptMessage } from "./messages";
import { picLine } from "./pic";

const ISA_IRQS: u32 = 16;

/**
 * Drives global system interrupt `gsi` (0-23); ISA interrupts 0-15 reach the 8259s as well. The
 * timer is ISA interrupt 0 and GSI 2, as the MADT's override says; GSI 0 belongs to the 8259s' own
 * output. Devices that share a line must combine their levels first.
 */
export function setLine(gsi: u32, level: bool): void {
  trace(<u16>TRACE_LINE, 0, gsi, level ? 1 : 0);
  if (gsi == 0 || gsi >= <u32>GSI_COUNT) return;
  if (gsi < ISA_IRQS) picLine(gsi == GSI_PIT ? 0 : gsi, level);
  ioapicLine(gsi, level);
}

/**
 * Delivers a message-signalled interrupt of nobody's, which no remapping touches: a 32-bit write of
 * `data` to `address` in the interrupt address range 0xFEEx_xxxx (Intel SDM 3A, 10.11).
 */
export function deliverMessage(address: u64, data: u32): void {
  acceptMessage(address, data);
}
