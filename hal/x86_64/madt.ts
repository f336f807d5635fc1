/** Processors and interrupt controllers: the MADT (ACPI 6.3, 5.2.12). */
import {
  ACPI_ERROR_DUPLICATE,
  ACPI_ERROR_ENTRY,
  ACPI_ERROR_NO_IOAPIC,
  ACPI_ERROR_NO_PROCESSOR,
  ACPI_ERROR_TOO_MANY,
  ACPI_OK,
  fail,
  Platform,
  PLATFORM_CPUS_MAX,
  PLATFORM_IOAPICS_MAX,
  PLATFORM_OVERRIDES_MAX,
  platformCpu,
  platformIoApic,
  platformOverride,
  SIGNATURE_MADT,
} from "./platform";
import {
  MADT_ENABLED,
  MADT_ENTRIES_AT,
  MADT_FLAGS_AT,
  MADT_IOAPIC,
  MADT_LAPIC,
  MADT_LAPIC_ADDRESS,
  MADT_LAPIC_ADDRESS_AT,
  MADT_LAPIC_NMI,
  MADT_ONLINE_CAPABLE,
  MADT_OVERRIDE,
  MADT_X2APIC,
} from "../../sim/spec/acpi";

const PCAT_COMPAT: u32 = 1;
/** APIC id with which the firmware marks an entry that stands for no processor. */
const APIC_ID_NONE: u32 = 0xff;
const X2APIC_ID_NONE: u32 = 0xffff_ffff;
/** Type and length. */
const ENTRY_BYTES_MIN: u32 = 2;

/** Reads the table of `end` bytes at `madt`, which has its header and fixed fields. */
export function readMadt(platform: Platform, madt: usize, end: u32): void {
  platform.lapicAddress = load<u32>(madt, MADT_LAPIC_ADDRESS_AT);
  platform.has8259 = load<u32>(madt, MADT_FLAGS_AT) & PCAT_COMPAT;
  let offset: u32 = MADT_ENTRIES_AT;
  while (offset < end) {
    const at = madt + offset;
    const bytes: u32 = end - offset < ENTRY_BYTES_MIN ? 0 : load<u8>(at, 1);
    const wrong =
      bytes < ENTRY_BYTES_MIN || bytes > end - offset
        ? ACPI_ERROR_ENTRY
        : readEntry(platform, at, load<u8>(at), bytes);
    if (wrong != ACPI_OK) {
      fail(platform, SIGNATURE_MADT, wrong, offset);
      return;
    }
    offset += bytes;
  }
  if (!anyEnabled(platform)) fail(platform, SIGNATURE_MADT, ACPI_ERROR_NO_PROCESSOR);
  if (platform.ioApicCount == 0) fail(platform, SIGNATURE_MADT, ACPI_ERROR_NO_IOAPIC);
}

/** Least length of the entries that are read; others have none. */
function leastBytes(type: u32): u32 {
  switch (type) {
    case MADT_LAPIC:
      return 8;
    case MADT_IOAPIC:
      return 12;
    case MADT_OVERRIDE:
      return 10;
    case MADT_LAPIC_NMI:
      return 6;
    case MADT_LAPIC_ADDRESS:
      return 12;
    case MADT_X2APIC:
      return 16;
    default:
      return ENTRY_BYTES_MIN;
  }
}

function readEntry(platform: Platform, at: usize, type: u32, bytes: u32): u32 {
  if (bytes < leastBytes(type)) return ACPI_ERROR_ENTRY;
  switch (type) {
    case MADT_LAPIC: {
      const id: u32 = load<u8>(at, 3);
      if (id == APIC_ID_NONE) return ACPI_OK;
      return addCpu(platform, load<u8>(at, 2), id, load<u32>(at, 4));
    }
    case MADT_X2APIC: {
      const id = load<u32>(at, 4);
      if (id == X2APIC_ID_NONE) return ACPI_OK;
      return addCpu(platform, load<u32>(at, 12), id, load<u32>(at, 8));
    }
    case MADT_IOAPIC:
      return addIoApic(platform, at);
    case MADT_OVERRIDE:
      return addOverride(platform, at);
    case MADT_LAPIC_NMI:
      platform.nmiLine = load<u8>(at, 5) & 1;
      return ACPI_OK;
    case MADT_LAPIC_ADDRESS:
      platform.lapicAddress = load<u64>(at, 4);
      return ACPI_OK;
    default:
      return ACPI_OK;
  }
}

/** A processor that is neither enabled nor can be is left out. */
function addCpu(platform: Platform, uid: u32, apicId: u32, flags: u32): u32 {
  if ((flags & (MADT_ENABLED | MADT_ONLINE_CAPABLE)) == 0) return ACPI_OK;
  const count = platform.cpuCount;
  for (let index: u32 = 0; index < count; index++)
    if (platformCpu(platform, index).apicId == apicId) return ACPI_ERROR_DUPLICATE;
  if (count == PLATFORM_CPUS_MAX) return ACPI_ERROR_TOO_MANY;
  const cpu = platformCpu(platform, count);
  cpu.uid = uid;
  cpu.apicId = apicId;
  cpu.flags = flags;
  platform.cpuCount = count + 1;
  return ACPI_OK;
}

function anyEnabled(platform: Platform): bool {
  for (let index: u32 = 0; index < platform.cpuCount; index++)
    if (platformCpu(platform, index).flags & MADT_ENABLED) return true;
  return false;
}

function addIoApic(platform: Platform, at: usize): u32 {
  const address: u64 = load<u32>(at, 4);
  if (address == 0) return ACPI_ERROR_ENTRY;
  if (platform.ioApicCount == PLATFORM_IOAPICS_MAX) return ACPI_ERROR_TOO_MANY;
  const ioApic = platformIoApic(platform, platform.ioApicCount);
  ioApic.base = address;
  ioApic.id = load<u8>(at, 2);
  ioApic.gsiBase = load<u32>(at, 8);
  platform.ioApicCount += 1;
  return ACPI_OK;
}

/** Bus 0 is ISA, with interrupts 0 to 15; polarity and trigger mode 2 are reserved. */
function addOverride(platform: Platform, at: usize): u32 {
  const flags: u32 = load<u16>(at, 8);
  const irq: u32 = load<u8>(at, 3);
  if (load<u8>(at, 2) != 0 || irq > 15) return ACPI_ERROR_ENTRY;
  if ((flags & 3) == 2 || ((flags >> 2) & 3) == 2) return ACPI_ERROR_ENTRY;
  if (platform.overrideCount == PLATFORM_OVERRIDES_MAX) return ACPI_ERROR_TOO_MANY;
  const entry = platformOverride(platform, platform.overrideCount);
  entry.irq = irq;
  entry.gsi = load<u32>(at, 4);
  entry.flags = flags;
  platform.overrideCount += 1;
  return ACPI_OK;
}
