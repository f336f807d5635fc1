/**
 * A network controller for the tests: a CPU that never halts serves it with the real driver.
 *
 * The test writes a command into the box and runs the machine; received frames are copied to a list
 * in RAM, one behind the other, each as its length (u32) and its bytes in a slot of 2 KiB.
 */
import {
  NicController,
  nicAdvance,
  nicInterrupt,
  nicReceive,
  nicRelease,
  nicSend,
  nicStart,
} from "../nic";
import { pointer } from "../memory";
import { pause, timestamp } from "../x86_64/machine";

/** Physical address: low RAM that nothing else uses. */
export const NIC_BOX_ADDRESS: u64 = 0xc000;

const COMMAND_START: u32 = 1;
const COMMAND_SEND: u32 = 2;
const SLOT_BYTES: usize = 2048;
const VECTORS: u32 = 3;

@unmanaged
export class NicBox {
  /** The test uses this box. */
  active: u32;
  /** COMMAND_ constant; 0 again when it has been carried out. */
  command: u32;
  /** SEND: the length of the frame at `frame`, and what came of it. */
  bytes: u32;
  result: u32;
  driver: u32;
  vectors: u32;
  /** Frames put into the list at `received`. */
  count: u32;
  reserved: u32;
  configuration: u64;
  /** Physical addresses: the driver's memory, the frame to send, the list, the interrupt words. */
  memory: u64;
  frame: u64;
  received: u64;
  words: u64;
}

/** Serves the box once; false when the test does not use it. */
export function serveNicBox(): bool {
  const box = changetype<NicBox>(pointer(NIC_BOX_ADDRESS));
  if (box.active == 0) return false;
  const nic = changetype<NicController>(pointer(box.memory));
  const command = box.command;
  if (command == COMMAND_START) start(box, nic);
  else if (command == COMMAND_SEND)
    box.result = nicSend(nic, pointer(box.frame), box.bytes, timestamp());
  box.command = 0;
  if (nic.driver != 0) serve(box, nic);
  pause();
  return true;
}

function start(box: NicBox, nic: NicController): void {
  nic.driver = box.driver;
  nic.configuration = box.configuration;
  nic.memory = box.memory;
  nic.vectors = box.vectors;
  nicStart(nic, timestamp());
}

function serve(box: NicBox, nic: NicController): void {
  for (let vector: u32 = 0; vector < VECTORS; vector++) {
    const word = pointer(box.words) + (vector << 2);
    if (load<u32>(word) == 0) continue;
    store<u32>(word, 0);
    nicInterrupt(nic, vector, timestamp());
  }
  const now = timestamp();
  if (now >= nic.deadline) nicAdvance(nic, now);
  for (let frame = nicReceive(nic); frame != 0; frame = nicReceive(nic)) {
    const slot = pointer(box.received) + <usize>box.count * SLOT_BYTES;
    store<u32>(slot, nic.frameBytes);
    memory.copy(slot + 4, frame, nic.frameBytes);
    box.count += 1;
    nicRelease(nic);
  }
}
