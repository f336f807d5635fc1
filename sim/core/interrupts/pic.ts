/** The pair of 8259A interrupt controllers and their edge/level registers (Intel 8259A data sheet). */
import { allocateMany } from "../arena";
import { addPorts } from "../bus/bus";
import { DEVICE_PIC } from "../kinds";
import { machine } from "../machine";
import { PIC_EDGE_PORT, PIC_MASTER_PORT, PIC_SLAVE_PORT } from "../../spec/platform";
import {
  ICW1_ICW4,
  ICW1_INIT,
  ICW1_LEVEL,
  ICW1_SINGLE,
  ICW4_AUTO_EOI,
  ICW4_FULLY_NESTED,
  OCW2_EOI,
  OCW2_ROTATE_AUTO_CLEAR,
  OCW2_ROTATE_AUTO_SET,
  OCW2_ROTATE_EOI,
  OCW2_ROTATE_SPECIFIC_EOI,
  OCW2_SET_PRIORITY,
  OCW2_SPECIFIC_EOI,
  OCW3,
  OCW3_POLL,
  OCW3_READ,
  OCW3_READ_ISR,
  OCW3_SPECIAL_MASK,
  OCW3_SPECIAL_MASK_ENABLE,
  PIC_CASCADE_IRQ,
  PIC_EDGE_MASTER_MASK,
  PIC_EDGE_SLAVE_MASK,
} from "../../spec/pic";
import { ioapicLine } from "./ioapic";
import { setLint0 } from "./local";

const MASTER: u32 = 0;
const SLAVE: u32 = 1;
/** Value of the `device` parameter for the edge/level ports. */
const EDGE_PORTS: u32 = 2;
const CASCADE_BIT: u32 = (<u32>1) << PIC_CASCADE_IRQ;
/** A request on input 7 that isn't there: the default interrupt. */
const SPURIOUS_IRQ: u32 = 7;
const NO_REQUEST: u32 = 8;
const POLL_REQUEST: u32 = 0x80;

@unmanaged
export class Pic {
  index: u32;
  /** Levels of the inputs, and the requests that they have made. */
  lines: u32;
  irr: u32;
  isr: u32;
  imr: u32;
  /** ELCR: 1 = level triggered. */
  elcr: u32;
  vectorBase: u32;
  /** The initialisation word that is expected next (2-4), or 0. */
  initStep: u32;
  icw1: u32;
  icw4: u32;
  /** The input with the lowest priority; the one behind it has the highest. */
  lowest: u32;
  rotateAutoEoi: u32;
  specialMask: u32;
  readIsr: u32;
  /** The next read is an acknowledge. */
  poll: u32;
  /** Level of the INT output. */
  output: u32;
}

@inline
function picAt(index: u32): Pic {
  return changetype<Pic>(machine().pic + <usize>index * offsetof<Pic>());
}

/** Both chips come up with all inputs masked, as firmware leaves them. */
export function createPics(): void {
  machine().pic = allocateMany<Pic>(2);
  for (let index: u32 = 0; index < 2; index++) {
    const pic = picAt(index);
    pic.index = index;
    pic.imr = 0xff;
    pic.lowest = 7;
  }
  addPorts(DEVICE_PIC, MASTER, <u16>PIC_MASTER_PORT, 2);
  addPorts(DEVICE_PIC, SLAVE, <u16>PIC_SLAVE_PORT, 2);
  addPorts(DEVICE_PIC, EDGE_PORTS, <u16>PIC_EDGE_PORT, 2);
}

/** Of the inputs in `bits`, the one with the highest priority, or NO_REQUEST. */
function highest(pic: Pic, bits: u32): u32 {
  const first = (pic.lowest + 1) & 7;
  const turned = ((bits >> first) | (bits << (8 - first))) & 0xff;
  return turned == 0 ? NO_REQUEST : (<u32>ctz(turned) + first) & 7;
}

/** Distance of an input from the highest priority: 0-7, 8 for none. */
@inline
function rank(pic: Pic, irq: u32): u32 {
  return irq == NO_REQUEST ? 8 : (irq - pic.lowest - 1) & 7;
}

/** In-service inputs that keep others out. */
function blocking(pic: Pic): u32 {
  let bits = pic.isr;
  if (pic.specialMask) bits &= ~pic.imr;
  // Special fully nested: the slave's input doesn't block itself.
  if (pic.index == MASTER && pic.icw4 & ICW4_FULLY_NESTED) bits &= ~CASCADE_BIT;
  return bits;
}

