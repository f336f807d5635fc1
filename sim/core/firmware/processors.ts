/**
 * Secondary table (SSDT) with a device a processor, in AML (ACPI 6.3, 20).
 *
 * The MADT alone would start the processors; the devices (ACPI0007, 8.4) are what an operating
 * system hangs their later properties on, and their _UID is what MADT entries refer to. Processor()
 * statements are deprecated, and their ids end at 254.
 */
import { machine } from "../machine";
import { beginTable, endTable, put8, putText } from "./writer";

const ZERO_OP: u32 = 0x00;
const ONE_OP: u32 = 0x01;
const NAME_OP: u32 = 0x08;
const BYTE_PREFIX: u32 = 0x0a;
const STRING_PREFIX: u32 = 0x0d;
const SCOPE_OP: u32 = 0x10;
const EXT_OP_PREFIX: u32 = 0x5b;
const DEVICE_OP: u32 = 0x82;

/** Name(_HID, "ACPI0007"): operator, name, prefix, string and its end. */
const HID_BYTES: u32 = 1 + 4 + 1 + 9;

/** Bytes of Name(_UID, n). */
function uidBytes(cpu: u32): u32 {
  return 1 + 4 + (cpu < 2 ? 1 : 2);
}

/** Bytes of a processor's device after its PkgLength: always few enough for a PkgLength of one byte. */
function deviceBytes(cpu: u32): u32 {
  return 4 + HID_BYTES + uidBytes(cpu);
}

/**
 * PkgLength (20.2.4), which counts its own bytes:
 *
 *   one byte    bits 0-5 length
 *   two bytes   bits 0-3 length 3:0, bits 6-7 = 1; then length 11:4
 */
function putPackageLength(bytes: u32): void {
  if (bytes + 1 < 64) return put8(bytes + 1);
  const length = bytes + 2;
  put8((1 << 6) | (length & 15));
  put8(length >> 4);
}

function hexDigit(value: u32): u32 {
  return value < 10 ? 0x30 + value : 0x37 + value;
}

function writeDevice(cpu: u32): void {
  put8(EXT_OP_PREFIX);
  put8(DEVICE_OP);
  putPackageLength(deviceBytes(cpu));
  putText("CP");
  put8(hexDigit(cpu >> 4));
  put8(hexDigit(cpu & 15));
  put8(NAME_OP);
  putText("_HID");
  put8(STRING_PREFIX);
  putText("ACPI0007");
  put8(0);
  put8(NAME_OP);
  putText("_UID");
  if (cpu < 2) return put8(cpu == 0 ? ZERO_OP : ONE_OP);
  put8(BYTE_PREFIX);
  put8(cpu);
}

/** Scope (\_SB) { Device (CP00) { _HID, _UID } ... }. At most 64 devices: under 4 KiB. */
export function writeProcessors(): u32 {
  const table = beginTable("SSDT", 2);
  const count = machine().cpuCount;
  let bytes: u32 = 5;
  // Before each device: its two-byte operator and its PkgLength.
  for (let cpu: u32 = 0; cpu < count; cpu++) bytes += 3 + deviceBytes(cpu);
  put8(SCOPE_OP);
  putPackageLength(bytes);
  putText("\\_SB_");
  for (let cpu: u32 = 0; cpu < count; cpu++) writeDevice(cpu);
  endTable();
  return table;
}
