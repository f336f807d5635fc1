/** System calls: messages. */
import { Agent } from "../agent/agent";
import { agentOver } from "../agent/tree";
import { capabilityLookup, capabilityNamed } from "../cap/authorize";
import { Capability } from "../cap/capability";
import { RIGHT_DERIVE } from "../cap/rights";
import { capabilityGrant } from "../cap/grant";
import { capabilityRoom } from "../cap/table";
import { Endpoint } from "../ipc/endpoint";
import { ENDPOINT_QUEUE } from "../ipc/endpoint_kinds";
import { Message, messageCost, messageFree, messageReturn, messageTake, payloadOf } from "../ipc/message";
import { mailboxOf, MessageQueue, queueAppend, queueOf, queueTake } from "../ipc/message_queue";
import { SEND_MOVE } from "../ipc/flags";
import { payloadFree, payloadRead, payloadWrite, payloadWritePart } from "../ipc/payload";
import { payloadGive, payloadTake } from "../ipc/transfer";
import { ipc } from "../ipc/state";
import { batonDrop, wakeForContent, wakeForMessage } from "../ipc/wake";
import { watchesLook } from "../ipc/watch";
import { IPC_MESSAGE_BYTES_MAX, MAILBOX_BYTES_MAX } from "../limits";
import { Pool } from "../mm/pool";
import { pagesCheck } from "../mm/transfer";
import { codeWritten } from "../mm/code";
import { copyToUser, userCheck, userReach } from "../mm/user";
import { EVERY_KIND, KIND_AGENT, KIND_CAPABILITY, KIND_MESSAGE } from "../object/kinds";
import { KernelObject, objectShortage } from "../object/slab";
import { Call, callerOf } from "./call";
import * as Layout from "./ipc_layouts";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_CAPABILITY_KIND,
  STATUS_EMPTY,
  STATUS_FULL,
  STATUS_MISALIGNED,
  STATUS_OBJECT_GONE,
  STATUS_OK,
  STATUS_OUT_OF_RANGE,
  STATUS_OVERLAP,
  STATUS_QUOTA,
  STATUS_TOO_LARGE,
} from "./status";

/** IPCSend: a1 address, a2 bytes, a3 flags, a4 capability to go along. */
export function ipcSend(call: Call): u32 {
  if (call.a2 > <u64>IPC_MESSAGE_BYTES_MAX) return STATUS_TOO_LARGE;
  if (call.a3 > <u64>SEND_MOVE) return STATUS_BAD_ARGUMENT;
  return changetype<Capability>(call.held).kind == <u8>KIND_AGENT ? sendToAgent(call) : sendToQueue(call);
}

function sendToAgent(call: Call): u32 {
  const receiver = changetype<Agent>(call.object);
  const bytes = <u32>call.a2;
  if (receiver.mailboxCount >= receiver.mailboxLimit) return STATUS_FULL;
  if (bytes > MAILBOX_BYTES_MAX - receiver.mailboxBytes) return STATUS_FULL;
  const sender = callerOf(call);
  let status = call.a4 == 0 ? STATUS_OK : capabilityLookup(sender, call.a4, EVERY_KIND, RIGHT_DERIVE);
  if (status == STATUS_OK) status = compose(call, sender, changetype<Pool>(receiver.pool));
  if (status != STATUS_OK) return status;
  const message = changetype<Message>(call.made);
  if (call.a4 != 0) {
    status = pass(call, message, receiver);
    if (status != STATUS_OK) return status;
  }
  post(call, mailboxOf(receiver), message, sender);
  if (receiver.waitFlags != 0) wakeForMessage(receiver, sender.id);
  return STATUS_OK;
}

function sendToQueue(call: Call): u32 {
  const endpoint = changetype<Endpoint>(call.object);
  if (endpoint.type != ENDPOINT_QUEUE) return STATUS_CAPABILITY_KIND;
  // A queue has no one receiver who could hold it.
  if (call.a4 != 0) return STATUS_BAD_ARGUMENT;
  if (agentOver(changetype<Agent>(endpoint.owner))) return STATUS_OBJECT_GONE;
  if (endpoint.count + endpoint.reserved >= endpoint.capacity) return STATUS_FULL;
  const status = compose(call, callerOf(call), changetype<Pool>(endpoint.pool));
  if (status != STATUS_OK) return status;
  post(call, queueOf(endpoint), changetype<Message>(call.made), callerOf(call));
  wakeForContent(endpoint);
  watchesLook(endpoint);
  return STATUS_OK;
}

/** Makes the message that the call describes, in `call.made`; `pool` pays. */
@inline
function compose(call: Call, sender: Agent, pool: Pool): u32 {
  const bytes = <u32>call.a2;
  const moves = call.a3 != 0;
  if (moves) {
    const movable = moveStatus(sender, call.a1, bytes);
    if (movable != STATUS_OK) return movable;
  }
  const slot = messageTake(pool, bytes, sender.cpu);
  if (slot == 0) return messageCost(bytes) > pool.quota - pool.used ? STATUS_QUOTA : objectShortage(KIND_MESSAGE);
  const message = changetype<Message>(slot);
  const area = payloadOf(message);
  const status = moves
    ? payloadTake(area, message.pageCount, sender, call.a1)
    : payloadRead(area, sender, call.a1, bytes);
  if (status != STATUS_OK) {
    messageReturn(message);
    return status;
  }
  message.capability = 0;
  call.made = slot;
  return STATUS_OK;
}

