/** What the kernel knows of the platform after reading the ACPI tables (acpi.ts). */
import { Ptr } from "../memory";

/** Limits of what is kept; a table with more of something is an error with a name. */
export const PLATFORM_CPUS_MAX: u32 = 64;
export const PLATFORM_IOAPICS_MAX: u32 = 8;
export const PLATFORM_OVERRIDES_MAX: u32 = 16;
export const PLATFORM_SEGMENTS_MAX: u32 = 8;
export const PLATFORM_DMA_UNITS_MAX: u32 = 8;

export const ACPI_OK: u32 = 0;
/** Something that must be in RAM is not, or not whole. */
export const ACPI_ERROR_ADDRESS: u32 = 1;
export const ACPI_ERROR_SIGNATURE: u32 = 2;
/** Shorter than its fields, or longer than ACPI_TABLE_BYTES_MAX. */
export const ACPI_ERROR_LENGTH: u32 = 3;
export const ACPI_ERROR_CHECKSUM: u32 = 4;
/** Older than what the kernel reads. */
export const ACPI_ERROR_REVISION: u32 = 5;
export const ACPI_ERROR_MISSING: u32 = 6;
/** A field or an entry contradicts the specification: see `Platform.errorOffset`. */
export const ACPI_ERROR_ENTRY: u32 = 7;
/** Two processors with one APIC id. */
export const ACPI_ERROR_DUPLICATE: u32 = 8;
/** More entries of a kind than the kernel keeps. */
export const ACPI_ERROR_TOO_MANY: u32 = 9;
/** No processor is enabled. */
export const ACPI_ERROR_NO_PROCESSOR: u32 = 10;
export const ACPI_ERROR_NO_IOAPIC: u32 = 11;

/** What to print for each ACPI_ERROR_…, after the table's name. */
const ACPI_ERROR_TEXTS: StaticArray<string> = [
  "is as it should be",
  "does not lie in RAM",
  "has another signature",
  "has an impossible length",
  "has a wrong checksum",
  "is of too old a revision",
  "is missing",
  "contradicts the specification",
  "names a processor twice",
  "lists more than the kernel can keep",
  "has no enabled processor",
  "has no I/O APIC",
];

/** The rest of a sentence that begins with the table's name. */
export function acpiErrorText(error: u32): string {
  return ACPI_ERROR_TEXTS[min(error, ACPI_ERROR_NO_IOAPIC)];
}

/** Signatures as little-endian numbers; RSDP stands for the root pointer, which has eight letters. */
export const SIGNATURE_RSDP: u32 = 0x5044_5352;
export const SIGNATURE_XSDT: u32 = 0x5444_5358;
export const SIGNATURE_FADT: u32 = 0x5043_4146;
export const SIGNATURE_DSDT: u32 = 0x5444_5344;
export const SIGNATURE_MADT: u32 = 0x4349_5041;
export const SIGNATURE_HPET: u32 = 0x5445_5048;
export const SIGNATURE_MCFG: u32 = 0x4746_434d;
export const SIGNATURE_DMAR: u32 = 0x5241_4d44;

/** `Platform.sleepTypeS5` when the DSDT has no \_S5. */
export const SLEEP_TYPE_NONE: u32 = 0xff;
/** `Platform.nmiLine` when the MADT says nothing of NMIs. */
export const NMI_LINE_NONE: u32 = 0xff;

@unmanaged
export class PlatformCpu {
  uid: u32;
  apicId: u32;
  /** MADT_ENABLED, MADT_ONLINE_CAPABLE of sim/spec/acpi.ts. */
  flags: u32;
}

@unmanaged
export class PlatformIoApic {
  base: u64;
  id: u32;
  gsiBase: u32;
}

/** ISA interrupt `irq` arrives at `gsi`; `flags` are the MPS INTI flags. */
@unmanaged
export class PlatformOverride {
  irq: u32;
  gsi: u32;
  flags: u32;
}

@unmanaged
export class PlatformSegment {
  /** Physical address of the configuration space of bus 0, even when firstBus is greater. */
  base: u64;
  segment: u32;
  firstBus: u32;
  lastBus: u32;
}

@unmanaged
export class PlatformDmaUnit {
  base: u64;
  segment: u32;
  /** DRHD_INCLUDE_PCI_ALL of sim/spec/acpi.ts. */
  flags: u32;
}

@unmanaged
export class Platform {
  /** Where the first error was found: ACPI_…, the table's signature, byte offset inside it. */
  error: u32;
  errorTable: u32;
  errorOffset: u32;

