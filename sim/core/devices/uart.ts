/** 16550 UART (National Semiconductor PC16550D data sheet). */
import { addPorts } from "../bus/bus";
import { consoleWrite } from "../host";
import { DEVICE_UART } from "../kinds";

export function createUart(): void {
  addPorts(DEVICE_UART, 0, 0x3f8, 8);
}

export function uartPortRead(device: u32, offset: u32, bytes: u32): u32 {
  return offset == 5 ? 0x60 : 0;
}

export function uartPortWrite(device: u32, offset: u32, bytes: u32, value: u32): void {
  if (offset == 0) consoleWrite(0, value);
}

export function uartEvent(argument: u32): void {}
