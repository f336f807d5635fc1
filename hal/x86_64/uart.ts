/** Driver for a 16550 UART (PC16550D data sheet) as a console. */
import { Console, CONSOLE_EMPTY, CONSOLE_ERROR_ABSENT, CONSOLE_ERROR_TIMEOUT, CONSOLE_OK } from "../console";
import { portRead8, portWrite8 } from "./machine";
import * as Spec from "../../sim/spec/uart";

/**
 * How often the line status is read before the device counts as stuck. A FIFO and the shift register
 * are empty after 17 characters of 87 us; a port access takes 0.8 us or more on any PC.
 */
const POLLS_MAX: u32 = 4096;
/** Bytes taken from a device that says it has more, and drops them all: then it is broken. */
const DAMAGED_MAX: u32 = 2 * Spec.UART_FIFO_BYTES;
/** Patterns for the scratch register: a bus on which nobody drives has neither. */
const PROBE_A: u32 = 0x5a;
const PROBE_B: u32 = 0xa5;
const FIFOS_ON: u32 =
  Spec.UART_FCR_ENABLE | Spec.UART_FCR_CLEAR_RECEIVE | Spec.UART_FCR_CLEAR_TRANSMIT;
const DAMAGE: u32 = Spec.UART_LSR_PARITY | Spec.UART_LSR_FRAMING | Spec.UART_LSR_BREAK;
/** LSR of a device that is not there. */
const ABSENT: u32 = 0xff;

@inline
function read(console: Console, register: u32): u32 {
  return portRead8(console.port + register) & 0xff;
}

@inline
function write(console: Console, register: u32, value: u32): void {
  portWrite8(console.port + register, value);
}

function answers(console: Console, pattern: u32): bool {
  write(console, Spec.UART_SCR, pattern);
  return read(console, Spec.UART_SCR) == pattern;
}

export function uartStart(console: Console): u32 {
  if (!answers(console, PROBE_A) || !answers(console, PROBE_B)) {
    console.driver = 0;
    return CONSOLE_ERROR_ABSENT;
  }
  write(console, Spec.UART_IER, 0);
  write(console, Spec.UART_LCR, Spec.UART_LCR_DLAB);
  write(console, Spec.UART_DATA, 1); // divisor 1: 115,200 baud
  write(console, Spec.UART_IER, 0);
  write(console, Spec.UART_LCR, Spec.UART_LCR_8_BITS);
  write(console, Spec.UART_FCR, FIFOS_ON);
  write(console, Spec.UART_MCR, Spec.UART_MCR_DTR | Spec.UART_MCR_RTS | Spec.UART_MCR_OUT2);
  return CONSOLE_OK;
}

/** Waits for a bit of LSR; a stuck device gets one look only. */
function waitFor(console: Console, bit: u32): bool {
  const polls: u32 = console.stuck ? 1 : POLLS_MAX;
  for (let poll: u32 = 0; poll < polls; poll++) {
    const status = read(console, Spec.UART_LSR);
    if (status == ABSENT) break;
    if ((status & bit) == 0) continue;
    console.stuck = 0;
    return true;
  }
  console.stuck = 1;
  return false;
}

export function uartPut(console: Console, byte: u32): u32 {
  if (console.room == 0) {
    if (!waitFor(console, Spec.UART_LSR_THR_EMPTY)) {
      console.lost += 1;
      return CONSOLE_ERROR_TIMEOUT;
    }
    console.room = Spec.UART_FIFO_BYTES;
  }
  console.room -= 1;
  write(console, Spec.UART_DATA, byte);
  return CONSOLE_OK;
}

export function uartFlush(console: Console): u32 {
  if (!waitFor(console, Spec.UART_LSR_EMPTY)) return CONSOLE_ERROR_TIMEOUT;
  console.room = Spec.UART_FIFO_BYTES;
  return CONSOLE_OK;
}

export function uartTake(console: Console): i32 {
  for (let attempt: u32 = 0; attempt < DAMAGED_MAX; attempt++) {
    const status = read(console, Spec.UART_LSR);
    if (status == ABSENT || (status & Spec.UART_LSR_READY) == 0) return CONSOLE_EMPTY;
    const byte = read(console, Spec.UART_DATA);
    if ((status & DAMAGE) == 0) return <i32>byte;
  }
  return CONSOLE_EMPTY;
}
