/** System calls: operations that a service of userland completes. */
import { Operation, OPERATION_TAKEN, operationAsk, operationComplete, operationTake, areaOf } from "../ipc/operation";
import { payloadWrite } from "../ipc/payload";
import { ipc } from "../ipc/state";
import { batonDrop } from "../ipc/wake";
import { IPC_MESSAGE_BYTES_MAX, OPERATIONS_PER_AGENT_MAX } from "../limits";
import { copyToUser, userCheck } from "../mm/user";
import { KIND_OPERATION } from "../object/kinds";
import { KernelObject, objectFind, objectStale } from "../object/slab";
import { kernel } from "../state";
import { Agent } from "../agent/agent";
import { Call, callerOf } from "./call";
import * as Layout from "./ipc_layouts";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_EMPTY,
  STATUS_LIMIT,
  STATUS_MISALIGNED,
  STATUS_NOT_OWNER,
  STATUS_OBJECT_GONE,
  STATUS_OK,
  STATUS_OVERLAP,
  STATUS_TOO_LARGE,
  STATUS_WRONG_STATE,
} from "./status";

function rangeStatus(agent: Agent, address: u64, bytes: u64, write: bool): u32 {
  if (bytes > <u64>IPC_MESSAGE_BYTES_MAX) return STATUS_TOO_LARGE;
  return bytes == 0 ? STATUS_OK : userCheck(agent, address, bytes, write);
}

/** PQCOperation: a1 operation, a2 address, a3 bytes, a4 where the result goes, a5 its size at most. */
export function pqcOperation(call: Call): u32 {
  const agent = callerOf(call);
  const status = rangeStatus(agent, call.a2, call.a3, false) || rangeStatus(agent, call.a4, call.a5, true);
  if (status != STATUS_OK) return status;
  if (agent.operationCount >= OPERATIONS_PER_AGENT_MAX) return STATUS_LIMIT;
  const asked = operationAsk(agent, call.a1, call.a2, <u32>call.a3, call.a4, <u32>call.a5);
  if (asked == STATUS_OK) call.value = changetype<Operation>(agent.operations).id;
  return asked;
}

/** PqcTake: a1 where the record goes, a2 buffer, a3 its size. */
export function pqcTake(call: Call): u32 {
  const service = callerOf(call);
  if ((call.a1 & 7) != 0) return STATUS_MISALIGNED;
  if (ipc().pendingCount == 0) {
    batonDrop(service, changetype<KernelObject>(kernel().authority).id);
    return STATUS_EMPTY;
  }
  const operation = changetype<Operation>(ipc().pendingFirst);
  if (<u64>operation.bytes > call.a3) {
    call.value = operation.bytes;
    return STATUS_TOO_LARGE;
  }
  if (call.a1 < call.a2 + operation.bytes && call.a2 < call.a1 + Layout.OPERATION_BYTES) return STATUS_OVERLAP;
  let status = userCheck(service, call.a1, Layout.OPERATION_BYTES, true);
  if (status == STATUS_OK) status = rangeStatus(service, call.a2, operation.bytes, true);
  if (status != STATUS_OK) return status;
  status = payloadWrite(areaOf(operation), operation.pageCount, service, call.a2, operation.bytes);
  if (status == STATUS_OK) status = writeRecord(service, operation, call.a1);
  if (status != STATUS_OK) return status;
  batonDrop(service, changetype<KernelObject>(kernel().authority).id);
  call.value = operationTake(service).id;
  return STATUS_OK;
}

function writeRecord(service: Agent, operation: Operation, to: u64): u32 {
  const record = ipc().list;
  store<u64>(record + Layout.OPERATION_ID, operation.id);
  store<u64>(record + Layout.OPERATION_REQUESTER, changetype<Agent>(operation.requester).id);
  store<u64>(record + Layout.OPERATION_NUMBER, operation.number);
  store<u64>(record + Layout.OPERATION_INPUT_BYTES, operation.bytes);
  store<u64>(record + Layout.OPERATION_RESULT_BYTES_MAX, operation.resultRoom);
  return copyToUser(service, to, record, Layout.OPERATION_BYTES);
}

/** PqcComplete: a1 operation's identifier, a2 code for the asker, a3 address and a4 bytes of the result. */
export function pqcComplete(call: Call): u32 {
  const found = objectFind(KIND_OPERATION, call.a1);
  if (found == 0) return objectStale(KIND_OPERATION, call.a1) ? STATUS_OBJECT_GONE : STATUS_BAD_ARGUMENT;
  const operation = changetype<Operation>(found);
  if (operation.state != OPERATION_TAKEN) return STATUS_WRONG_STATE;
  if (operation.service != call.agent) return STATUS_NOT_OWNER;
  if (call.a4 > <u64>operation.resultRoom) return STATUS_TOO_LARGE;
  const status = rangeStatus(callerOf(call), call.a3, call.a4, false);
  return status != STATUS_OK ? status : operationComplete(operation, call.a2, call.a3, <u32>call.a4);
}
