/** Start info and memory map (Xen x86/HVM direct boot ABI): what the kernel is entered with. */
import { machine } from "../machine";
import { HIGH_RAM_BASE } from "../memory";
import { position, put32, put64, seek } from "./writer";
import {
  MAP_ENTRY_BYTES,
  MEMORY_ACPI,
  MEMORY_ACPI_NVS,
  MEMORY_RAM,
  MEMORY_RESERVED,
  START_INFO_MAGIC,
  START_INFO_VERSION,
} from "../../spec/handoff";
import {
  ACPI_TABLES_ADDRESS,
  ACPI_TABLES_BYTES,
  ECAM_BASE,
  ECAM_BYTES,
  HPET_BASE,
  IOAPIC_BASE,
  IOMMU_BASE,
  LAPIC_BASE,
  MEMORY_MAP_ADDRESS,
  START_INFO_ADDRESS,
} from "../../spec/platform";

/** Begin of the video window and option ROMs of a PC: no RAM for anyone. */
const VIDEO_BASE: u64 = 0xa_0000;
const PAGE: u64 = 4096;
/** The FACS is alone in the last page of the tables: the one that stays the firmware's. */
export const FACS_ADDRESS: u32 = ACPI_TABLES_ADDRESS + ACPI_TABLES_BYTES - 4096;

function entry(address: u64, size: u64, type: u32): void {
  put64(address);
  put64(size);
  put32(type);
  put32(0);
}

/**
 * The memory map, sorted, without overlaps. The kernel's image at 1 MiB, the start info and the map
 * itself lie in ranges of type RAM: a PVH kernel knows where it was linked to and where its start
 * info is, and keeps both (or copies the latter) before it hands RAM out; a firmware that marked
 * them reserved would take their memory away for good. PCI windows are not in the map at all: they
 * are resources of the host bridge (_CRS in the DSDT).
 * @returns how many entries
 */
function writeMemoryMap(): u32 {
  const state = machine();
  const tables: u64 = ACPI_TABLES_ADDRESS;
  const end: u64 = tables + ACPI_TABLES_BYTES;
  seek(MEMORY_MAP_ADDRESS);
  entry(0, VIDEO_BASE, MEMORY_RAM);
  entry(VIDEO_BASE, tables - VIDEO_BASE, MEMORY_RESERVED);
  entry(tables, FACS_ADDRESS - tables, MEMORY_ACPI);
  entry(FACS_ADDRESS, end - FACS_ADDRESS, MEMORY_ACPI_NVS);
  entry(end, state.lowRamBytes - end, MEMORY_RAM);
  entry(ECAM_BASE, ECAM_BYTES, MEMORY_RESERVED);
  entry(IOAPIC_BASE, PAGE, MEMORY_RESERVED);
  entry(HPET_BASE, PAGE, MEMORY_RESERVED);
  entry(IOMMU_BASE, PAGE, MEMORY_RESERVED);
  entry(LAPIC_BASE, PAGE, MEMORY_RESERVED);
  const high = state.ramBytes - state.lowRamBytes;
  if (high != 0) entry(HIGH_RAM_BASE, high, MEMORY_RAM);
  return (position() - MEMORY_MAP_ADDRESS) / MAP_ENTRY_BYTES;
}

/** Writes both; `rsdp` is the physical address of the root pointer. */
export function writeHandoff(rsdp: u32): void {
  const entries = writeMemoryMap();
  seek(START_INFO_ADDRESS);
  put32(START_INFO_MAGIC);
  put32(START_INFO_VERSION);
  put32(0); // flags
  put32(0); // modules
  put64(0); // module list
  put64(0); // command line
  put64(rsdp);
  put64(MEMORY_MAP_ADDRESS);
  put32(entries);
  put32(0);
}
