/**
 * 16550 UART (PC16550D data sheet), the first serial port, wired to a terminal that is always there.
 *
 * A byte takes its time on the wire: it goes from the FIFO (or THR) to the shift register when that
 * is free, and reaches the host when its last stop bit has gone, in virtual time. What happened by
 * then is done when a register is accessed, so a program that polls sees exact times, too.
 *
 * One simplification: THRE is not held back by a character time when a single byte passes through
 * the FIFO (data sheet, FIFO interrupt mode operation); drivers see the FIFO empty a little earlier.
 */
import { allocateOne } from "../arena";
import { addPorts } from "../bus/bus";
import { cancelEvent, createEvent, currentTime, NEVER, scheduleAt } from "../events";
import { consoleWrite } from "../host";
import { setLine } from "../interrupts/lines";
import { DEVICE_UART, EVENT_UART } from "../kinds";
import { machine, Ptr } from "../machine";
import { CYCLES_PER_SECOND, GSI_UART, UART_PORT } from "../../spec/platform";
import * as Spec from "../../spec/uart";
import {
  clearTopErrors,
  createRing,
  popEntry,
  pushEntry,
  resetRing,
  topEntry,
  UartRing,
} from "./uart_ring";

const REGISTERS: u32 = 8;
const BREAK_BYTE: u32 = (Spec.UART_LSR_BREAK | Spec.UART_LSR_FRAMING) << 8;
/** Error bits that travel with a received byte, as bits of LSR. */
const BYTE_ERRORS: u32 = Spec.UART_LSR_PARITY | Spec.UART_LSR_FRAMING | Spec.UART_LSR_BREAK;
/** Writable bits of FCR that last: enable, DMA mode, trigger. */
const FCR_KEPT: u32 = 0xc9;
/** A character of time-out: four character times without traffic (data sheet, 8.4). */
const TIMEOUT_CHARACTERS: u64 = 4;
/** The terminal is connected and ready. */
const MODEM_INPUTS: u32 = Spec.UART_MSR_CTS | Spec.UART_MSR_DSR | Spec.UART_MSR_DCD;

@unmanaged
export class Uart {
  divisor: u32;
  interruptEnable: u32;
  fifoControl: u32;
  lineControl: u32;
  modemControl: u32;
  scratch: u32;
  /** Delta bits of MSR. */
  modemDelta: u32;
  overrun: u32;
  /** THR became empty and nobody has taken note of it. */
  transmitInterrupt: u32;
  /** Received bytes wait that are too few to reach the trigger level, for too long. */
  timeout: u32;
  shifting: u32;
  shiftByte: u32;
  /** GSI 4 as last driven. */
  line: u32;
  event: u32;
  /** When the last stop bit of the byte in the shift register is over. */
  shiftDone: u64;
  /** When the time-out falls due; NEVER without bytes. */
  timeoutAt: u64;
  receiver: Ptr<UartRing>;
  transmitter: Ptr<UartRing>;
}

@inline
function uart(): Uart {
  return changetype<Uart>(machine().uart);
}

@inline
function receiver(): UartRing {
  return changetype<UartRing>(uart().receiver);
}

@inline
function transmitter(): UartRing {
  return changetype<UartRing>(uart().transmitter);
}

@inline
function fifoEnabled(): bool {
  return (uart().fifoControl & Spec.UART_FCR_ENABLE) != 0;
}

/** Bytes that the receiver or the transmitter holds beside its shift register. */
@inline
function capacity(): u32 {
  return fifoEnabled() ? Spec.UART_FIFO_BYTES : 1;
}

/** Power-on, as the firmware leaves it: 115,200 baud, 8 bits, no parity, one stop bit. */
export function createUart(): void {
  const state = allocateOne<Uart>();
  machine().uart = changetype<usize>(state);
  state.receiver = changetype<usize>(createRing());
  state.transmitter = changetype<usize>(createRing());
  state.divisor = 1;
  state.lineControl = Spec.UART_LCR_8_BITS;
  state.timeoutAt = NEVER;
  state.event = createEvent(EVENT_UART, 0);
  addPorts(DEVICE_UART, 0, <u16>UART_PORT, REGISTERS);
}