/** The request that the chip would have acknowledged next, or NO_REQUEST. */
function pendingRequest(pic: Pic): u32 {
  const request = highest(pic, pic.irr & ~pic.imr);
  return rank(pic, request) < rank(pic, highest(pic, blocking(pic))) ? request : NO_REQUEST;
}

@inline
function isLevel(pic: Pic, irq: u32): bool {
  return (pic.icw1 & ICW1_LEVEL) != 0 || ((pic.elcr >> irq) & 1) != 0;
}

/**
 * Changes an input. An edge stays requested after the line has dropped: pulses have no width in
 * virtual time, so the data sheet's rule that the line be held until the acknowledge can't be kept.
 */
function setInput(pic: Pic, irq: u32, level: bool): void {
  const bit = (<u32>1) << irq;
  const rising = level && !(pic.lines & bit);
  pic.lines = level ? pic.lines | bit : pic.lines & ~bit;
  if (isLevel(pic, irq)) pic.irr = level ? pic.irr | bit : pic.irr & ~bit;
  else if (rising) pic.irr |= bit;
}

/** Carries the outputs on: slave to master, master to the CPUs and to the I/O APIC's input 0. */
function updateOutputs(): void {
  const slave = picAt(SLAVE);
  slave.output = pendingRequest(slave) != NO_REQUEST ? 1 : 0;
  const master = picAt(MASTER);
  setInput(master, PIC_CASCADE_IRQ, slave.output != 0);
  const output: u32 = pendingRequest(master) != NO_REQUEST ? 1 : 0;
  if (output == master.output) return;
  master.output = output;
  setLint0(output != 0);
  ioapicLine(0, output != 0);
}

/** Drives ISA interrupt `irq` (0-15); 2 is the cascade and has no line. */
export function picLine(irq: u32, level: bool): void {
  if (irq == PIC_CASCADE_IRQ) return;
  setInput(picAt(irq >> 3), irq & 7, level);
  updateOutputs();
}

/** Moves a request into service; with automatic end of interrupt it is over at once. */
function serve(pic: Pic, irq: u32): void {
  const bit = (<u32>1) << irq;
  if (!isLevel(pic, irq)) pic.irr &= ~bit;
  if (!(pic.icw4 & ICW4_AUTO_EOI)) pic.isr |= bit;
  else if (pic.rotateAutoEoi) pic.lowest = irq;
}

/** Acknowledges one chip; returns the input, the default one when nothing is requested any more. */
function acknowledge(pic: Pic): u32 {
  const irq = pendingRequest(pic);
  if (irq == NO_REQUEST) return SPURIOUS_IRQ;
  serve(pic, irq);
  return irq;
}

/** The acknowledge cycle of the pair: returns the vector, that of IRQ 7 or 15 when spurious. */
export function picAcknowledge(): u32 {
  const master = picAt(MASTER);
  const irq = pendingRequest(master);
  let vector: u32;
  if (irq == PIC_CASCADE_IRQ && !(master.icw1 & ICW1_SINGLE)) {
    const slave = picAt(SLAVE);
    serve(master, irq);
    vector = slave.vectorBase + acknowledge(slave);
  } else vector = master.vectorBase + acknowledge(master);
  updateOutputs();
  return vector;
}

/** ICW1 restarts the chip: requests, masks and priorities fall back, edges must come anew. */
function startInit(pic: Pic, value: u32): void {
  pic.icw1 = value;
  pic.initStep = 2;
  pic.isr = 0;
  pic.imr = 0;
  pic.lowest = 7;
  pic.specialMask = 0;
  pic.readIsr = 0;
  pic.poll = 0;
  pic.rotateAutoEoi = 0;
  if (!(value & ICW1_ICW4)) pic.icw4 = 0;
  const levels: u32 = value & ICW1_LEVEL ? 0xff : pic.elcr;
  pic.irr = pic.lines & levels;
}

