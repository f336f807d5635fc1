/**
 * Block devices for the tests: a CPU that never halts serves one controller with the real driver.
 *
 * The test writes requests into RAM, a command into the box, and runs the machine until the box
 * says done. Interrupts are messages into RAM words, one a vector, which the CPU looks at: what the
 * controller sends is the same, and no interrupt controller has a part in it.
 */
import {
  blockAdvance,
  blockAttach,
  BlockController,
  blockDeviceAt,
  blockInterrupt,
  blockPoll,
  BlockRequest,
  blockStart,
  blockStop,
  blockSubmit,
  blockTake,
} from "../block";
import { pointer } from "../memory";
import { pause, timestamp } from "../x86_64/machine";

/** Physical address: low RAM that nothing else uses. */
export const BLOCK_BOX_ADDRESS: u64 = 0xe000;

/** The box is in use: "BLOK". */
const ACTIVE: u32 = 0x4b4f_4c42;
const COMMAND_NONE: u32 = 0;
const COMMAND_START: u32 = 1;
const COMMAND_SUBMIT: u32 = 2;
const COMMAND_STOP: u32 = 3;

@unmanaged
export class BlockBox {
  /** ACTIVE when the test uses this box. */
  active: u32;
  /** COMMAND_ constant; 0 again when it has been carried out. */
  command: u32;
  driver: u32;
  vectors: u32;
  queues: u32;
  /** Requests finished, in all. */
  finished: u32;
  registers: u64;
  /** Physical addresses: the driver's memory, the requests, the interrupt words. */
  memory: u64;
  requests: u64;
  words: u64;
  timeoutNs: u64;
  /** SUBMIT: so many requests, for this device, from this CPU on. */
  count: u32;
  device: u32;
  cpu: u32;
  /** The test keeps the CPU from looking at interrupts, deadlines and completions. */
  paused: u32;
}

/** Serves the box once; false when the test does not use it. */
export function serveBlockBox(): bool {
  const box = changetype<BlockBox>(pointer(BLOCK_BOX_ADDRESS));
  if (box.active != ACTIVE) return false;
  const controller = changetype<BlockController>(pointer(box.memory));
  const command = box.command;
  box.command = COMMAND_NONE;
  if (command == COMMAND_START) start(box);
  else if (command == COMMAND_STOP) blockStop(controller, timestamp());
  else if (command == COMMAND_SUBMIT) submit(box, controller);
  if (controller.driver != 0 && box.paused == 0) serve(box, controller);
  pause();
  return true;
}

function start(box: BlockBox): void {
  const controller = blockAttach(box.driver, box.memory);
  controller.registers = box.registers;
  controller.vectors = box.vectors;
  controller.queuesWanted = box.queues;
  controller.timeoutNs = box.timeoutNs;
  blockStart(controller, timestamp());
}

/** A request that is refused has its error in `status`. */
function submit(box: BlockBox, controller: BlockController): void {
  const device = blockDeviceAt(controller, box.device);
  for (let index: u32 = 0; index < box.count; index++) {
    const at = pointer(box.requests) + index * offsetof<BlockRequest>();
    const request = changetype<BlockRequest>(at);
    const status = blockSubmit(device, request, box.cpu + index, timestamp());
    if (status == 0) continue;
    request.status = status;
    box.finished += 1;
  }
}

function serve(box: BlockBox, controller: BlockController): void {
  for (let vector: u32 = 0; vector < box.vectors; vector++) {
    const word = pointer(box.words) + (vector << 2);
    if (load<u32>(word) == 0) continue;
    store<u32>(word, 0);
    blockInterrupt(controller, vector, timestamp());
  }
  if (box.vectors == 0) blockPoll(controller, timestamp());
  const now = timestamp();
  if (now >= controller.deadline) blockAdvance(controller, now);
  while (blockTake(controller) != 0) box.finished += 1;
}
