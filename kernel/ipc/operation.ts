/**
 * Operations: work that an agent asks for and a service of userland does, such as cryptography with
 * public keys. The asker gets a handle at once and goes on; a service takes operations in order, and
 * its result comes back as a notice. Neither waits for the other, and either may end.
 *
 *   PENDING   in the kernel's list, until a service takes it
 *   TAKEN     in the list of the service that has it
 *   DONE      in no list; its notice is on the way to the asker
 */
import { Agent } from "../agent/agent";
import { Pool, poolCharge, poolRelease } from "../mm/pool";
import { copyToUser, userCheck } from "../mm/user";
import { KIND_OPERATION } from "../object/kinds";
import { KernelObject, objectAllocate, objectFree, objectReturn, objectShortage } from "../object/slab";
import { Ptr } from "../state";
import { STATUS_ABANDONED, STATUS_NO_MEMORY, STATUS_OK, STATUS_QUOTA } from "../syscall/status";
import { Notice, noticePost, noticeRemove } from "./notice";
import { NOTICE_COMPLETED } from "./notice_kinds";
import { payloadFill, payloadFrame, payloadFree, payloadPages, payloadReserve } from "./payload";
import { ipc } from "./state";
import { wakeForOperation } from "./wake";

export const OPERATION_PENDING: u32 = 1;
export const OPERATION_TAKEN: u32 = 2;
export const OPERATION_DONE: u32 = 3;

/** Behind it: an area of a payload, 64 bytes, and its notice. */
@unmanaged
export class Operation extends KernelObject {
  state: u32;
  /** Frames of the payload, which holds what is asked and then the result. */
  pageCount: u32;
  /** What is to be done: only userland knows what the number means. */
  number: u64;
  bytes: u32;
  /** Where the result goes in the asker's memory, and how long it may be. */
  resultRoom: u32;
  resultAddress: u64;
  requester: Ptr<Agent>;
  /** Who has taken it; 0 before. */
  service: Ptr<Agent>;
  pool: Ptr<Pool>;
  /** Neighbours in the kernel's list or the service's. */
  next: Ptr<Operation>;
  previous: Ptr<Operation>;
  /** Neighbours in the asker's list. */
  nextAsked: Ptr<Operation>;
  previousAsked: Ptr<Operation>;
}

const AREA_BYTES: u32 = 64;
/** Bytes of an operation's slot. */
export const OPERATION_SLOT_BYTES: u32 = offsetof<Operation>() + AREA_BYTES + offsetof<Notice>();

@inline
export function areaOf(operation: Operation): usize {
  return changetype<usize>(operation) + offsetof<Operation>();
}

@inline
function noticeOfOperation(operation: Operation): Notice {
  return changetype<Notice>(areaOf(operation) + AREA_BYTES);
}

function costOf(pages: u32): u64 {
  return <u64>OPERATION_SLOT_BYTES + (<u64>pages << 12);
}

/**
 * Asks for operation `number` on `bytes` bytes at `address`; the result, `room` bytes at most, is to
 * go to `result`. All in the caller's memory, and checked. STATUS_OK: it is the last one pending.
 */
export function operationAsk(agent: Agent, number: u64, address: u64, bytes: u32, result: u64, room: u32): u32 {
  const pages = payloadPages(max(bytes, room));
  const pool = changetype<Pool>(agent.pool);
  if (!poolCharge(pool, costOf(pages))) return STATUS_QUOTA;
  const slot = objectAllocate(KIND_OPERATION, agent.cpu);
  const operation = changetype<Operation>(slot);
  let status: u32 = slot == 0 ? objectShortage(KIND_OPERATION) : STATUS_OK;
  if (slot != 0 && !payloadReserve(areaOf(operation), pages)) status = STATUS_NO_MEMORY;
  else if (slot != 0) {
    status = payloadFill(areaOf(operation), pages, agent, address, bytes);
    if (status != STATUS_OK) payloadFree(areaOf(operation), pages);
  }
  if (status != STATUS_OK) {
    if (slot != 0) objectReturn(slot);
    poolRelease(pool, costOf(pages));
    return status;
  }
  operation.pageCount = pages;
  operation.number = number;
  operation.bytes = bytes;
  operation.resultAddress = result;
  operation.resultRoom = room;
  operation.pool = agent.pool;
  noticeOfOperation(operation).subject = operation.id;
  askedLink(agent, operation);
  pendingAppend(operation);
  return STATUS_OK;
}

function askedLink(agent: Agent, operation: Operation): void {
  const at = changetype<usize>(operation);
  operation.requester = changetype<usize>(agent);
  operation.nextAsked = agent.operations;
  if (agent.operations != 0) changetype<Operation>(agent.operations).previousAsked = at;
  agent.operations = at;
  agent.operationCount += 1;
}