/** Whether the bytes are whole pages of the sender's own memory, which can leave it. */
function moveStatus(sender: Agent, address: u64, bytes: u32): u32 {
  if (bytes == 0) return STATUS_OUT_OF_RANGE;
  return (bytes & 4095) != 0 ? STATUS_MISALIGNED : pagesCheck(sender, address, bytes >> 12);
}

@inline
function post(call: Call, queue: MessageQueue, message: Message, sender: Agent): void {
  sender.sent += 1;
  message.sender = sender.id;
  message.sequence = sender.sent;
  call.value = sender.sent;
  queueAppend(queue, message);
}

/** Derives the capability a4 for the receiver; refused, the message is gone and pages are back. */
function pass(call: Call, message: Message, receiver: Agent): u32 {
  const given = capabilityNamed(call.a4);
  const status = capabilityRoom(receiver, given, 1);
  const made = status == STATUS_OK ? capabilityGrant(given, receiver, callerOf(call).rightsLeft) : 0;
  if (made == 0) {
    if (call.a3 == 0) messageFree(message);
    else {
      payloadGive(payloadOf(message), message.pageCount, callerOf(call), call.a1);
      messageReturn(message);
    }
    return status != STATUS_OK ? status : objectShortage(KIND_CAPABILITY);
  }
  message.capability = changetype<Capability>(made).id;
  return STATUS_OK;
}

/** IPCRecv: a1 buffer, a2 its size, a3 where the header goes, or 0. */
export function ipcRecv(call: Call): u32 {
  const agent = callerOf(call);
  let queue: MessageQueue;
  if (changetype<Capability>(call.held).kind == <u8>KIND_AGENT) {
    if (call.object != call.agent) return STATUS_CAPABILITY_KIND;
    queue = mailboxOf(agent);
  } else {
    const endpoint = changetype<Endpoint>(call.object);
    if (endpoint.type != ENDPOINT_QUEUE) return STATUS_CAPABILITY_KIND;
    queue = queueOf(endpoint);
  }
  if (queue.count == 0) {
    batonDrop(agent, changetype<KernelObject>(call.object).id);
    return STATUS_EMPTY;
  }
  const status = receive(call, agent, queue);
  if (status == STATUS_OK && call.object != call.agent) watchesLook(changetype<Endpoint>(call.object));
  return status;
}

@inline
function receive(call: Call, agent: Agent, queue: MessageQueue): u32 {
  const message = changetype<Message>(queue.first);
  const bytes = message.bytes;
  if (<u64>bytes > call.a2) {
    call.value = bytes;
    return STATUS_TOO_LARGE;
  }
  let status = call.a3 == 0 ? STATUS_OK : headerStatus(call, agent, bytes);
  if (status != STATUS_OK) return status;
  const given = message.pageCount == 0 ? 0 : pagesToGive(agent, call.a1, bytes);
  // Within one page it is written as a whole or not at all, and pages to give to have been checked.
  if (((call.a1 & 4095) + bytes) > 4096 && bytes != given << 12) {
    status = userCheck(agent, call.a1, bytes, true);
    if (status != STATUS_OK) return status;
  }
  if (given == 0) status = payloadWrite(payloadOf(message), message.pageCount, agent, call.a1, bytes);
  else status = giveThenWrite(message, given, agent, call.a1);
  if (status == STATUS_OK && call.a3 != 0) status = writeHeader(agent, message, call.a3);
  if (status != STATUS_OK) return status;
  call.value = message.sequence;
  batonDrop(agent, changetype<KernelObject>(call.object).id);
  queueTake(queue);
  if (message.pageCount != given) payloadFree(payloadOf(message), message.pageCount, given);
  messageReturn(message);
  return STATUS_OK;
}

/** How many whole pages of the payload can take the place of those at `address`; 0: copy all. */
function pagesToGive(agent: Agent, address: u64, bytes: u32): u32 {
  if ((address & 4095) != 0 || bytes < 4096) return 0;
  return pagesCheck(agent, address, bytes >> 12) == STATUS_OK ? bytes >> 12 : 0;
}

/** The first `given` pages go over as they are; what is behind them is copied. All was checked. */
function giveThenWrite(message: Message, given: u32, agent: Agent, address: u64): u32 {
  const area = payloadOf(message);
  const whole = message.bytes == given << 12;
  // The copy first: it is what could still be refused.
  const status = whole ? STATUS_OK : payloadWritePart(area, given << 12, message.bytes, agent, address);
  if (status == STATUS_OK) payloadGive(area, given, agent, address);
  return status;
}

/** Whether the header can be written, beside the payload. */
@inline
function headerStatus(call: Call, agent: Agent, bytes: u32): u32 {
  if ((call.a3 & 7) != 0) return STATUS_MISALIGNED;
  if (call.a3 < call.a1 + bytes && call.a1 < call.a3 + Layout.HEADER_BYTES) return STATUS_OVERLAP;
  return userCheck(agent, call.a3, Layout.HEADER_BYTES, true);
}

function writeHeader(agent: Agent, message: Message, to: u64): u32 {
  const there = userReach(agent, to, Layout.HEADER_BYTES, true);
  const header = there != 0 ? there : ipc().list;
  store<u64>(header + Layout.HEADER_SENDER, message.sender);
  store<u64>(header + Layout.HEADER_SEQUENCE, message.sequence);
  store<u64>(header + Layout.HEADER_PAYLOAD_BYTES, message.bytes);
  store<u64>(header + Layout.HEADER_CAPABILITY, message.capability);
  store<u64>(header + Layout.HEADER_PAGES, message.pageCount);
  if (there == 0) return copyToUser(agent, to, header, Layout.HEADER_BYTES);
  codeWritten(there, Layout.HEADER_BYTES);
  return STATUS_OK;
}