/**
 * Longest time that a guest's character takes to send, in cycles. A guest that polls the line, as the
 * boot log of Linux does, would execute a million instructions a character at its 9,600 baud.
 */
const GUEST_CHARACTER: u64 = 1_000;

/** Time a character takes on the wire, in cycles, rounded up. */
function characterCycles(): u64 {
  const control = uart().lineControl;
  const dataBits = 5 + (control & 3);
  // Stop bits: 1, or 2, or 1.5 with five data bits; counted in halves with the rest.
  let halves = 2 + 2 * dataBits + 2;
  if ((control & Spec.UART_LCR_STOP) != 0) halves += dataBits == 5 ? 1 : 2;
  if ((control & Spec.UART_LCR_PARITY) != 0) halves += 2;
  // A divisor of 0 counts the whole 16-bit range.
  const divisor: u64 = uart().divisor == 0 ? 65_536 : uart().divisor;
  const halvesPerSecond: u64 = 2 * Spec.UART_BAUD;
  return (<u64>halves * divisor * CYCLES_PER_SECOND + halvesPerSecond - 1) / halvesPerSecond;
}

@inline
function wordMask(): u32 {
  return (1 << (5 + (uart().lineControl & 3))) - 1;
}

@inline
function looping(): bool {
  return (uart().modemControl & Spec.UART_MCR_LOOP) != 0;
}

/** Moves the next byte into the shift register at `time`. */
function startShift(time: u64): void {
  const state = uart();
  state.shiftByte = popEntry(transmitter()) & wordMask();
  state.shifting = 1;
  state.shiftDone = time + (machine().guest == 0 ? characterCycles() : min(characterCycles(), GUEST_CHARACTER));
  if (transmitter().count == 0) state.transmitInterrupt = 1;
}

/** The byte in the shift register is out. A line held in the break condition carries none. */
function finishShift(): void {
  const state = uart();
  const time = state.shiftDone;
  state.shifting = 0;
  if ((state.lineControl & Spec.UART_LCR_BREAK) == 0) {
    if (looping()) receive(state.shiftByte, time);
    else consoleWrite(0, state.shiftByte);
  }
  if (transmitter().count != 0) startShift(time);
}

/** Does what happened up to now. */
function synchronize(): void {
  const state = uart();
  const now = currentTime();
  while (state.shifting && state.shiftDone <= now) finishShift();
  if (state.timeoutAt > now) return;
  state.timeoutAt = NEVER;
  state.timeout = 1;
}

/** Drives the line and asks to be called when something happens next. */
function update(): void {
  const state = uart();
  const connected = (state.modemControl & Spec.UART_MCR_OUT2) != 0;
  const level: u32 = connected && interruptSource() != Spec.UART_IIR_NONE ? 1 : 0;
  if (level != state.line) {
    state.line = level;
    setLine(GSI_UART, level != 0);
  }
  const next = min(state.shifting ? state.shiftDone : NEVER, state.timeoutAt);
  if (next == NEVER) cancelEvent(state.event);
  else scheduleAt(state.event, next);
}

/** Puts a byte with its error bits (bits 8-15, as in LSR) into the receiver. */
function receive(entry: u32, time: u64): bool {
  const state = uart();
  const ring = receiver();
  const room = ring.count < capacity();
  if (!room) {
    state.overrun = 1;
    // Without FIFO the new byte takes the old one's place; a FIFO keeps what it has.
    if (!fifoEnabled()) {
      resetRing(ring);
      pushEntry(ring, entry);
    }
  } else pushEntry(ring, entry);
  restartTimeout(time);
  return room;
}

function restartTimeout(time: u64): void {
  const state = uart();
  state.timeout = 0;
  const waits = fifoEnabled() && receiver().count != 0;
  state.timeoutAt = waits ? time + TIMEOUT_CHARACTERS * characterCycles() : NEVER;
}

/**
 * A byte arrives from the terminal; `entry` has it in bits 7-0 and errors of its reception, as bits
 * of LSR (parity, framing, break), in bits 15-8. False when it overran the receiver, or when the
 * UART is in loopback and hears only itself.
 */
export function uartReceive(entry: u32): bool {
  synchronize();
  let taken = false;
  if (!looping()) taken = receive(entry & (wordMask() | (BYTE_ERRORS << 8)), currentTime());
  update();
  return taken;
}

