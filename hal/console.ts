/**
 * A console: bytes out, bytes in. Output waits for the device, but never longer than the device
 * could need; one that is absent or stuck costs its bytes, never the caller's time.
 */
import { uartFlush, uartPut, uartStart, uartTake } from "./x86_64/uart";

export const CONSOLE_DRIVER_UART: u32 = 1;

export const CONSOLE_OK: u32 = 0;
/** Nothing answers where the device should be. */
export const CONSOLE_ERROR_ABSENT: u32 = 1;
/** The device did not take the byte in the time that it can need; the byte is lost. */
export const CONSOLE_ERROR_TIMEOUT: u32 = 2;
/** What `consoleTake` returns when no byte waits. */
export const CONSOLE_EMPTY: i32 = -1;

@unmanaged
export class Console {
  /** CONSOLE_DRIVER_…; 0 before `consoleStart`. */
  driver: u32;
  /** First I/O port of the device. */
  port: u32;
  /** Bytes that the device takes without being asked again. */
  room: u32;
  /** The device kept us waiting in vain: it is asked once a byte from now on, until it answers. */
  stuck: u32;
  /** Bytes that were lost. */
  lost: u64;
}

/** Sets the device up: 115,200 baud, 8 data bits, no parity, receiver interrupts off. */
export function consoleStart(console: Console, driver: u32, port: u32): u32 {
  console.driver = driver;
  console.port = port;
  console.room = 0;
  console.stuck = 0;
  console.lost = 0;
  switch (driver) {
    case CONSOLE_DRIVER_UART:
      return uartStart(console);
    default:
      return CONSOLE_ERROR_ABSENT;
  }
}

/** Sends one byte. */
export function consolePut(console: Console, byte: u32): u32 {
  switch (console.driver) {
    case CONSOLE_DRIVER_UART:
      return uartPut(console, byte);
    default:
      console.lost += 1;
      return CONSOLE_ERROR_ABSENT;
  }
}

/** Waits until the last byte has left the machine: before power-off, after a panic's message. */
export function consoleFlush(console: Console): u32 {
  switch (console.driver) {
    case CONSOLE_DRIVER_UART:
      return uartFlush(console);
    default:
      return CONSOLE_ERROR_ABSENT;
  }
}

/** A received byte, or CONSOLE_EMPTY. Bytes that arrived damaged are dropped. */
export function consoleTake(console: Console): i32 {
  switch (console.driver) {
    case CONSOLE_DRIVER_UART:
      return uartTake(console);
    default:
      return CONSOLE_EMPTY;
  }
}
