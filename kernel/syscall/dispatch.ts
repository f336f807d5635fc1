/** The table of system calls: what capability each needs, and who carries it out. */
import { agentCall } from "../agent/calls";
import { agentOver } from "../agent/tree";
import { auditRefusal } from "../audit/refusal";
import { authorize, authorizeSelf } from "../cap/authorize";
import { EVERY_KIND, KIND_AGENT, KIND_ENDPOINT, KIND_KERNEL, KIND_POOL, KIND_TIMER } from "../object/kinds";
import {
  RIGHT_AUDIT,
  RIGHT_CLOSE,
  RIGHT_CREATE,
  RIGHT_CRYPTO,
  RIGHT_DERIVE,
  RIGHT_DONATE,
  RIGHT_DRAIN,
  RIGHT_INFO,
  RIGHT_RANDOM,
  RIGHT_RECEIVE,
  RIGHT_SCHEDULE,
  RIGHT_SEND,
  RIGHT_WAIT,
  RIGHT_WRITE,
} from "../cap/rights";
import { auditAppend, auditDrain } from "./audit";
import { Call, callerOf } from "./call";
import { capDerive, capInspect, capRevoke } from "./cap";
import { consoleWriteCall } from "./console";
import { endpointClose, endpointCreate, eventSignal, pipeReadCall, pipeWriteCall } from "./endpoint";
import { kernelInfo } from "./kernel_info";
import { linkOpen, linkSend } from "./link";
import { memoryCalls } from "./memory_calls";
import { ipcRecv, ipcSend } from "./message";
import {
  SYSCALL_AGENT_SCHEDULE,
  SYSCALL_AUDIT_APPEND,
  SYSCALL_AUDIT_DRAIN,
  SYSCALL_CAP_DERIVE,
  SYSCALL_CAP_INSPECT,
  SYSCALL_CAP_REVOKE,
  SYSCALL_CONSOLE_WRITE,
  SYSCALL_DONATE_TO,
  SYSCALL_ENDPOINT_CLOSE,
  SYSCALL_ENDPOINT_CREATE,
  SYSCALL_ENDPOINT_NOTIFY,
  SYSCALL_EVENT_SIGNAL,
  SYSCALL_IMAGE_APPEND,
  SYSCALL_IMAGE_CREATE,
  SYSCALL_IMAGE_OPEN,
  SYSCALL_IMAGE_SEAL,
  SYSCALL_IPC_RECV,
  SYSCALL_IPC_SEND,
  SYSCALL_KERNEL_INFO,
  SYSCALL_LINK_OPEN,
  SYSCALL_LINK_SEND,
  SYSCALL_PIPE_READ,
  SYSCALL_PIPE_WRITE,
  SYSCALL_PQC_COMPLETE,
  SYSCALL_PQC_OPERATION,
  SYSCALL_PQC_TAKE,
  SYSCALL_RANDOM_GET,
  SYSCALL_SCHED_CONFIGURE,
  SYSCALL_TIMER_SET,
  SYSCALL_WAIT,
  SYSCALL_YIELD,
} from "./numbers";
import { endpointNotify, notifyRight } from "./notify";
import { pqcComplete, pqcOperation, pqcTake } from "./operation";
import { randomGet } from "./random";
import { agentSchedule, schedConfigureCall } from "./schedule";
import { STATUS_OBJECT_GONE, STATUS_OK } from "./status";
import { donateTo, timerSet, wait, yieldCpu } from "./wait";

const AGENT: u32 = 1 << KIND_AGENT;
const ENDPOINT: u32 = 1 << KIND_ENDPOINT;
const KERNEL: u32 = 1 << KIND_KERNEL;
const POOL: u32 = 1 << KIND_POOL;
const TIMER: u32 = 1 << KIND_TIMER;

/**
 * Carries the call out, if its capability allows it; what is refused leaves an audit record. An agent that another CPU
 * has ended calls still until the interrupt arrives that stops it: it does nothing more, and nobody reads the status.
 */
export function dispatch(call: Call): u32 {
  if (agentOver(callerOf(call))) return STATUS_OBJECT_GONE;
  const status = carryOutOften(call);
  if (status != STATUS_OK) auditRefusal(call, status);
  return status;
}

