/** What must hold of the audit ring; each function is one named invariant. */
import { AUDIT_RECORDS } from "../limits";
import { auditRing, auditSlot } from "./audit";

/** audit-ring-within-limit: it never holds more than its records. */
export function auditWithinLimit(): bool {
  const ring = auditRing();
  return ring.drained <= ring.written && ring.written - ring.drained <= AUDIT_RECORDS;
}

/**
 * audit-nothing-silent: the records that wait have growing numbers and times, and every act ever is
 * accounted for: it has been a record, or is counted as lost.
 */
export function auditAccountsForAll(): bool {
  const ring = auditRing();
  if (ring.written + ring.lostEver != ring.sequence || ring.lost > ring.lostEver) return false;
  for (let number = ring.drained; number + 1 < ring.written; number++) {
    const record = auditSlot(number);
    if (record.sequence >= auditSlot(number + 1).sequence) return false;
  }
  return true;
}
