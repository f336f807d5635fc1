/** The port's command engine: picks slots from PxCI and hands their FIS to the device. */
import { scheduleIn } from "../../events";
import { dmaRead, dmaWrite } from "../../iommu/dma";
import { busMaster } from "../../pci/decode";
import {
  AHCI_SLOTS,
  ATA_STATUS_BSY,
  ATA_STATUS_DRQ,
  COMMAND_HEADER_BYTES,
  CONTROL_SRST,
  FIS_C,
  FIS_H2D,
  FIS_H2D_BYTES,
  HEADER_C,
  HEADER_CFL_MASK,
  HEADER_PRDTL_SHIFT,
  PORT_CMD_CR,
  PORT_IS_HBFS,
  PORT_IS_IFS,
  SERR_P,
  SSTS_DET_MASK,
  SSTS_DET_READY,
} from "../../../spec/ahci";
import { accept, clearDevice, clearQueue, startSoftReset } from "./device";
import { raise } from "./interrupt";
import { settleEngines } from "./port";
import { ahci, ahciAddress, ahciFunction, AhciPort, commandAt, NO_SLOT } from "./state";

/** From a register write to the controller's reaction, and from one fetch to the next. */
export const ENGINE_CYCLES: u64 = 1_000;
/** A FIS has at most 16 dwords (4.2.2, CFL). */
const CFL_MAX: u32 = 16;
const TABLE_MASK: u64 = 0xffff_ffff_ffff_ff80;

export function engineEvent(port: AhciPort): void {
  settleEngines(port);
  if (!canFetch(port)) return;
  const slot = nextSlot(port);
  if (slot == NO_SLOT) return;
  fetch(port, slot);
  if (canFetch(port)) wakeEngine(port);
}

function canFetch(port: AhciPort): bool {
  return (
    (port.cmd & PORT_CMD_CR) != 0 &&
    port.halted == 0 &&
    busMaster(ahciFunction()) &&
    (port.tfd & (ATA_STATUS_BSY | ATA_STATUS_DRQ)) == 0 &&
    (port.ssts & SSTS_DET_MASK) == SSTS_DET_READY
  );
}

/** Makes the engine look at PxCI again, if there is anything it has not fetched. */
export function wakeEngine(port: AhciPort): void {
  if (port.ci & ~port.issued) scheduleIn(port.engineEvent, ENGINE_CYCLES);
}

/** Slots are served in a circle, from the one behind the last (5.3.1, pSlotLoc). */
function nextSlot(port: AhciPort): u32 {
  const waiting = port.ci & ~port.issued;
  if (waiting == 0) return NO_SLOT;
  const turned = rotr<u32>(waiting, port.lastSlot + 1);
  return (ctz(turned) + port.lastSlot + 1) % AHCI_SLOTS;
}

/** Reads the header and the FIS of `slot`; what isn't a host's register FIS is a protocol error. */
function fetch(port: AhciPort, slot: u32): void {
  const scratch = ahci().scratch;
  const command = commandAt(port, slot);
  const header = port.clb + <u64>(slot * COMMAND_HEADER_BYTES);
  port.lastSlot = slot;
  port.issued |= 1 << slot;
  if (!dmaRead(ahciAddress(), header, scratch, COMMAND_HEADER_BYTES))
    return fatal(port, PORT_IS_HBFS);
  const first = load<u32>(scratch);
  const words = first & HEADER_CFL_MASK;
  command.header = header;
  command.flags = first & 0xffff;
  command.prdtLength = first >> HEADER_PRDTL_SHIFT;
  command.table = load<u64>(scratch, 8) & TABLE_MASK;
  if (!dmaRead(ahciAddress(), command.table, scratch, FIS_H2D_BYTES))
    return fatal(port, PORT_IS_HBFS);
  if (load<u8>(scratch) != FIS_H2D || words << 2 < <u32>FIS_H2D_BYTES || words > CFL_MAX) {
    port.serr |= SERR_P;
    return fatal(port, PORT_IS_IFS);
  }
  if (load<u8>(scratch, 1) & FIS_C) accept(port, slot, scratch);
  else control(port, slot, load<u8>(scratch, 15), command.flags);
}

/** A FIS that writes Device Control: SRST set, then cleared, resets the device (10.4.1). */
function control(port: AhciPort, slot: u32, value: u32, flags: u32): void {
  if (value & CONTROL_SRST) {
    clearDevice(port);
    port.softReset = 1;
    port.tfd |= ATA_STATUS_BSY;
    if (flags & HEADER_C) {
      port.tfd &= ~<u32>ATA_STATUS_BSY;
      retire(port, slot);
    }
  } else if (port.softReset) {
    startSoftReset(port, slot);
  } else retire(port, slot);
}

/** The slot is free again. */
export function retire(port: AhciPort, slot: u32): void {
  port.ci &= ~(1 << slot);
  port.issued &= ~(1 << slot);
  wakeEngine(port);
}

/** Bytes moved (PRDBC), for software to compare with what it asked for. */
export function reportBytes(port: AhciPort, slot: u32, bytes: u32): void {
  const scratch = ahci().scratch;
  store<u32>(scratch, bytes);
  dmaWrite(ahciAddress(), commandAt(port, slot).header + 4, scratch, 4);
}

/** An error of the controller's side: nothing goes on until software restarts the port (6.2.2). */
export function fatal(port: AhciPort, bits: u32): void {
  port.halted = 1;
  clearQueue(port);
  raise(port, bits);
}

/** ST was cleared or the link went: the controller forgets all commands. */
export function stopCommands(port: AhciPort): void {
  port.ci = 0;
  port.sact = 0;
  port.issued = 0;
  port.halted = 0;
  port.lastSlot = AHCI_SLOTS - 1;
  clearQueue(port);
}