/** What is called most stands apart: as a part of the large function it would take 5 ns longer. */
@inline
function carryOutOften(call: Call): u32 {
  if (call.number == SYSCALL_IPC_SEND) return authorize(call, AGENT | ENDPOINT, RIGHT_SEND) || ipcSend(call);
  if (call.number == SYSCALL_IPC_RECV) return authorize(call, AGENT | ENDPOINT, RIGHT_RECEIVE) || ipcRecv(call);
  return carryOut(call);
}

function carryOut(call: Call): u32 {
  switch (call.number) {
    case SYSCALL_AGENT_SCHEDULE:
      return authorize(call, AGENT, RIGHT_SCHEDULE) || agentSchedule(call);
    case SYSCALL_SCHED_CONFIGURE:
      return authorize(call, KERNEL, RIGHT_SCHEDULE) || schedConfigureCall(call);
    case SYSCALL_ENDPOINT_CREATE:
      return authorize(call, POOL, RIGHT_CREATE) || endpointCreate(call);
    case SYSCALL_ENDPOINT_CLOSE:
      return authorize(call, ENDPOINT | TIMER, RIGHT_CLOSE) || endpointClose(call);
    case SYSCALL_PIPE_READ:
      return authorize(call, ENDPOINT, RIGHT_RECEIVE) || pipeReadCall(call);
    case SYSCALL_PIPE_WRITE:
      return authorize(call, ENDPOINT, RIGHT_SEND) || pipeWriteCall(call);
    case SYSCALL_EVENT_SIGNAL:
      return authorize(call, ENDPOINT, RIGHT_SEND) || eventSignal(call);
    case SYSCALL_ENDPOINT_NOTIFY:
      return authorize(call, ENDPOINT, notifyRight(call)) || endpointNotify(call);
    case SYSCALL_KERNEL_INFO:
      return authorize(call, KERNEL, RIGHT_INFO) || kernelInfo(call);
    case SYSCALL_LINK_OPEN:
      return authorize(call, KERNEL, RIGHT_CREATE) || linkOpen(call);
    case SYSCALL_LINK_SEND:
      return authorize(call, ENDPOINT, RIGHT_WRITE) || linkSend(call);
    case SYSCALL_TIMER_SET:
      return authorizeSelf(call, RIGHT_WAIT) || timerSet(call);
    case SYSCALL_WAIT:
      return authorizeSelf(call, RIGHT_WAIT) || wait(call);
    case SYSCALL_YIELD:
      return authorizeSelf(call, RIGHT_WAIT) || yieldCpu(call);
    case SYSCALL_DONATE_TO:
      return authorize(call, AGENT, RIGHT_DONATE) || donateTo(call);
    case SYSCALL_PQC_OPERATION:
      return authorizeSelf(call, RIGHT_CRYPTO) || pqcOperation(call);
    case SYSCALL_PQC_TAKE:
      return authorize(call, KERNEL, RIGHT_CRYPTO) || pqcTake(call);
    case SYSCALL_PQC_COMPLETE:
      return authorize(call, KERNEL, RIGHT_CRYPTO) || pqcComplete(call);
    case SYSCALL_CAP_DERIVE:
      return authorize(call, EVERY_KIND, RIGHT_DERIVE) || capDerive(call);
    case SYSCALL_CAP_REVOKE:
      return capRevoke(call);
    case SYSCALL_CAP_INSPECT:
      return authorize(call, EVERY_KIND, 0) || capInspect(call);
    case SYSCALL_RANDOM_GET:
      return authorizeSelf(call, RIGHT_RANDOM) || randomGet(call);
    case SYSCALL_AUDIT_APPEND:
      return authorize(call, KERNEL, RIGHT_AUDIT) || auditAppend(call);
    case SYSCALL_CONSOLE_WRITE:
      return authorize(call, KERNEL, RIGHT_WRITE) || consoleWriteCall(call);
    case SYSCALL_AUDIT_DRAIN:
      return authorize(call, KERNEL, RIGHT_DRAIN) || auditDrain(call);
    case SYSCALL_IMAGE_OPEN:
    case SYSCALL_IMAGE_CREATE:
    case SYSCALL_IMAGE_APPEND:
    case SYSCALL_IMAGE_SEAL:
      return agentCall(call);
    default:
      return call.number < <u32>SYSCALL_IPC_SEND ? agentCall(call) : memoryCalls(call);
  }
}
