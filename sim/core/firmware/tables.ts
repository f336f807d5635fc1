/** The fixed-format ACPI tables (ACPI 6.3, 5.2, and the specifications it refers to). */
import { physicalRead } from "../bus/bus";
import { machine } from "../machine";
import { beginTable, endTable, put16, put32, put64, put8, putAddress, putPort, putText, putZeroes } from "./writer";
import {
  DMAR_DRHD,
  DMAR_INTERRUPTS,
  DRHD_BYTES,
  DRHD_INCLUDE_PCI_ALL,
  GAS_MEMORY,
  MADT_ENABLED,
  MADT_IOAPIC,
  MADT_LAPIC,
  MADT_LAPIC_NMI,
  MADT_OVERRIDE,
  MPS_ACTIVE_HIGH,
  MPS_LEVEL,
  PM1_CONTROL_AT,
  RESET_VALUE,
  SCOPE_BYTES,
  SCOPE_HPET,
  SCOPE_IOAPIC,
} from "../../spec/acpi";
import {
  ECAM_BASE,
  ECAM_BYTES,
  GSI_PIT,
  GSI_SCI,
  GSI_UART,
  HPET_BASE,
  HPET_REQUESTER,
  IOAPIC_BASE,
  IOAPIC_REQUESTER,
  IOMMU_BASE,
  LAPIC_BASE,
  PM1_EVENT_PORT,
  PM_TIMER_PORT,
  RESET_PORT,
  UART_PORT,
} from "../../spec/platform";
import { RTC_CENTURY } from "../../spec/rtc";
import { PHYSICAL_ADDRESS_BITS } from "../../spec/x86";

/** FADT feature flags (table 5-34). */
const WBINVD: u32 = 1 << 0;
const PROC_C1: u32 = 1 << 2;
const NO_FIXED_SLEEP_BUTTON: u32 = 1 << 5;
const TIMER_32_BIT: u32 = 1 << 8;
const RESET_REGISTER: u32 = 1 << 10;

/** IA-PC boot flags (table 5-35): devices on the LPC bus, no VGA; the 8042 is absent. */
const LEGACY_DEVICES: u32 = 1 << 0;
const VGA_ABSENT: u32 = 1 << 2;

const PROFILE_DESKTOP: u32 = 1;
/** Longer than any latency that is of use: there is neither a C2 nor a C3 state. */
const C2_ABSENT: u32 = 0xfff;
const C3_ABSENT: u32 = 0xfff;
const ACPI_MINOR: u32 = 3;
/** Least ticks of a periodic timer that lose no interrupt: 128, about 1.3 us at 100 MHz. */
const HPET_MINIMUM_TICK: u32 = 128;

/** Firmware ACPI Control Structure (5.2.10): no header checksum, alone in its page. */
export function writeFacs(): void {
  putText("FACS");
  put32(64);
  putZeroes(24);
  put8(2); // version
  putZeroes(31);
}

/**
 * Fixed ACPI Description Table, revision 6 (5.2.9). The platform has no legacy mode: SMI_CMD is 0,
 * which says that the machine is always in ACPI mode. It has no general-purpose events either.
 */
export function writeFadt(facs: u32, dsdt: u32): u32 {
  const table = beginTable("FACP", 6);
  put32(facs);
  put32(dsdt);
  put8(0);
  put8(PROFILE_DESKTOP);
  put16(GSI_SCI);
  putZeroes(8); // SMI_CMD, ACPI_ENABLE, ACPI_DISABLE, S4BIOS_REQ, PSTATE_CNT
  put32(PM1_EVENT_PORT);
  put32(0);
  put32(PM1_EVENT_PORT + PM1_CONTROL_AT);
  putZeroes(8); // PM1b_CNT_BLK, PM2_CNT_BLK
  put32(PM_TIMER_PORT);
  putZeroes(8); // GPE0_BLK, GPE1_BLK
  put8(4); // PM1_EVT_LEN
  put8(2); // PM1_CNT_LEN
  put8(0);
  put8(4); // PM_TMR_LEN
  putZeroes(4); // GPE0_BLK_LEN, GPE1_BLK_LEN, GPE1_BASE, CST_CNT
  put16(C2_ABSENT);
  put16(C3_ABSENT);
  putZeroes(8); // FLUSH_SIZE, FLUSH_STRIDE, DUTY_OFFSET, DUTY_WIDTH, DAY_ALRM, MON_ALRM
  put8(RTC_CENTURY);
  put16(LEGACY_DEVICES | VGA_ABSENT);
  put8(0);
  put32(WBINVD | PROC_C1 | NO_FIXED_SLEEP_BUTTON | TIMER_32_BIT | RESET_REGISTER);
  putPort(RESET_PORT, 8, 1);
  put8(RESET_VALUE);
  put16(0); // ARM_BOOT_ARCH
  put8(ACPI_MINOR);
  put64(facs);
  put64(dsdt);
  writeFadtBlocks();
  endTable();
  return table;
}