/** ICW2-ICW4, in the order that ICW1 asked for. ICW3 only repeats how the chips are wired. */
function continueInit(pic: Pic, value: u32): void {
  const last: u32 = pic.icw1 & ICW1_ICW4 ? 4 : 0;
  switch (pic.initStep) {
    case 2:
      pic.vectorBase = value & 0xf8;
      pic.initStep = pic.icw1 & ICW1_SINGLE ? last : 3;
      break;
    case 3:
      pic.initStep = last;
      break;
    default:
      pic.icw4 = value;
      pic.initStep = 0;
  }
}

function endOfInterrupt(pic: Pic, irq: u32, rotate: bool): void {
  if (irq == NO_REQUEST) return;
  pic.isr &= ~((<u32>1) << irq);
  if (rotate) pic.lowest = irq;
}

function writeCommand2(pic: Pic, value: u32): void {
  const level = value & 7;
  switch (value & 0xe0) {
    case OCW2_EOI:
    case OCW2_ROTATE_EOI: {
      // In special mask mode a masked input is not ended by a command that names none.
      const ends = pic.specialMask ? pic.isr & ~pic.imr : pic.isr;
      endOfInterrupt(pic, highest(pic, ends), (value & 0xe0) == OCW2_ROTATE_EOI);
      break;
    }
    case OCW2_SPECIFIC_EOI:
    case OCW2_ROTATE_SPECIFIC_EOI:
      endOfInterrupt(pic, level, (value & 0xe0) == OCW2_ROTATE_SPECIFIC_EOI);
      break;
    case OCW2_SET_PRIORITY:
      pic.lowest = level;
      break;
    case OCW2_ROTATE_AUTO_SET:
      pic.rotateAutoEoi = 1;
      break;
    case OCW2_ROTATE_AUTO_CLEAR:
      pic.rotateAutoEoi = 0;
      break;
    default: // 010: no operation
  }
}

function writeCommand3(pic: Pic, value: u32): void {
  if (value & OCW3_SPECIAL_MASK_ENABLE) pic.specialMask = value & OCW3_SPECIAL_MASK ? 1 : 0;
  if (value & OCW3_READ) pic.readIsr = value & OCW3_READ_ISR;
  pic.poll = value & OCW3_POLL ? 1 : 0;
}

function writeByte(pic: Pic, offset: u32, value: u32): void {
  if (offset == 0) {
    if (value & ICW1_INIT) startInit(pic, value);
    else if (value & OCW3) writeCommand3(pic, value);
    else writeCommand2(pic, value);
  } else if (pic.initStep != 0) continueInit(pic, value);
  else pic.imr = value;
  updateOutputs();
}

/** A poll is an acknowledge cycle by reading: bit 7 says that there was a request, 2-0 which. */
function readPoll(pic: Pic): u32 {
  pic.poll = 0;
  const irq = pendingRequest(pic);
  if (irq == NO_REQUEST) return 0;
  serve(pic, irq);
  updateOutputs();
  return POLL_REQUEST | irq;
}

function readByte(pic: Pic, offset: u32): u32 {
  if (pic.poll) return readPoll(pic);
  if (offset != 0) return pic.imr;
  return pic.readIsr ? pic.isr : pic.irr;
}

/** Turning an input to level makes its present level the request. */
function writeEdgeLevel(index: u32, value: u32): void {
  const pic = picAt(index);
  const before = pic.elcr;
  pic.elcr = value & (index == MASTER ? PIC_EDGE_MASTER_MASK : PIC_EDGE_SLAVE_MASK);
  const turned = pic.elcr & ~before;
  pic.irr = (pic.irr & ~turned) | (pic.lines & turned);
  updateOutputs();
}

/** Ports are bytes: a wider access is one for each of the pair, and finds nobody beyond. */
export function picPortRead(device: u32, offset: u32, bytes: u32): u32 {
  let value: u32 = 0xffff_ffff;
  for (let n: u32 = 0; n < bytes && offset + n < 2; n++) {
    const port = offset + n;
    const byte = device == EDGE_PORTS ? picAt(port).elcr : readByte(picAt(device), port);
    value = (value & ~((<u32>0xff) << (n << 3))) | (byte << (n << 3));
  }
  return value;
}

export function picPortWrite(device: u32, offset: u32, bytes: u32, value: u32): void {
  for (let n: u32 = 0; n < bytes && offset + n < 2; n++) {
    const port = offset + n;
    const byte = (value >> (n << 3)) & 0xff;
    if (device == EDGE_PORTS) writeEdgeLevel(port, byte);
    else writeByte(picAt(device), port, byte);
  }
}