function pendingAppend(operation: Operation): void {
  const state = ipc();
  const at = changetype<usize>(operation);
  operation.state = OPERATION_PENDING;
  operation.previous = state.pendingLast;
  if (state.pendingLast == 0) state.pendingFirst = at;
  else changetype<Operation>(state.pendingLast).next = at;
  state.pendingLast = at;
  state.pendingCount += 1;
  wakeForOperation();
}

function pendingRemove(operation: Operation): void {
  const state = ipc();
  if (operation.previous == 0) state.pendingFirst = operation.next;
  else changetype<Operation>(operation.previous).next = operation.next;
  if (operation.next == 0) state.pendingLast = operation.previous;
  else changetype<Operation>(operation.next).previous = operation.previous;
  state.pendingCount -= 1;
}

/** The oldest pending operation is `service`'s from now on. */
export function operationTake(service: Agent): Operation {
  const operation = changetype<Operation>(ipc().pendingFirst);
  pendingRemove(operation);
  operation.state = OPERATION_TAKEN;
  operation.service = changetype<usize>(service);
  operation.previous = 0;
  operation.next = service.takenOperations;
  if (operation.next != 0) changetype<Operation>(operation.next).previous = changetype<usize>(operation);
  service.takenOperations = changetype<usize>(operation);
  return operation;
}

function takenRemove(operation: Operation): void {
  if (operation.previous == 0) changetype<Agent>(operation.service).takenOperations = operation.next;
  else changetype<Operation>(operation.previous).next = operation.next;
  if (operation.next != 0) changetype<Operation>(operation.next).previous = operation.previous;
}

/**
 * The service's answer: a code of its own, and `bytes` bytes at `address` of its memory, which were
 * checked. When they can't be written where the asker wanted them, that is what the asker is told.
 */
export function operationComplete(operation: Operation, code: u64, address: u64, bytes: u32): u32 {
  const service = changetype<Agent>(operation.service);
  const status = payloadFill(areaOf(operation), operation.pageCount, service, address, bytes);
  if (status != STATUS_OK) return status;
  const written = deliver(operation, bytes);
  takenRemove(operation);
  finish(operation, written == STATUS_OK ? code : written, written == STATUS_OK ? bytes : 0);
  return STATUS_OK;
}

function deliver(operation: Operation, bytes: u32): u32 {
  if (bytes == 0) return STATUS_OK;
  const requester = changetype<Agent>(operation.requester);
  const checked = userCheck(requester, operation.resultAddress, bytes, true);
  if (checked != STATUS_OK || operation.pageCount == 0)
    return checked || copyToUser(requester, operation.resultAddress, areaOf(operation), bytes);
  for (let done: u32 = 0; done < bytes; done += 4096) {
    const from = payloadFrame(areaOf(operation), done >> 12);
    const status = copyToUser(requester, operation.resultAddress + done, from, min(bytes - done, 4096));
    if (status != STATUS_OK) return status;
  }
  return STATUS_OK;
}

/** It is over: its frames go at once, and it itself with its notice. */
function finish(operation: Operation, status: u64, value: u64): void {
  payloadFree(areaOf(operation), operation.pageCount);
  poolRelease(changetype<Pool>(operation.pool), <u64>operation.pageCount << 12);
  operation.pageCount = 0;
  operation.state = OPERATION_DONE;
  operation.service = 0;
  noticePost(changetype<Agent>(operation.requester), noticeOfOperation(operation), NOTICE_COMPLETED, status, value);
}

/** Its asker has read the notice, or has ended: nothing is left of it. */
export function operationFree(operation: Operation): void {
  if (operation.state == OPERATION_PENDING) pendingRemove(operation);
  if (operation.state == OPERATION_TAKEN) takenRemove(operation);
  noticeRemove(noticeOfOperation(operation));
  const agent = changetype<Agent>(operation.requester);
  if (operation.previousAsked == 0) agent.operations = operation.nextAsked;
  else changetype<Operation>(operation.previousAsked).nextAsked = operation.nextAsked;
  if (operation.nextAsked != 0) changetype<Operation>(operation.nextAsked).previousAsked = operation.previousAsked;
  agent.operationCount -= 1;
  payloadFree(areaOf(operation), operation.pageCount);
  poolRelease(changetype<Pool>(operation.pool), costOf(operation.pageCount));
  objectFree(changetype<usize>(operation));
}

/** A service ends: what it had taken is over, and the askers are told. */
export function operationAbandon(operation: Operation): void {
  takenRemove(operation);
  finish(operation, STATUS_ABANDONED, 0);
}
