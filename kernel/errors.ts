/**
 * The named errors with which a boot can fail. The kernel prints the name and stops the machine
 * through the panic device; the code is in its panic record. Portable: read by TypeScript as well.
 */
export const ERROR_NONE = 0;
/** The firmware's start information is missing, malformed or of another version. */
export const ERROR_HANDOFF = 1;
/** The memory map is malformed: unsorted, overlapping or without usable RAM. */
export const ERROR_MEMORY_MAP = 2;
/** Less RAM than the kernel needs. */
export const ERROR_MEMORY_TOO_SMALL = 3;
/** No frame was left for something that the boot needs. */
export const ERROR_OUT_OF_FRAMES = 4;
/** An ACPI table that the kernel needs is missing or damaged. */
export const ERROR_ACPI = 5;
/** More processors than the kernel's tables hold. */
export const ERROR_TOO_MANY_CPUS = 6;
/** A processor did not start. */
export const ERROR_CPU_NOT_STARTED = 7;
/** No timer that counts, or none that can be calibrated. */
export const ERROR_TIMER = 8;
/** PCI enumeration ran out of a window or found a bus that contradicts itself. */
export const ERROR_PCI = 9;
/** The IOMMU did not come up or refused a table. */
export const ERROR_IOMMU = 10;
/** No block device was found. */
export const ERROR_NO_DRIVE = 11;
/** A storage controller failed: did not start, or failed later. */
export const ERROR_CONTROLLER = 12;
/** A read failed: the device reported an error. */
export const ERROR_READ = 13;
/** A read was not completed in time, and neither an abort nor a reset helped. */
export const ERROR_TIMEOUT = 14;
/** The device is gone from the bus. */
export const ERROR_VANISHED = 15;
/** The drive has no GPT. */
export const ERROR_NOT_GPT = 16;
/** Neither the primary nor the backup GPT is intact. */
export const ERROR_GPT_DAMAGED = 17;
/** No partition has the type of a boot bundle. */
export const ERROR_NO_BUNDLE = 18;
/** The archive is not a newc cpio archive, or is malformed. */
export const ERROR_BUNDLE_FORMAT = 19;
/** The archive ends before its trailer, or is larger than its partition or the limit. */
export const ERROR_BUNDLE_TRUNCATED = 20;
/** The manifest is missing or malformed, or doesn't name the entries as they come. */
export const ERROR_BUNDLE_MANIFEST = 21;
/** An entry's SHA-256 digest is not the one in the manifest. */
export const ERROR_BUNDLE_DIGEST = 22;
/** An exception in the kernel itself. */
export const ERROR_EXCEPTION = 23;
/** A device moved data where the IOMMU doesn't let it. */
export const ERROR_DMA_FAULT = 24;
/** The interrupt controllers do not answer or refuse a route. */
export const ERROR_INTERRUPTS = 25;
/** The platform did not turn off. */
export const ERROR_POWER = 26;
/** The processor has no random numbers: there would be nothing secret to make keys from. */
export const ERROR_NO_ENTROPY = 27;