  cpuCount: u32;
  ioApicCount: u32;
  overrideCount: u32;
  segmentCount: u32;
  dmaUnitCount: u32;

  lapicAddress: u64;
  /** LINT input of the processors at which NMIs arrive: 0, 1 or NMI_LINE_NONE. */
  nmiLine: u32;
  /** There are 8259s, which are to be masked before the I/O APIC is used. */
  has8259: u32;
  /** Physical address of the HPET, or 0. */
  hpet: u64;
  /** Bits of a DMA address, or 0 when there is no IOMMU. */
  dmaAddressBits: u32;

  sciGsi: u32;
  /** I/O ports; 0 for one that does not exist. */
  pm1EventPort: u32;
  pm1ControlPort: u32;
  pmTimerPort: u32;
  /** 32, or 24. */
  pmTimerBits: u32;
  /** CMOS index of the century, or 0. */
  century: u32;
  /** GAS_MEMORY or GAS_IO; meaningless when hasReset is 0. */
  resetSpace: u32;
  resetAddress: u64;
  resetValue: u32;
  hasReset: u32;
  sleepTypeS5: u32;

  cpus: Ptr<PlatformCpu>;
  ioApics: Ptr<PlatformIoApic>;
  overrides: Ptr<PlatformOverride>;
  segments: Ptr<PlatformSegment>;
  dmaUnits: Ptr<PlatformDmaUnit>;
}

const CPUS_BYTES: usize = <usize>PLATFORM_CPUS_MAX * offsetof<PlatformCpu>();
const IOAPICS_BYTES: usize = <usize>PLATFORM_IOAPICS_MAX * offsetof<PlatformIoApic>();
const OVERRIDES_BYTES: usize = <usize>PLATFORM_OVERRIDES_MAX * offsetof<PlatformOverride>();
const SEGMENTS_BYTES: usize = <usize>PLATFORM_SEGMENTS_MAX * offsetof<PlatformSegment>();
const DMA_UNITS_BYTES: usize = <usize>PLATFORM_DMA_UNITS_MAX * offsetof<PlatformDmaUnit>();
const PLATFORM_HEAD_BYTES: usize = (offsetof<Platform>() + 7) & ~7;
/** Memory that a Platform and its lists take. */
export const PLATFORM_BYTES: usize =
  PLATFORM_HEAD_BYTES + CPUS_BYTES + IOAPICS_BYTES + OVERRIDES_BYTES + SEGMENTS_BYTES + DMA_UNITS_BYTES;

/** Lays out an empty Platform in PLATFORM_BYTES of memory at `at` (8-byte aligned). */
export function createPlatform(at: usize): Platform {
  memory.fill(at, 0, PLATFORM_BYTES);
  const platform = changetype<Platform>(at);
  platform.cpus = at + PLATFORM_HEAD_BYTES;
  platform.ioApics = platform.cpus + CPUS_BYTES;
  platform.overrides = platform.ioApics + IOAPICS_BYTES;
  platform.segments = platform.overrides + OVERRIDES_BYTES;
  platform.dmaUnits = platform.segments + SEGMENTS_BYTES;
  platform.sleepTypeS5 = SLEEP_TYPE_NONE;
  platform.nmiLine = NMI_LINE_NONE;
  return platform;
}

@inline
export function platformCpu(platform: Platform, index: u32): PlatformCpu {
  return changetype<PlatformCpu>(platform.cpus + <usize>index * offsetof<PlatformCpu>());
}

@inline
export function platformIoApic(platform: Platform, index: u32): PlatformIoApic {
  return changetype<PlatformIoApic>(platform.ioApics + <usize>index * offsetof<PlatformIoApic>());
}

@inline
export function platformOverride(platform: Platform, index: u32): PlatformOverride {
  return changetype<PlatformOverride>(
    platform.overrides + <usize>index * offsetof<PlatformOverride>(),
  );
}

@inline
export function platformSegment(platform: Platform, index: u32): PlatformSegment {
  return changetype<PlatformSegment>(platform.segments + <usize>index * offsetof<PlatformSegment>());
}

@inline
export function platformDmaUnit(platform: Platform, index: u32): PlatformDmaUnit {
  return changetype<PlatformDmaUnit>(platform.dmaUnits + <usize>index * offsetof<PlatformDmaUnit>());
}

/** Notes the first error. */
export function fail(platform: Platform, table: u32, error: u32, offset: u32 = 0): u32 {
  if (platform.error != ACPI_OK) return platform.error;
  platform.error = error;
  platform.errorTable = table;
  platform.errorOffset = offset;
  return error;
}
