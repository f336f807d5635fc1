/** The interrupt controllers' driver, for hal/interrupts.test.ts. */
import { IOAPIC_BASE } from "../../sim/spec/platform";
import {
  CpuStartup,
  InterruptController,
  interruptsCpu,
  interruptsMessageAddress,
  interruptsMessageData,
  interruptsRoute,
  interruptsSend,
  interruptsSendNmi,
  interruptsSendOthers,
  interruptsStart,
  LINE_ACTIVE_LOW,
  LINE_LEVEL,
  startupAdvance,
  startupBegin,
  STARTUP_SECOND,
} from "../interrupts";
import { pointer } from "../memory";
import { timestamp } from "../x86_64/machine";
import { Mailbox } from "./mailbox";

const CONTROLLER_AT: u64 = 0x9000;
const STARTUP_AT: u64 = 0x9100;
const START: u32 = 0x50;
const ROUTE: u32 = 0x51;
const SEND: u32 = 0x52;
const SEND_OTHERS: u32 = 0x53;
const SEND_NMI: u32 = 0x54;
const MESSAGE: u32 = 0x55;
const STARTUP: u32 = 0x56;
/** Longest wait of the startup sequence is 10 ms at 20 ns a look. */
const LOOKS_MAX: u32 = 1_000_000;

/** Starts the controllers, driver c (0 = the best); then does what the operation says with a and b. */
export function testInterrupts(box: Mailbox): void {
  const controller = changetype<InterruptController>(pointer(CONTROLLER_AT));
  controller.driver = <u32>box.c;
  const result = interruptsStart(controller, IOAPIC_BASE, 0, 0x20, 0xff, 0xfe);
  const a = <u32>box.a;
  const b = <u32>box.b;
  switch (box.operation) {
    case START:
      box.result = <u64>result | ((<u64>interruptsCpu(controller)) << 32);
      break;
    case ROUTE:
      box.result = interruptsRoute(controller, a, 1, b, LINE_LEVEL | LINE_ACTIVE_LOW);
      break;
    case SEND:
      box.result = interruptsSend(controller, a, b);
      break;
    case SEND_OTHERS:
      box.result = interruptsSendOthers(controller, b);
      break;
    case SEND_NMI:
      box.result = interruptsSendNmi(controller, a);
      break;
    case MESSAGE:
      box.result = interruptsMessageAddress(a) | ((<u64>interruptsMessageData(b)) << 32);
      break;
    case STARTUP:
      box.result = startup(controller, a, box.b);
      break;
    default:
  }
}

/** Goes through the sequence; returns its state, or the error << 32. */
function startup(controller: InterruptController, cpu: u32, entry: u64): u64 {
  const sequence = changetype<CpuStartup>(pointer(STARTUP_AT));
  const result = startupBegin(controller, sequence, cpu, entry, timestamp());
  if (result != 0) return (<u64>result) << 32;
  for (let n: u32 = 0; n < LOOKS_MAX && sequence.state != STARTUP_SECOND; n++)
    startupAdvance(controller, sequence, timestamp());
  return sequence.state;
}
