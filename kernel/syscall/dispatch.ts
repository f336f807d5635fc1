/** The table of system calls: what capability each needs, and who carries it out. */
import { auditRefusal } from "../audit/refusal";
import { authorize } from "../cap/authorize";
import { KIND_AGENT } from "../object/kinds";
import { RIGHT_INFO, RIGHT_KILL, RIGHT_WAIT } from "../cap/rights";
import { agentInfo, agentKill } from "./agent";
import { Call } from "./call";
import { SYSCALL_AGENT_INFO, SYSCALL_AGENT_KILL, SYSCALL_WAIT, SYSCALL_YIELD } from "./numbers";
import { STATUS_OK, STATUS_UNKNOWN_SYSCALL } from "./status";
import { wait, yieldCpu } from "./wait";

const AGENT: u32 = 1 << KIND_AGENT;

/** Carries the call out, if its capability allows it; what is refused leaves an audit record. */
export function dispatch(call: Call): u32 {
  const status = carryOut(call);
  if (status != STATUS_OK) auditRefusal(call, status);
  return status;
}

function carryOut(call: Call): u32 {
  switch (call.number) {
    case SYSCALL_AGENT_KILL:
      return authorize(call, AGENT, RIGHT_KILL) || agentKill(call);
    case SYSCALL_AGENT_INFO:
      return authorize(call, AGENT, RIGHT_INFO) || agentInfo(call);
    case SYSCALL_WAIT:
      return authorize(call, AGENT, RIGHT_WAIT) || wait(call);
    case SYSCALL_YIELD:
      return authorize(call, AGENT, RIGHT_WAIT) || yieldCpu(call);
    default:
      return STATUS_UNKNOWN_SYSCALL;
  }
}
