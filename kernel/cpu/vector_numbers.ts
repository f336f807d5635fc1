/** Which interrupt vector stands for what; 0-31 are the processor's exceptions. Portable. */
/** 16 vectors for the 8259s, which are masked but may be spurious. */
export const VECTOR_LEGACY = 0x20;
/** ACPI's system control interrupt: the power button. */
export const VECTOR_SCI = 0x30;
/** Queues of the NVMe controller, one a processor at most. */
export const VECTOR_NVME = 0x40;
export const VECTORS_NVME = 64;
/** The AHCI controller. */
export const VECTOR_AHCI = 0x80;
/** The network controller: changes of its configuration, frames in, frames out. */
export const VECTOR_NETWORK = 0x84;
export const VECTORS_NETWORK = 3;
/** One-shot timer of a processor. */
export const VECTOR_TIMER = 0xef;
/** Another processor has done something that the boot waits for. */
export const VECTOR_WAKE = 0xf0;
/** Choose again who runs: another processor has made somebody ready. */
export const VECTOR_RESCHEDULE = 0xf1;
/** Another processor changed page tables that this one's TLB may still know. */
export const VECTOR_SHOOTDOWN = 0xf2;
/** The local APIC noted an error. */
export const VECTOR_APIC_ERROR = 0xfe;
export const VECTOR_SPURIOUS = 0xff;
