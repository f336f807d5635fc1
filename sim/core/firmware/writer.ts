/** Writes tables into low RAM, one behind the other. */
import { allocateOne } from "../arena";
import { RAM_BASE } from "../memory";
import { machine } from "../machine";
import { TABLE_CHECKSUM_AT, TABLE_HEADER_BYTES, TABLE_LENGTH_AT } from "../../spec/acpi";

/** Where the next byte goes. Made at power-on, unused afterwards. */
@unmanaged
export class Firmware {
  /** Physical address, below 4 GiB. */
  at: u32;
  /** Start of the table that is being written. */
  table: u32;
}

export function createWriter(): void {
  machine().firmware = changetype<usize>(allocateOne<Firmware>());
}

@inline
function writer(): Firmware {
  return changetype<Firmware>(machine().firmware);
}

/** Goes on at physical address `address`. */
export function seek(address: u32): void {
  writer().at = address;
}

/** Physical address of the next byte. */
export function position(): u32 {
  return writer().at;
}

export function put8(value: u32): void {
  const state = writer();
  store<u8>(RAM_BASE + state.at, <u8>value);
  state.at += 1;
}

export function put16(value: u32): void {
  const state = writer();
  store<u16>(RAM_BASE + state.at, <u16>value);
  state.at += 2;
}

export function put32(value: u32): void {
  const state = writer();
  store<u32>(RAM_BASE + state.at, value);
  state.at += 4;
}

export function put64(value: u64): void {
  const state = writer();
  store<u64>(RAM_BASE + state.at, value);
  state.at += 8;
}

export function putZeroes(bytes: u32): void {
  const state = writer();
  memory.fill(RAM_BASE + state.at, 0, bytes);
  state.at += bytes;
}

/** The low byte of each character. */
export function putText(text: string): void {
  for (let index = 0; index < text.length; index++) put8(text.charCodeAt(index));
}

export function putBytes(from: usize, bytes: u32): void {
  const state = writer();
  memory.copy(RAM_BASE + state.at, from, bytes);
  state.at += bytes;
}

/**
 * Begins a table on the next 64-byte boundary and writes its header (ACPI 6.3, 5.2.6); returns its
 * physical address.
 */
export function beginTable(signature: string, revision: u32): u32 {
  const state = writer();
  const table = (state.at + 63) & ~63;
  seek(table);
  state.table = table;
  putText(signature);
  put32(TABLE_HEADER_BYTES);
  put8(revision);
  put8(0);
  putText("AIOS  ");
  putText("AIOS");
  putText(signature);
  put32(1);
  putText("AIOS");
  put32(1);
  return table;
}

/** Ends the table: its length and its checksum. */
export function endTable(): void {
  const state = writer();
  store<u32>(RAM_BASE + state.table + TABLE_LENGTH_AT, state.at - state.table);
  checksum(state.table, state.at - state.table, TABLE_CHECKSUM_AT);
}

/** Sets the byte at `offset` so that all bytes add up to zero. */
export function checksum(address: u32, bytes: u32, offset: u32): void {
  const base = RAM_BASE + <usize>address;
  store<u8>(base + offset, 0);
  let sum: u32 = 0;
  for (let index: u32 = 0; index < bytes; index++) sum += <u32>load<u8>(base + index);
  store<u8>(base + offset, <u8>(0 - sum));
}

/** Generic Address Structure of an I/O port (ACPI 6.3, 5.2.3.2); access size 1 byte, 2 word, 3 dword. */
export function putPort(port: u32, bits: u32, access: u32): void {
  putAddress(1, bits, access, <u64>port);
}

export function putAddress(space: u32, bits: u32, access: u32, address: u64): void {
  put8(space);
  put8(bits);
  put8(0);
  put8(access);
  put64(address);
}
