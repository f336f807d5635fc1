/** Console operations for the tests: a = port, b = bytes to send; c says how many were lost. */
import { pointer } from "../memory";
import {
  Console,
  CONSOLE_DRIVER_UART,
  CONSOLE_EMPTY,
  CONSOLE_OK,
  consoleFlush,
  consolePut,
  consoleStart,
  consoleTake,
} from "../console";
import { portWrite8 } from "../x86_64/machine";
import {
  UART_IER,
  UART_LCR,
  UART_LCR_8_BITS,
  UART_LCR_DLAB,
  UART_MCR,
  UART_MCR_LOOP,
} from "../../sim/spec/uart";
import { Mailbox } from "./mailbox";

const STATE: u64 = 0x1_0000;
const OPERATION_SEND: u32 = 0x30;
/** The same with the slowest divisor, 5.7 s a byte: a device that is as good as dead. */
const OPERATION_SEND_STUCK: u32 = 0x31;
/** In loopback: a becomes the bytes received, b of them at most, the first lowest. */
const OPERATION_LOOP: u32 = 0x32;

export function testConsole(box: Mailbox): void {
  const console = changetype<Console>(pointer(STATE));
  const port = <u32>box.a;
  box.result = consoleStart(console, CONSOLE_DRIVER_UART, port);
  if (box.operation == OPERATION_SEND_STUCK) {
    portWrite8(port + UART_LCR, UART_LCR_DLAB);
    portWrite8(port + UART_IER, 0xff);
    portWrite8(port + UART_LCR, UART_LCR_8_BITS);
  }
  if (box.operation == OPERATION_LOOP) portWrite8(port + UART_MCR, UART_MCR_LOOP);
  for (let index: u64 = 0; index < box.b; index++) {
    const error = consolePut(console, <u32>(index % 26) + 0x61);
    if (box.result == CONSOLE_OK) box.result = error;
  }
  const flushed = consoleFlush(console);
  if (box.result == CONSOLE_OK) box.result = flushed;
  box.c = console.lost;
  if (box.operation == OPERATION_LOOP) takeAll(console, box);
}

function takeAll(console: Console, box: Mailbox): void {
  box.a = 0;
  for (let index: u64 = 0; index < box.b; index++) {
    const byte = consoleTake(console);
    if (byte == CONSOLE_EMPTY) return;
    box.a |= <u64>byte << (index << 3);
  }
}
