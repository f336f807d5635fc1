/**
 * The firmware's work before the kernel runs: ACPI tables at ACPI_TABLES_ADDRESS, start info and
 * memory map. No code of it stays in the machine: what the kernel gets is these bytes.
 */
import { machine } from "../machine";
import { ACPI_TABLES_ADDRESS, KERNEL_ADDRESS, KERNEL_BYTES } from "../../spec/platform";
import { DSDT } from "./dsdt.aml";
import { FACS_ADDRESS, writeHandoff } from "./handoff";
import { writeProcessors } from "./processors";
import { writeDmar, writeFacs, writeFadt, writeHpet, writeMadt, writeMcfg, writeSpcr } from "./tables";
import {
  beginTable,
  checksum,
  createWriter,
  endTable,
  position,
  put32,
  put64,
  put8,
  putBytes,
  putText,
  putZeroes,
  seek,
} from "./writer";

const RSDP_BYTES: u32 = 36;
/** What ACPI 1.0 knew of the RSDP has a checksum of its own. */
const RSDP_1_BYTES: u32 = 20;

/** Root System Description Pointer (5.2.5.3). There is an XSDT and no RSDT. */
function writeRsdp(xsdt: u32): void {
  seek(ACPI_TABLES_ADDRESS);
  putText("RSD PTR ");
  put8(0);
  putText("AIOS  ");
  put8(2);
  put32(0);
  put32(RSDP_BYTES);
  put64(xsdt);
  putZeroes(4);
  checksum(ACPI_TABLES_ADDRESS, RSDP_1_BYTES, 8);
  checksum(ACPI_TABLES_ADDRESS, RSDP_BYTES, 32);
}

/** The compiled table as it is, header and checksum included, on a 64-byte boundary. */
function writeDsdt(): u32 {
  const table = (position() + 63) & ~63;
  seek(table);
  putBytes(changetype<usize>(DSDT), DSDT.length);
  return table;
}

/** Writes everything into RAM. The devices exist already: some tables repeat what they say. */
export function createFirmware(): void {
  createWriter();
  // The host refuses such a machine; there is nowhere to write to.
  if (machine().lowRamBytes < <u64>(KERNEL_ADDRESS + KERNEL_BYTES)) return;
  seek(FACS_ADDRESS);
  writeFacs();
  seek(ACPI_TABLES_ADDRESS + RSDP_BYTES);
  const dsdt = writeDsdt();
  const fadt = writeFadt(FACS_ADDRESS, dsdt);
  const madt = writeMadt();
  const hpet = writeHpet();
  const mcfg = writeMcfg();
  const dmar = writeDmar();
  const spcr = writeSpcr();
  const ssdt = writeProcessors();
  const xsdt = beginTable("XSDT", 1);
  put64(fadt);
  put64(madt);
  put64(hpet);
  put64(mcfg);
  put64(dmar);
  put64(spcr);
  put64(ssdt);
  endTable();
  writeRsdp(xsdt);
  writeHandoff(ACPI_TABLES_ADDRESS);
}