/** Bytes that may arrive before the receiver overruns; none in loopback. Looking changes nothing. */
export function uartRoom(): u32 {
  return looping() ? 0 : capacity() - min(capacity(), receiver().count);
}

export function uartEvent(argument: u32): void {
  synchronize();
  update();
}

/** Bytes at which the receiver interrupts. */
function triggerLevel(): u32 {
  if (!fifoEnabled()) return 1;
  switch (uart().fifoControl >> Spec.UART_FCR_TRIGGER_SHIFT) {
    case 0:
      return 1;
    case 1:
      return 4;
    case 2:
      return 8;
    default:
      return 14;
  }
}

/** IIR code of the most urgent enabled interrupt. */
function interruptSource(): u32 {
  const state = uart();
  const enable = state.interruptEnable;
  const ring = receiver();
  const errors = state.overrun | (topEntry(ring) >> 8);
  if ((enable & Spec.UART_IER_LINE) != 0 && errors != 0) return Spec.UART_IIR_LINE;
  if ((enable & Spec.UART_IER_RECEIVE) != 0) {
    if (ring.count >= triggerLevel()) return Spec.UART_IIR_RECEIVE;
    if (state.timeout) return Spec.UART_IIR_TIMEOUT;
  }
  if ((enable & Spec.UART_IER_TRANSMIT) != 0 && state.transmitInterrupt) return Spec.UART_IIR_TRANSMIT;
  if ((enable & Spec.UART_IER_MODEM) != 0 && state.modemDelta) return Spec.UART_IIR_MODEM;
  return Spec.UART_IIR_NONE;
}

export function uartPortRead(device: u32, offset: u32, bytes: u32): u32 {
  synchronize();
  let value: u32 = 0;
  for (let lane: u32 = 0; lane < bytes; lane++) {
    const byte = offset + lane < REGISTERS ? readRegister(offset + lane) : 0xff;
    value |= byte << (lane << 3);
  }
  update();
  return value;
}

export function uartPortWrite(device: u32, offset: u32, bytes: u32, value: u32): void {
  synchronize();
  for (let lane: u32 = 0; lane < bytes; lane++)
    writeRegister(offset + lane, (value >> (lane << 3)) & 0xff);
  update();
}

@inline
function divisorSelected(): bool {
  return (uart().lineControl & Spec.UART_LCR_DLAB) != 0;
}

function readRegister(register: u32): u32 {
  const state = uart();
  switch (register) {
    case Spec.UART_DATA:
      return divisorSelected() ? state.divisor & 0xff : readData();
    case Spec.UART_IER:
      return divisorSelected() ? state.divisor >> 8 : state.interruptEnable;
    case Spec.UART_IIR:
      return readIdentification();
    case Spec.UART_LCR:
      return state.lineControl;
    case Spec.UART_MCR:
      return state.modemControl;
    case Spec.UART_LSR:
      return readLineStatus();
    case Spec.UART_MSR:
      return readModemStatus();
    default:
      return state.scratch;
  }
}

function writeRegister(register: u32, byte: u32): void {
  const state = uart();
  switch (register) {
    case Spec.UART_DATA:
      if (divisorSelected()) state.divisor = (state.divisor & 0xff00) | byte;
      else writeData(byte);
      break;
    case Spec.UART_IER:
      if (divisorSelected()) state.divisor = (state.divisor & 0xff) | (byte << 8);
      else writeInterruptEnable(byte & 15);
      break;
    case Spec.UART_FCR:
      writeFifoControl(byte);
      break;
    case Spec.UART_LCR:
      writeLineControl(byte);
      break;
    case Spec.UART_MCR:
      writeModemControl(byte & 31);
      break;
    case Spec.UART_SCR:
      state.scratch = byte;
      break;
    default: // LSR and MSR are read-only
  }
}

function readData(): u32 {
  if (receiver().count == 0) return 0;
  const byte = popEntry(receiver()) & 0xff;
  restartTimeout(currentTime());
  return byte;
}

