/** The network controller: a virtio network device (Virtio 1.2, 5.1) with one pair of queues. */
import { allocate, allocateMany, allocateOne } from "../../arena";
import { cancelEvent, createEvent, eventScheduled, scheduleIn } from "../../events";
import { takeFault } from "../../faults";
import { frameSend } from "../../host";
import { EVENT_NIC } from "../../kinds";
import { machine, Ptr } from "../../machine";
import { trace } from "../../trace";
import { FAULT_ERROR, FAULT_INTERRUPT_SPURIOUS, FAULT_TIMEOUT } from "../../../spec/faults";
import { TRACE_FRAME } from "../../../spec/trace";
import {
  F_ACCESS_PLATFORM,
  F_EVENT_IDX,
  F_INDIRECT_DESC,
  F_VERSION_1,
  FRAME_BYTES_MAX,
  FRAME_BYTES_MIN,
  NET_F_MAC,
  NET_F_STATUS,
  NET_HEADER_BUFFERS,
  NET_HEADER_BYTES,
  NET_QUEUE_RECEIVE,
  NET_QUEUE_TRANSMIT,
  NET_STATUS_LINK_UP,
} from "../../../spec/virtio";
import {
  Chain,
  CHAIN_BROKEN,
  CHAIN_NONE,
  copyChain,
  createChain,
  queueNext,
  queueUsed,
  VirtQueue,
  wantNotification,
  wantsInterrupt,
} from "./queue";
import {
  accepts,
  failDevice,
  isLive,
  queueAt,
  requesterOf,
  signalNothing,
  signalQueue,
  VirtioDevice,
} from "./transport";

/** From a notification to the first frame. A byte takes a cycle on the wire: 8 Gbit/s. */
const NOTIFY_CYCLES: u64 = 1_000;
/** Frames sent in one event. */
const FRAMES_PER_EVENT: u32 = 16;
const NET_QUEUES: u32 = 2;

const OFFERED: u64 =
  (<u64>1 << NET_F_MAC) |
  (<u64>1 << NET_F_STATUS) |
  (<u64>1 << F_INDIRECT_DESC) |
  (<u64>1 << F_EVENT_IDX) |
  (<u64>1 << F_VERSION_1) |
  (<u64>1 << F_ACCESS_PLATFORM);

@unmanaged
export class Nic {
  device: Ptr<VirtioDevice>;
  chain: Ptr<Chain>;
  /** MAC address, then link status, as the configuration structure shows them. */
  config: u64;
  sendEvent: u32;
  buffer: usize;
  framesSent: u64;
  framesReceived: u64;
  /** Sent by the driver, but no frame: too short or too long. */
  framesMalformed: u64;
  /** Came from the host when there was no buffer that holds them, or no driver. */
  framesDropped: u64;
}

@inline
export function nic(): Nic {
  return changetype<Nic>(machine().nic);
}

@inline
export function nicDevice(): VirtioDevice {
  return changetype<VirtioDevice>(nic().device);
}

/** Reserves the controller's state; `address` is its MAC, first byte lowest. */
export function createNicState(address: u64): VirtioDevice {
  const state = allocateOne<Nic>();
  machine().nic = changetype<usize>(state);
  const device = allocateOne<VirtioDevice>();
  state.device = changetype<usize>(device);
  const chain = allocateOne<Chain>();
  state.chain = changetype<usize>(chain);
  createChain(chain);
  state.config = (address & 0xffff_ffff_ffff) | (<u64>NET_STATUS_LINK_UP << 48);
  state.buffer = allocate(NET_HEADER_BYTES + FRAME_BYTES_MAX);
  state.sendEvent = createEvent(EVENT_NIC, 0);
  device.offered = OFFERED;
  device.queueCount = NET_QUEUES;
  device.queues = allocateMany<VirtQueue>(NET_QUEUES);
  return device;
}

/** The driver notified queue `queue`. Receive buffers are looked for when a frame comes. */
export function nicNotified(queue: u32): void {
  if (queue == NET_QUEUE_TRANSMIT) wake(NOTIFY_CYCLES);
}

function wake(cycles: u64): void {
  const slot = nic().sendEvent;
  if (!eventScheduled(slot)) scheduleIn(slot, cycles);
}

/** The device was reset: nothing is under way any more. */
export function nicStopped(): void {
  cancelEvent(nic().sendEvent);
}

