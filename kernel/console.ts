/** Printing on the kernel's console, without allocating: literals, numbers, bytes. */
import { Console, CONSOLE_DRIVER_UART, consoleFlush, consolePut, consoleStart } from "../hal/console";
import { UART_PORT } from "../sim/spec/platform";
import { kernel, rootAllocate } from "./state";

const HEX_DIGITS = "0123456789abcdef";
/** Longest decimal of a u64. */
const DECIMAL_DIGITS: i32 = 20;

/** Starts the console device; a machine without one boots as well, in silence. */
export function createConsole(): void {
  kernel().console = rootAllocate(offsetof<Console>());
  consoleStart(changetype<Console>(kernel().console), CONSOLE_DRIVER_UART, UART_PORT);
}

@inline
function put(byte: u32): void {
  consolePut(changetype<Console>(kernel().console), byte);
}

/** Waits, for a bounded time, until everything that was printed has left the machine. */
export function consoleDrain(): void {
  consoleFlush(changetype<Console>(kernel().console));
}

/** Prints ASCII text. */
export function print(text: string): void {
  for (let index = 0; index < text.length; index++) put(text.charCodeAt(index));
}

export function printLine(text: string): void {
  print(text);
  newLine();
}

export function newLine(): void {
  put(13);
  put(10);
}

/** Prints `value` in hexadecimal, at least `digits` digits. */
export function printHex(value: u64, digits: i32 = 1): void {
  const needed = value == 0 ? 1 : 16 - <i32>(clz(value) >> 2);
  for (let digit = max(needed, digits) - 1; digit >= 0; digit--)
    put(HEX_DIGITS.charCodeAt(<i32>((value >> (<u64>digit << 2)) & 15)));
}

export function printDecimal(value: u64): void {
  let divisor: u64 = 1;
  for (let digit = 1; digit < DECIMAL_DIGITS && value / divisor >= 10; digit++) divisor *= 10;
  for (; divisor > 0; divisor /= 10) put(48 + <u32>((value / divisor) % 10));
}

/** Prints bytes as two hexadecimal digits each. */
export function printBytes(at: usize, count: u32): void {
  for (let index: u32 = 0; index < count; index++) printHex(load<u8>(at + index), 2);
}

/** Prints bytes as text; what is not printable ASCII comes out as a dot. */
export function printText(at: usize, count: u32): void {
  for (let index: u32 = 0; index < count; index++) {
    const byte = load<u8>(at + index);
    put(byte >= 0x20 && byte < 0x7f ? byte : 0x2e);
  }
}

/** Prints bytes as they are; nothing without a console. */
export function consoleWrite(at: usize, count: u32): void {
  if (kernel().console == 0) return;
  for (let index: u32 = 0; index < count; index++) put(load<u8>(at + index));
}

/** Prints a size in the largest binary unit that leaves no remainder. */
export function printSize(bytes: u64): void {
  if (bytes != 0 && (bytes & 0x3fff_ffff) == 0) printUnit(bytes >> 30, " GiB");
  else if (bytes != 0 && (bytes & 0xf_ffff) == 0) printUnit(bytes >> 20, " MiB");
  else if (bytes != 0 && (bytes & 0x3ff) == 0) printUnit(bytes >> 10, " KiB");
  else printUnit(bytes, " bytes");
}

function printUnit(value: u64, unit: string): void {
  printDecimal(value);
  print(unit);
}
