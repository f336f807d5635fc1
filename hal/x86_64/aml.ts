/**
 * The one thing that is read from the DSDT: SLP_TYP of S5, the first element of the package \_S5
 * (ACPI 6.3, 7.4.2). The kernel interprets no AML; a static package can be decoded on its own:
 *
 *   NameOp ['\'] "_S5_" PackageOp PkgLength NumElements element ...      (20.2.5.1, 20.2.5.4)
 */
import { SLEEP_TYPE_NONE } from "./platform";

/** "_S5_", little-endian. */
const NAME_S5: u32 = 0x5f35_535f;
const NAME_OP: u32 = 0x08;
const ROOT_PREFIX: u32 = 0x5c;
const PACKAGE_OP: u32 = 0x12;
const ZERO_OP: u32 = 0x00;
const ONE_OP: u32 = 0x01;
const BYTE_PREFIX: u32 = 0x0a;
const WORD_PREFIX: u32 = 0x0b;
const DWORD_PREFIX: u32 = 0x0c;
const QWORD_PREFIX: u32 = 0x0e;
/** SLP_TYP has three bits. */
const SLEEP_TYPE_MAX: u64 = 7;
const NOT_AN_INTEGER: u64 = 0xffff_ffff_ffff_ffff;

/** SLP_TYPa of S5 in the AML between two linear addresses, or SLEEP_TYPE_NONE. */
export function findSleepType(begin: usize, end: usize): u32 {
  // The name with its operator, and the shortest package that holds one element.
  for (let at = begin; at + 9 <= end; at++) {
    if (load<u8>(at) != <u8>NAME_OP) continue;
    const name = load<u8>(at + 1) == <u8>ROOT_PREFIX ? at + 2 : at + 1;
    if (end - name < 8 || load<u32>(name) != NAME_S5) continue;
    const value = firstElement(name + 4, end);
    if (value <= SLEEP_TYPE_MAX) return <u32>value;
  }
  return SLEEP_TYPE_NONE;
}

/** The first element of the package at `at`, if it is an integer. At least four bytes are left. */
function firstElement(at: usize, end: usize): u64 {
  if (load<u8>(at) != <u8>PACKAGE_OP) return NOT_AN_INTEGER;
  // Bits 7-6 of the first byte of PkgLength: how many bytes follow it.
  const lengthBytes: usize = 1 + (load<u8>(at + 1) >> 6);
  const elements = at + 1 + lengthBytes;
  if (elements + 2 > end || load<u8>(elements) == 0) return NOT_AN_INTEGER;
  return integerAt(elements + 1, end);
}

function integerAt(at: usize, end: usize): u64 {
  const operand = at + 1;
  const left = end - operand;
  switch (<u32>load<u8>(at)) {
    case ZERO_OP:
      return 0;
    case ONE_OP:
      return 1;
    case BYTE_PREFIX:
      return left < 1 ? NOT_AN_INTEGER : load<u8>(operand);
    case WORD_PREFIX:
      return left < 2 ? NOT_AN_INTEGER : load<u16>(operand);
    case DWORD_PREFIX:
      return left < 4 ? NOT_AN_INTEGER : load<u32>(operand);
    case QWORD_PREFIX:
      return left < 8 ? NOT_AN_INTEGER : load<u64>(operand);
    default:
      return NOT_AN_INTEGER;
  }
}