/** The extended addresses of the register blocks, and what follows them in the FADT. */
function writeFadtBlocks(): void {
  putPort(PM1_EVENT_PORT, 32, 2);
  putZeroes(12); // X_PM1b_EVT_BLK
  putPort(PM1_EVENT_PORT + PM1_CONTROL_AT, 16, 2);
  putZeroes(24); // X_PM1b_CNT_BLK, X_PM2_CNT_BLK
  putPort(PM_TIMER_PORT, 32, 3);
  putZeroes(48); // X_GPE0_BLK, X_GPE1_BLK, SLEEP_CONTROL_REG, SLEEP_STATUS_REG
  put64(0); // hypervisor vendor identity
}

/**
 * Multiple APIC Description Table (5.2.12). At most 64 processors, so every APIC id fits the 8-bit
 * entries; x2APIC entries are for ids from 255 up only.
 */
export function writeMadt(): u32 {
  const table = beginTable("APIC", 5);
  put32(<u32>LAPIC_BASE);
  put32(1); // PCAT_COMPAT: there is a pair of 8259s to be masked
  for (let cpu: u32 = 0; cpu < machine().cpuCount; cpu++) {
    put8(MADT_LAPIC);
    put8(8);
    put8(cpu); // ACPI processor UID, as in the SSDT
    put8(cpu); // APIC id
    put32(MADT_ENABLED);
  }
  put8(MADT_IOAPIC);
  put8(12);
  put8(0);
  put8(0);
  put32(<u32>IOAPIC_BASE);
  put32(0);
  writeOverride(0, GSI_PIT, 0);
  writeOverride(GSI_SCI, GSI_SCI, MPS_ACTIVE_HIGH | MPS_LEVEL);
  put8(MADT_LAPIC_NMI);
  put8(6);
  put8(0xff); // all processors
  put16(0);
  put8(1); // LINT1
  endTable();
  return table;
}

/** Interrupt Source Override: where ISA interrupt `irq` really arrives; flags 0 = as ISA has it. */
function writeOverride(irq: u32, gsi: u32, flags: u32): void {
  put8(MADT_OVERRIDE);
  put8(10);
  put8(0);
  put8(irq);
  put32(gsi);
  put16(flags);
}

/** HPET Description Table (IA-PC HPET 1.0a, 3.2.4); the block id is the low half of the device's
 * capabilities register, so it is asked for it. */
export function writeHpet(): u32 {
  const table = beginTable("HPET", 1);
  put32(<u32>physicalRead(HPET_BASE, 4));
  putAddress(GAS_MEMORY, 64, 0, HPET_BASE);
  put8(0);
  put16(HPET_MINIMUM_TICK);
  put8(0);
  endTable();
  return table;
}

/** PCI Express memory-mapped configuration space (PCI Firmware 3.2, 4.1.2). */
export function writeMcfg(): u32 {
  const table = beginTable("MCFG", 1);
  put64(0);
  put64(ECAM_BASE);
  put16(0);
  put8(0);
  put8((ECAM_BYTES >> 20) - 1);
  put32(0);
  endTable();
  return table;
}

/**
 * DMA and interrupt remapping (Intel VT-d 4.1, 8.1, 8.3): one unit for all of segment 0, and for the
 * two that send interrupts without being PCI functions.
 */
export function writeDmar(): u32 {
  const table = beginTable("DMAR", 1);
  put8(PHYSICAL_ADDRESS_BITS - 1);
  put8(DMAR_INTERRUPTS);
  putZeroes(10);
  put16(DMAR_DRHD);
  put16(DRHD_BYTES + 2 * SCOPE_BYTES);
  put8(DRHD_INCLUDE_PCI_ALL);
  put8(0);
  put16(0);
  put64(IOMMU_BASE);
  // Numbers of the I/O APIC in the MADT and of the timer block in the HPET table.
  writeScope(SCOPE_IOAPIC, 0, IOAPIC_REQUESTER);
  writeScope(SCOPE_HPET, 0, HPET_REQUESTER);
  endTable();
  return table;
}

/** Device scope: the source-id of what other tables know by `number`. */
function writeScope(type: u32, number: u32, source: u32): void {
  put8(type);
  put8(SCOPE_BYTES);
  put16(0);
  put8(number);
  put8(source >> 8);
  put8((source >> 3) & 31);
  put8(source & 7);
}

/** Serial Port Console Redirection, revision 2: a 16550 at 115,200 baud, 8N1. */
export function writeSpcr(): u32 {
  const table = beginTable("SPCR", 2);
  put8(0); // full 16550 interface
  putZeroes(3);
  putPort(UART_PORT, 8, 1);
  put8(3); // interrupt by 8259 and by I/O APIC
  put8(GSI_UART);
  put32(GSI_UART);
  put8(7); // 115,200 baud
  put8(0); // no parity
  put8(1); // one stop bit
  put8(0); // no flow control
  put8(3); // ANSI terminal
  put8(0);
  put16(0xffff); // not a PCI device
  put16(0xffff);
  putZeroes(12);
  endTable();
  return table;
}
