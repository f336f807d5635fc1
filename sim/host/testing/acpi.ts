/** Reads ACPI tables out of a machine's RAM as acpidump does: nothing of the firmware is used. */
import { RAM_BASE } from "../core.ts";
import type { Machine } from "../machine.ts";

export interface Table {
  readonly signature: string;
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** A copy of `bytes` bytes of the machine's RAM below 2 GiB. */
export function readRam(machine: Machine, address: number, bytes: number): Uint8Array {
  return machine.core.bytes.slice(RAM_BASE + address, RAM_BASE + address + bytes);
}

export function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function text(bytes: Uint8Array, at: number, length: number): string {
  return new TextDecoder("latin1").decode(bytes.subarray(at, at + length));
}

/** The sum of all bytes, modulo 256: 0 for a table that is whole. */
export function byteSum(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);
}

/** The RSDP's address, found by its signature on a 16-byte boundary in the BIOS area. */
export function findRootPointer(machine: Machine): number {
  for (let address = 0xe0000; address < 0x100000; address += 16)
    if (text(readRam(machine, address, 8), 0, 8) === "RSD PTR ") return address;
  throw new Error("no RSDP between 0xE0000 and 0xFFFFF");
}

function readTable(machine: Machine, address: number): Table {
  const length = view(readRam(machine, address + 4, 4)).getUint32(0, true);
  const bytes = readRam(machine, address, length);
  return { signature: text(bytes, 0, 4), address, bytes };
}

/** XSDT, the tables it lists, and the DSDT and FACS that the FADT names. */
export function readTables(machine: Machine): Table[] {
  const root = view(readRam(machine, findRootPointer(machine), 36));
  const xsdt = readTable(machine, Number(root.getBigUint64(24, true)));
  const tables = [xsdt];
  for (let at = 36; at < xsdt.bytes.length; at += 8) {
    const table = readTable(machine, Number(view(xsdt.bytes).getBigUint64(at, true)));
    tables.push(table);
    if (table.signature !== "FACP") continue;
    const fadt = view(table.bytes);
    tables.push(readTable(machine, Number(fadt.getBigUint64(140, true))));
    tables.push(readTable(machine, fadt.getUint32(36, true)));
  }
  return tables;
}
