/**
 * The network controller. The kernel has the first one that it finds, and moves frames between it and
 * links (link.ts): it knows addresses, and nothing of what is in a frame.
 *
 * An interrupt takes at most NETWORK_STEP frames; if there may be more, the CPU sends itself another
 * one, so that no entry is long. Only the CPU that has dealt with the controller last looks after its
 * deadline.
 */
import { interruptsSend } from "../../hal/interrupts";
import {
  NIC_ERROR_BUSY,
  NIC_FAILED,
  NIC_FRAME_MAX,
  NIC_OK,
  NIC_READY,
  nicAdvance,
  NicController,
  nicInterrupt,
  nicReceive,
  nicRelease,
  nicSend,
} from "../../hal/nic";
import { Timer } from "../../hal/timer";
import { interruptController } from "../boot/interrupts";
import { print, printDecimal, printLine } from "../console";
import { kernelCpu } from "../cpu/cpu";
import { VECTOR_NETWORK, VECTORS_NETWORK } from "../cpu/vector_numbers";
import { LINKS_MAX, NETWORK_STEP } from "../limits";
import { kernel, Ptr, rootAllocate } from "../state";
import { STATUS_FULL, STATUS_NO_DEVICE, STATUS_OK } from "../syscall/status";
import { NEVER, now } from "../time";
import { Link, linkDeliver } from "./link";

/** Which of the controller's vectors tells of frames that came. */
const RECEIVE: u32 = 1;

@unmanaged
export class Network {
  /** 0 when the machine has no controller that can be driven. */
  nic: Ptr<NicController>;
  /** LINKS_MAX entries. */
  links: Ptr<Link>;
  /** Linear address of a frame on its way out, NIC_FRAME_MAX bytes. */
  frame: usize;
  /** CPU that looks after the controller's deadline. */
  cpu: u32;
  /** 1 once the console was told that the controller has failed. */
  reported: u32;
  /** Frames that became messages, and frames for nobody or without room. */
  delivered: u64;
  dropped: u64;
}

@inline
export function network(): Network {
  return changetype<Network>(kernel().network);
}

@inline
function controller(): NicController {
  return changetype<NicController>(network().nic);
}

export function createNetwork(): void {
  kernel().network = rootAllocate(offsetof<Network>());
  network().links = rootAllocate(<usize>LINKS_MAX * offsetof<Link>());
  network().frame = rootAllocate(NIC_FRAME_MAX);
}

/** Whether frames can be sent now (STATUS_OK), later (FULL: the controller starts), or never (NO_DEVICE). */
export function networkStatus(): u32 {
  if (network().nic == 0 || controller().state == NIC_FAILED) return STATUS_NO_DEVICE;
  return controller().state == NIC_READY ? STATUS_OK : STATUS_FULL;
}

/** Sends the first `bytes` bytes of `Network.frame`; a status as networkStatus, FULL also without a buffer. */
export function networkSend(bytes: u32): u32 {
  const sent = nicSend(controller(), network().frame, bytes, now());
  watch();
  if (sent == NIC_OK) return STATUS_OK;
  return sent == NIC_ERROR_BUSY ? STATUS_FULL : networkStatus();
}

/** A vector fired; whether it is the controller's. */
export function networkInterrupt(vector: u32): bool {
  const offset = vector - VECTOR_NETWORK;
  if (offset >= <u32>VECTORS_NETWORK || kernel().network == 0 || network().nic == 0) return false;
  nicInterrupt(controller(), offset, now());
  takeFrames();
  watch();
  return true;
}

/** The controller's deadline is past. */
export function networkTimer(): void {
  nicAdvance(controller(), now());
  takeFrames();
  watch();
}

function takeFrames(): void {
  const nic = controller();
  for (let taken: u32 = 0; taken < NETWORK_STEP; taken++) {
    const frame = nicReceive(nic);
    if (frame == 0) return;
    linkDeliver(frame, nic.frameBytes);
    nicRelease(nic);
  }
  interruptsSend(interruptController(), kernelCpu(kernel().entered).apicId, VECTOR_NETWORK + RECEIVE);
}

/** When CPU `cpu` has to look at the controller, ns; NEVER when it needn't. */
@inline
export function networkDeadline(cpu: u32): u64 {
  if (kernel().network == 0 || network().nic == 0 || network().cpu != cpu) return NEVER;
  return controller().deadline;
}

/** The running CPU looks after the controller's deadline from now on. */
function watch(): void {
  const cpu = kernelCpu(kernel().entered);
  network().cpu = cpu.index;
  // The timer is set when the CPU chooses.
  if (controller().deadline < changetype<Timer>(cpu.timer).deadline) cpu.reschedule = 1;
  if (controller().state == NIC_FAILED) report();
}

function report(): void {
  if (network().reported != 0) return;
  network().reported = 1;
  print("network: the controller has failed (");
  printDecimal(controller().error);
  printLine(")");
}
