/** Data between a port's buffer and memory, as the PRDT lays it out (AHCI 1.3.1, 4.2.3.3). */
import { dmaRead, dmaWrite } from "../../iommu/dma";
import {
  PORT_IS_DPS,
  PORT_IS_HBFS,
  PORT_IS_OFS,
  PRD_BYTES,
  PRD_COUNT_MASK,
  PRD_I_SHIFT,
  TABLE_PRDT,
} from "../../../spec/ahci";
import { fatal } from "./engine";
import { raise } from "./interrupt";
import { ahci, ahciAddress, AhciPort, AhciTransfer, commandAt, transferOf } from "./state";

/** PRDT entries that one event works off: a guest may make each of them two bytes long. */
const ENTRIES_PER_EVENT: u32 = 512;
const PRD_I: u32 = <u32>1 << PRD_I_SHIFT;

/**
 * Moves what is left of the buffer's `filled` bytes, or as much of it as one event may. False when
 * the port has come to a fatal error: memory refused, or the PRDT is too short (6.1.5).
 */
export function moveData(port: AhciPort, toMemory: bool): bool {
  const transfer = transferOf(port);
  const command = commandAt(port, transfer.slot);
  for (let n: u32 = 0; n < ENTRIES_PER_EVENT && transfer.taken < transfer.filled; n++) {
    if (transfer.entry >= command.prdtLength) return refuse(port, PORT_IS_OFS);
    const at = command.table + TABLE_PRDT + <u64>transfer.entry * PRD_BYTES;
    const entry = ahci().scratch;
    if (!dmaRead(ahciAddress(), at, entry, PRD_BYTES)) return refuse(port, PORT_IS_HBFS);
    const base = load<u64>(entry) & ~(<u64>1);
    const last = load<u32>(entry, 12);
    if (!moveEntry(port, transfer, base, ((last & PRD_COUNT_MASK) | 1) + 1, toMemory))
      return refuse(port, PORT_IS_HBFS);
    if (transfer.entryOffset == 0 && last & PRD_I) raise(port, PORT_IS_DPS);
  }
  return true;
}

/** Moves the rest of an entry of `size` bytes or of the buffer, whichever is less. */
function moveEntry(
  port: AhciPort,
  transfer: AhciTransfer,
  base: u64,
  size: u32,
  toMemory: bool,
): bool {
  // Software may have changed the entry since its first part was moved.
  if (transfer.entryOffset >= size) transfer.entryOffset = 0;
  const span = min(size - transfer.entryOffset, transfer.filled - transfer.taken);
  const address = base + transfer.entryOffset;
  const local = port.buffer + transfer.taken;
  const done = toMemory
    ? dmaWrite(ahciAddress(), address, local, span)
    : dmaRead(ahciAddress(), address, local, span);
  if (!done) return false;
  transfer.taken += span;
  transfer.moved += span;
  transfer.entryOffset += span;
  if (transfer.entryOffset == size) {
    transfer.entry += 1;
    transfer.entryOffset = 0;
  }
  return true;
}

function refuse(port: AhciPort, bits: u32): bool {
  fatal(port, bits);
  return false;
}
