/** System calls: the audit ring. */
import { audit, AUDIT_RECORD_BYTES, auditCount, auditForget, auditSlot, auditRing } from "../audit/audit";
import { AUDIT_APPENDED } from "../audit/kinds";
import { capScratch } from "../cap/authority";
import { AUDIT_DRAIN_MAX, AUDIT_RECORDS, AUDIT_RESERVE } from "../limits";
import { copyFromUser, copyToUser, userCheck } from "../mm/user";
import { Call, callerOf } from "./call";
import { APPEND_BYTES_MAX } from "./cap_layouts";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_EMPTY,
  STATUS_FULL,
  STATUS_MISALIGNED,
  STATUS_OK,
  STATUS_TOO_LARGE,
} from "./status";

/** AuditAppend: a1 address, a2 bytes, 1 to APPEND_BYTES_MAX, that the caller has to say. */
export function auditAppend(call: Call): u32 {
  if (call.a2 == 0) return STATUS_BAD_ARGUMENT;
  if (call.a2 > <u64>APPEND_BYTES_MAX) return STATUS_TOO_LARGE;
  const caller = callerOf(call);
  const said = capScratch();
  memory.fill(said, 0, APPEND_BYTES_MAX);
  const status = userCheck(caller, call.a1, call.a2, false) || copyFromUser(caller, call.a1, said, <u32>call.a2);
  if (status != STATUS_OK) return status;
  if (auditCount() >= AUDIT_RECORDS - AUDIT_RESERVE) return STATUS_FULL;
  audit(AUDIT_APPENDED, caller.id, 0, load<u64>(said), load<u64>(said, 8), load<u64>(said, 16));
  return STATUS_OK;
}

/** AuditDrain: a1 address, a2 bytes there; takes the oldest records that fit, and says how many. */
export function auditDrain(call: Call): u32 {
  if ((call.a1 & 7) != 0) return STATUS_MISALIGNED;
  const room = call.a2 / AUDIT_RECORD_BYTES;
  if (room == 0) return STATUS_BAD_ARGUMENT;
  const count = min(min(room, auditCount()), <u64>AUDIT_DRAIN_MAX);
  const caller = callerOf(call);
  const status = userCheck(caller, call.a1, max(count, 1) * AUDIT_RECORD_BYTES, true);
  if (status != STATUS_OK) return status;
  if (count == 0) return STATUS_EMPTY;
  const first = auditRing().drained;
  for (let taken: u64 = 0; taken < count; taken++) {
    const from = changetype<usize>(auditSlot(first + taken));
    const copied = copyToUser(caller, call.a1 + taken * AUDIT_RECORD_BYTES, from, AUDIT_RECORD_BYTES);
    if (copied != STATUS_OK) return copied;
  }
  auditForget(count);
  call.value = count;
  return STATUS_OK;
}
