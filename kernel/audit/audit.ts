/**
 * The audit ring: every act that matters to security as a record of 64 bytes, in the order in which
 * they happened. Userland drains it.
 *
 * A full ring keeps what it has: who floods it hides what comes later, but can't wipe out how it
 * began. What can't be kept uses up its sequence number and is counted, and the count becomes a
 * record of its own as soon as there is room.
 */
import { pointer } from "../../hal/memory";
import { AUDIT_RECORDS } from "../limits";
import { frameAllocZeroed, orderFor, OWNER_KERNEL } from "../mm/frames";
import { kernel, Ptr, rootAllocate } from "../state";
import { now } from "../time";
import { AUDIT_LOST } from "./kinds";

@unmanaged
export class AuditRecord {
  /** Counts all acts; what was lost leaves a gap. */
  sequence: u64;
  /** Virtual time, ns. */
  time: u64;
  /** Identifiers of who did it and of what it was done to. */
  agent: u64;
  object: u64;
  /** AUDIT_… of kinds.ts, and index of the CPU. */
  kind: u16;
  cpu: u16;
  /** Status of the call, when it was refused. */
  status: u32;
  detail: u64;
  a: u64;
  b: u64;
}

export const AUDIT_RECORD_BYTES: u32 = offsetof<AuditRecord>();

@unmanaged
export class Audit {
  /** Sequence number of the next act. */
  sequence: u64;
  /** Records ever put into the ring, and taken out: record n is at n modulo AUDIT_RECORDS. */
  written: u64;
  drained: u64;
  /** Acts that found the ring full since the last record of a loss, and the first one's number. */
  lost: u64;
  firstLost: u64;
  /** All that were ever lost. */
  lostEver: u64;
  capacity: u32;
  records: Ptr<AuditRecord>;
}

@inline
export function auditRing(): Audit {
  return changetype<Audit>(kernel().audit);
}

/** Makes the ring; false when no frames are left. */
export function createAudit(): bool {
  assert(AUDIT_RECORD_BYTES == 64, "createAudit: size of a record");
  kernel().audit = rootAllocate(offsetof<Audit>());
  const records = frameAllocZeroed(orderFor(<u64>AUDIT_RECORDS * AUDIT_RECORD_BYTES), OWNER_KERNEL);
  if (records == 0) return false;
  auditRing().capacity = AUDIT_RECORDS;
  auditRing().records = pointer(records);
  return true;
}

/** Records in the ring. */
@inline
export function auditCount(): u64 {
  return auditRing().written - auditRing().drained;
}

@inline
export function auditSlot(number: u64): AuditRecord {
  const index = <usize>number & (AUDIT_RECORDS - 1);
  return changetype<AuditRecord>(auditRing().records + index * offsetof<AuditRecord>());
}

/** Notes an act of `agent` (an identifier, 0 for the kernel) on `object`; kinds.ts says the rest. */
export function audit(
  kind: u32,
  agent: u64,
  object: u64,
  detail: u64,
  a: u64 = 0,
  b: u64 = 0,
  status: u32 = 0,
): void {
  const ring = auditRing();
  const sequence = ring.sequence;
  ring.sequence = sequence + 1;
  if (auditCount() == AUDIT_RECORDS) {
    if (ring.lost == 0) ring.firstLost = sequence;
    ring.lost += 1;
    ring.lostEver += 1;
    return;
  }
  const record = auditSlot(ring.written);
  ring.written += 1;
  record.sequence = sequence;
  record.time = now();
  record.agent = agent;
  record.object = object;
  record.kind = <u16>kind;
  record.cpu = <u16>kernel().entered;
  record.status = status;
  record.detail = detail;
  record.a = a;
  record.b = b;
}

/** Forgets the `count` oldest records; a loss, which came after all of them, becomes a record. */
export function auditForget(count: u64): void {
  const ring = auditRing();
  assert(count <= auditCount(), "auditForget: more than there are");
  ring.drained += count;
  if (count == 0 || ring.lost == 0) return;
  const lost = ring.lost;
  ring.lost = 0;
  audit(AUDIT_LOST, 0, 0, lost, ring.firstLost);
}
