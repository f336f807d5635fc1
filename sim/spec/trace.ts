/**
 * Kinds of trace records. A record is 32 bytes: time (u64), kind (u16), CPU or source (u16),
 * a (u32), b (u64), c (u64); what a, b and c hold is said here.
 */
/** An interrupt or exception is delivered to a CPU. a = vector, b = error code. */
export const TRACE_INTERRUPT = 1;
/** The CPU goes back to what it did. a = vector. */
export const TRACE_INTERRUPT_END = 2;
/** A CPU halts. */
export const TRACE_HALT = 3;
/** A CPU leaves the halted state. */
export const TRACE_WAKE = 4;
/** A page fault. a = error code, b = linear address (CR2). */
export const TRACE_PAGE_FAULT = 5;
/** An inter-processor interrupt is sent. a = destination CPU, b = interrupt command register. */
export const TRACE_IPI = 6;
/** A device fetched a command. source = PCI function, a = queue, b = command id, c = opcode. */
export const TRACE_COMMAND = 7;
/** A device completed a command. source = PCI function, a = queue, b = command id, c = status. */
export const TRACE_COMPLETION = 8;
/** A message-signalled interrupt was written. source = PCI function, b = address, c = data. */
export const TRACE_MSI = 9;
/**
 * The IOMMU refused an access or an interrupt. source = PCI function, a = reason, b = address; of
 * reasons from 0x20 on, the entry's index in bits 63-48.
 */
export const TRACE_DMA_FAULT = 10;
/** A fault armed by the host took effect. source = PCI function, a = kind. */
export const TRACE_FAULT = 11;
/** A CPU was started. a = startup vector. */
export const TRACE_STARTUP = 12;
/** An I/O interrupt line changed. a = line (GSI), b = level. */
export const TRACE_LINE = 13;
/** A network frame. source = PCI function, a = 0 sent, 1 received, b = bytes. */
export const TRACE_FRAME = 14;
/** A synthetic program marks a point (OP_MARK). b = its x, c = its register a. */
export const TRACE_MARK = 15;