/** Sends what the transmit queue has, a batch an event. */
export function nicEvent(): void {
  const state = nic();
  const device = nicDevice();
  const queue = queueAt(device, NET_QUEUE_TRANSMIT);
  if (!isLive(device, queue)) return;
  if (takeFault(FAULT_INTERRUPT_SPURIOUS, requesterOf(device))) signalNothing(device);
  let sent: u32 = 0;
  for (let n: u32 = 0; n < FRAMES_PER_EVENT; n++) {
    const bytes = sendOne(state, device, queue);
    if (bytes == 0) return giveBack(device, queue);
    sent += bytes;
  }
  giveBack(device, queue);
  wake(sent);
}

/** Takes one chain from the transmit queue; returns its time on the wire in cycles, 0 for none. */
function sendOne(state: Nic, device: VirtioDevice, queue: VirtQueue): u32 {
  const chain = changetype<Chain>(state.chain);
  const requester = requesterOf(device);
  const head = queueNext(requester, queue, chain);
  if (head == CHAIN_NONE) return 0;
  if (head == CHAIN_BROKEN || takeFault(FAULT_ERROR, requester)) return broken(device);
  const bytes = chain.readableBytes - min(chain.readableBytes, NET_HEADER_BYTES);
  const isFrame = bytes >= <u32>FRAME_BYTES_MIN && bytes <= <u32>FRAME_BYTES_MAX;
  if (isFrame && !copyChain(requester, chain, false, NET_HEADER_BYTES, state.buffer, bytes))
    return broken(device);
  // The armed fault: nothing is sent, and the buffer is never given back.
  if (takeFault(FAULT_TIMEOUT, requester)) return 1;
  if (isFrame) {
    state.framesSent += 1;
    trace(TRACE_FRAME, requester, 0, bytes);
    frameSend(0, state.buffer, bytes);
  } else state.framesMalformed += 1;
  if (!queueUsed(requester, queue, chain, head, 0)) return broken(device);
  return max(bytes, 1);
}

function broken(device: VirtioDevice): u32 {
  failDevice(device);
  return 0;
}

/** Tells the driver of the chains it got back, and asks it to notify of its next one. */
function giveBack(device: VirtioDevice, queue: VirtQueue): void {
  if (!isLive(device, queue)) return;
  const chain = changetype<Chain>(nic().chain);
  const requester = requesterOf(device);
  const eventIndex = accepts(device, F_EVENT_IDX);
  if (eventIndex && !wantNotification(requester, queue, chain)) return failDevice(device);
  if (wantsInterrupt(requester, queue, chain, eventIndex)) signalQueue(device, queue);
}

/**
 * A frame of `bytes` bytes at linear address `from` arrives for the machine. False when it is
 * dropped: no driver, no buffer that holds it, or no frame. The host journals the frame as input.
 */
export function nicReceive(from: usize, bytes: u32): bool {
  if (machine().nic == 0) return false;
  const state = nic();
  const device = nicDevice();
  const queue = queueAt(device, NET_QUEUE_RECEIVE);
  const taken =
    bytes >= <u32>FRAME_BYTES_MIN &&
    bytes <= <u32>FRAME_BYTES_MAX &&
    isLive(device, queue) &&
    receive(state, device, queue, from, bytes);
  if (taken) {
    state.framesReceived += 1;
    trace(TRACE_FRAME, requesterOf(device), 1, bytes);
  } else state.framesDropped += 1;
  return taken;
}

/** Puts a frame with its header into the next receive buffer. */
function receive(
  state: Nic,
  device: VirtioDevice,
  queue: VirtQueue,
  from: usize,
  bytes: u32,
): bool {
  const chain = changetype<Chain>(state.chain);
  const requester = requesterOf(device);
  const head = queueNext(requester, queue, chain);
  if (head == CHAIN_NONE) return false;
  if (head == CHAIN_BROKEN || takeFault(FAULT_ERROR, requester)) return broken(device) != 0;
  const whole = bytes + NET_HEADER_BYTES;
  // A buffer too small for the frame goes back empty; 5.1.6.3.1 asks for one that is not.
  const fits = chain.writableBytes >= whole;
  memory.fill(state.buffer, 0, NET_HEADER_BYTES);
  store<u16>(state.buffer, 1, NET_HEADER_BUFFERS);
  memory.copy(state.buffer + NET_HEADER_BYTES, from, bytes);
  if (fits && !copyChain(requester, chain, true, 0, state.buffer, whole)) return broken(device) != 0;
  if (!queueUsed(requester, queue, chain, head, fits ? whole : 0)) return broken(device) != 0;
  giveBack(device, queue);
  return fits;
}