function writeData(byte: u32): void {
  const state = uart();
  const ring = transmitter();
  if (ring.count == capacity()) {
    // A full FIFO drops the byte; without FIFO it takes the place of the one that waits.
    if (fifoEnabled()) return;
    resetRing(ring);
  }
  pushEntry(ring, byte);
  state.transmitInterrupt = 0;
  if (!state.shifting) startShift(currentTime());
}

/** Enabling the transmitter interrupt while THR is empty raises it at once. */
function writeInterruptEnable(enable: u32): void {
  const state = uart();
  const enabled = enable & ~state.interruptEnable;
  state.interruptEnable = enable;
  if ((enabled & Spec.UART_IER_TRANSMIT) != 0 && transmitter().count == 0) state.transmitInterrupt = 1;
}

function readIdentification(): u32 {
  const source = interruptSource();
  if (source == Spec.UART_IIR_TRANSMIT) uart().transmitInterrupt = 0;
  return source | (fifoEnabled() ? Spec.UART_IIR_FIFO : 0);
}

/** The other bits are taken only together with the enable bit, and a change of it clears both. */
function writeFifoControl(byte: u32): void {
  const state = uart();
  const enable = byte & Spec.UART_FCR_ENABLE;
  let clear = byte & (Spec.UART_FCR_CLEAR_RECEIVE | Spec.UART_FCR_CLEAR_TRANSMIT);
  if (enable != (state.fifoControl & Spec.UART_FCR_ENABLE))
    clear = Spec.UART_FCR_CLEAR_RECEIVE | Spec.UART_FCR_CLEAR_TRANSMIT;
  else if (!enable) clear = 0;
  state.fifoControl = enable ? byte & FCR_KEPT : 0;
  if ((clear & Spec.UART_FCR_CLEAR_RECEIVE) != 0) {
    resetRing(receiver());
    restartTimeout(0);
  }
  if ((clear & Spec.UART_FCR_CLEAR_TRANSMIT) != 0 && transmitter().count != 0) {
    resetRing(transmitter());
    state.transmitInterrupt = 1;
  }
}

function writeLineControl(byte: u32): void {
  const state = uart();
  const rising = byte & ~state.lineControl;
  state.lineControl = byte;
  if ((rising & Spec.UART_LCR_BREAK) != 0 && looping()) receive(BREAK_BYTE, currentTime());
}

/** Reading clears the errors: the overrun and those of the byte at the top. */
function readLineStatus(): u32 {
  const state = uart();
  const ring = receiver();
  let status: u32 = ring.count != 0 ? Spec.UART_LSR_READY : 0;
  if (state.overrun) status |= Spec.UART_LSR_OVERRUN;
  if (fifoEnabled() && ring.errors != 0) status |= Spec.UART_LSR_FIFO_ERROR;
  status |= topEntry(ring) >> 8;
  if (transmitter().count == 0) {
    status |= Spec.UART_LSR_THR_EMPTY;
    if (!state.shifting) status |= Spec.UART_LSR_EMPTY;
  }
  state.overrun = 0;
  clearTopErrors(ring);
  return status;
}

/** In loopback the outputs are the inputs: RTS is CTS, DTR is DSR, OUT1 is RI, OUT2 is DCD. */
function modemStatus(): u32 {
  if (!looping()) return MODEM_INPUTS;
  const control = uart().modemControl;
  return (
    ((control & Spec.UART_MCR_RTS) != 0 ? Spec.UART_MSR_CTS : 0) |
    ((control & Spec.UART_MCR_DTR) != 0 ? Spec.UART_MSR_DSR : 0) |
    ((control & Spec.UART_MCR_OUT1) != 0 ? Spec.UART_MSR_RI : 0) |
    ((control & Spec.UART_MCR_OUT2) != 0 ? Spec.UART_MSR_DCD : 0)
  );
}

function writeModemControl(byte: u32): void {
  const state = uart();
  const before = modemStatus();
  state.modemControl = byte;
  const after = modemStatus();
  // The delta bits stand 4 below their inputs; TERI notes only the trailing edge of RI.
  const changed = (before ^ after) & ~(after & Spec.UART_MSR_RI);
  state.modemDelta |= changed >> 4;
}

function readModemStatus(): u32 {
  const status = modemStatus() | uart().modemDelta;
  uart().modemDelta = 0;
  return status;
}
