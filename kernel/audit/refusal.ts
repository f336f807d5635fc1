/** Which refusals of system calls are worth a record, and of what kind. */
import { Call, callerOf } from "../syscall/call";
import {
  STATUS_ABANDONED,
  STATUS_ADMISSION_UNDECIDED,
  STATUS_BAD_ARGUMENT,
  STATUS_BUDGET_TOO_SMALL,
  STATUS_EMPTY,
  STATUS_FULL,
  STATUS_LIMIT,
  STATUS_NO_MEMORY,
  STATUS_NOT_ADMITTED,
  STATUS_QUOTA,
  STATUS_TIMED_OUT,
  STATUS_TOO_DEEP,
  STATUS_TOO_LARGE,
  STATUS_WOULD_WIDEN,
} from "../syscall/status";
import { audit } from "./audit";
import { AUDIT_DENIAL, AUDIT_LIMIT, AUDIT_REFUSAL } from "./kinds";

const NO_RECORD: u32 = 0;

function bit(status: u32): u64 {
  return <u64>1 << status;
}

/** Ordinary answers of queues and waits: whoever polls would bury everything else. */
function ordinary(): u64 {
  return bit(STATUS_FULL) | bit(STATUS_EMPTY) | bit(STATUS_TIMED_OUT) | bit(STATUS_ABANDONED);
}

function limits(): u64 {
  return (
    bit(STATUS_TOO_LARGE) |
    bit(STATUS_LIMIT) |
    bit(STATUS_QUOTA) |
    bit(STATUS_NO_MEMORY) |
    bit(STATUS_NOT_ADMITTED) |
    bit(STATUS_ADMISSION_UNDECIDED) |
    bit(STATUS_BUDGET_TOO_SMALL) |
    bit(STATUS_TOO_DEEP)
  );
}

/** AUDIT_… for a refusal with `status`, or NO_RECORD. */
function refusalKind(status: u32): u32 {
  if (((ordinary() >> status) & 1) != 0) return NO_RECORD;
  if (((limits() >> status) & 1) != 0) return AUDIT_LIMIT;
  // Unknown calls, capabilities that aren't good for it, and what would make one wider.
  return status < <u32>STATUS_BAD_ARGUMENT || status == STATUS_WOULD_WIDEN ? AUDIT_DENIAL : AUDIT_REFUSAL;
}

/** Notes that `call` was refused. */
export function auditRefusal(call: Call, status: u32): void {
  const kind = refusalKind(status);
  if (kind == NO_RECORD) return;
  audit(kind, callerOf(call).id, call.capability, call.number, call.a1, call.a2, status);
}
