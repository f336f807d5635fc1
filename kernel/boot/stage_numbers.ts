/** Numbers of the boot's stages, in their order. Portable: the host names them as well. */
export const STAGE_MEMORY = 0;
export const STAGE_PAGING = 1;
export const STAGE_PLATFORM = 2;
export const STAGE_DESCRIPTORS = 3;
export const STAGE_INTERRUPTS = 4;
export const STAGE_TIMERS = 5;
export const STAGE_PROCESSORS = 6;
export const STAGE_PCI = 7;
export const STAGE_IOMMU = 8;
export const STAGE_DRIVES = 9;
export const STAGE_PARTITIONS = 10;
export const STAGE_BUNDLE = 11;
export const STAGE_NETWORK = 12;
/** Tables of agents and what they hold; the bundle's first agent. */
export const STAGE_AGENTS = 13;
/** The kernel's idle loop: nothing is left to do until the power button is pressed. */
export const STAGE_IDLE = 14;
export const STAGE_STOP = 15;
export const STAGE_OFF = 16;
export const STAGE_COUNT = 17;
