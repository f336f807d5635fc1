/** Port registers (AHCI 1.3.1, 3.3), the link and resets. */
import { cancelEvent, scheduleIn } from "../../events";
import {
  ATA_SIGNATURE,
  ATA_STATUS_BSY,
  ATA_STATUS_DRDY,
  ATA_STATUS_DRQ,
  ATA_STATUS_DSC,
  PORT_CI,
  PORT_CLB,
  PORT_CLBU,
  PORT_CMD,
  PORT_CMD_ATAPI,
  PORT_CMD_CCS_SHIFT,
  PORT_CMD_CLO,
  PORT_CMD_CR,
  PORT_CMD_FR,
  PORT_CMD_FRE,
  PORT_CMD_POD,
  PORT_CMD_ST,
  PORT_CMD_SUD,
  PORT_FB,
  PORT_FBU,
  PORT_IE,
  PORT_IE_MASK,
  PORT_IS,
  PORT_SACT,
  PORT_SCTL,
  PORT_SERR,
  PORT_SIG,
  PORT_SSTS,
  PORT_TFD,
  SCTL_DET_MASK,
  SCTL_DET_OFFLINE,
  SCTL_DET_RESET,
  SCTL_MASK,
  SERR_MASK,
  SERR_N,
  SERR_X,
  SSTS_DET_NONE,
  SSTS_DET_OFFLINE,
  SSTS_DET_READY,
  SSTS_IPM_ACTIVE,
} from "../../../spec/ahci";
import { clearDevice } from "./device";
import { ENGINE_CYCLES, stopCommands } from "./engine";
import { postSignature } from "./fis";
import { portStatus, updateInterrupts } from "./interrupt";
import { AhciPort } from "./state";

/** Link negotiation and the device's own reset. */
const LINK_CYCLES: u64 = 100_000;
/** Generation 3, 6 Gbit/s: what controller and device both can (SSTS.SPD, SCTL.SPD). */
const SPEED_MAX: u32 = 3;
const CMD_WRITABLE: u32 = PORT_CMD_ST | PORT_CMD_FRE | PORT_CMD_ATAPI;
/** Command list 1 KiB aligned, received FIS area 256 bytes. */
const CLB_MASK: u32 = 0xffff_fc00;
const FB_MASK: u32 = 0xffff_ff00;

export function portRead(port: AhciPort, offset: u32): u32 {
  switch (offset) {
    case PORT_CLB:
      return <u32>port.clb;
    case PORT_CLBU:
      return <u32>(port.clb >> 32);
    case PORT_FB:
      return <u32>port.fb;
    case PORT_FBU:
      return <u32>(port.fb >> 32);
    case PORT_IS:
      return portStatus(port);
    case PORT_IE:
      return port.ie;
    case PORT_CMD:
      return port.cmd | currentSlot(port) | PORT_CMD_SUD | PORT_CMD_POD;
    case PORT_TFD:
      return port.tfd;
    case PORT_SIG:
      return port.sig;
    case PORT_SSTS:
      return port.ssts;
    case PORT_SCTL:
      return port.sctl;
    case PORT_SERR:
      return port.serr;
    case PORT_SACT:
      return port.sact;
    case PORT_CI:
      return port.ci;
    default:
      return 0;
  }
}

/** PxCMD.CCS: valid while ST is set. */
function currentSlot(port: AhciPort): u32 {
  return port.cmd & PORT_CMD_ST && port.issued != 0 ? port.lastSlot << PORT_CMD_CCS_SHIFT : 0;
}

/** Writes the bytes of a port register that `mask` selects. */
export function portWrite(port: AhciPort, offset: u32, value: u32, mask: u32): void {
  const ones = value & mask;
  switch (offset) {
    case PORT_CLB:
      port.clb = (port.clb & ~(<u64>(mask & CLB_MASK))) | <u64>(ones & CLB_MASK);
      break;
    case PORT_CLBU:
      port.clb = (port.clb & ~(<u64>mask << 32)) | (<u64>ones << 32);
      break;
    case PORT_FB:
      port.fb = (port.fb & ~(<u64>(mask & FB_MASK))) | <u64>(ones & FB_MASK);
      break;
    case PORT_FBU:
      port.fb = (port.fb & ~(<u64>mask << 32)) | (<u64>ones << 32);
      break;
    case PORT_IS:
      port.is &= ~ones;
      updateInterrupts();
      break;
    case PORT_IE:
      port.ie = ((port.ie & ~mask) | ones) & PORT_IE_MASK;
      updateInterrupts();
      break;
    case PORT_CMD:
      writeCommand(port, ones, mask);
      break;
    case PORT_SCTL:
      writeControl(port, ((port.sctl & ~mask) | ones) & SCTL_MASK);
      break;
    case PORT_SERR:
      port.serr &= ~(ones & SERR_MASK);
      updateInterrupts();
      break;
    case PORT_SACT:
      if (port.cmd & PORT_CMD_ST) port.sact |= ones;
      break;
    case PORT_CI:
      if (!(port.cmd & PORT_CMD_ST)) break;
      port.ci |= ones;
      if (port.ci & ~port.issued) scheduleIn(port.engineEvent, ENGINE_CYCLES);
      break;
    default:
  }
}

/** PxCMD: FR follows FRE and CR follows ST, a moment later (10.3). */
function writeCommand(port: AhciPort, ones: u32, mask: u32): void {
  const before = port.cmd;
  port.cmd = (before & ~(mask & CMD_WRITABLE)) | (ones & CMD_WRITABLE);
  // 3.3.7: the override only counts together with, or before, the start of the command list.
  if (ones & PORT_CMD_CLO && !(before & PORT_CMD_ST))
    port.tfd &= ~<u32>(ATA_STATUS_BSY | ATA_STATUS_DRQ);
  if (before & PORT_CMD_ST && !(port.cmd & PORT_CMD_ST)) stopCommands(port);
  if (port.cmd != before) scheduleIn(port.engineEvent, ENGINE_CYCLES);
}

/** The engines have noticed what software wrote to PxCMD. */
export function settleEngines(port: AhciPort): void {
  const fre = (port.cmd & PORT_CMD_FRE) != 0;
  const st = (port.cmd & PORT_CMD_ST) != 0;
  port.cmd = (port.cmd & ~<u32>(PORT_CMD_FR | PORT_CMD_CR)) |
    (fre ? PORT_CMD_FR : 0) | (st ? PORT_CMD_CR : 0);
  if (fre && port.signatureWaits) postSignature(port);
}

/** PxSCTL (3.3.11): a change of DET resets the link, lets it come up, or takes it offline. */
function writeControl(port: AhciPort, value: u32): void {
  const request = value & SCTL_DET_MASK;
  port.sctl = value;
  if (request == port.linkRequest) return;
  port.linkRequest = request;
  cancelEvent(port.linkEvent);
  if (request == 0) return scheduleIn(port.linkEvent, LINK_CYCLES);
  if (request != SCTL_DET_RESET && request != SCTL_DET_OFFLINE) return;
  stopCommands(port);
  clearDevice(port);
  if ((port.ssts & SCTL_DET_MASK) == SSTS_DET_READY) port.serr |= SERR_N;
  port.ssts = request == SCTL_DET_OFFLINE ? SSTS_DET_OFFLINE : SSTS_DET_NONE;
  port.tfd = 0x7f;
  port.sig = 0xffff_ffff;
  updateInterrupts();
}

/** The link is up: the device says hello and sends its signature (10.4.2). */
export function connect(port: AhciPort): void {
  const limit = (port.sctl >> 4) & 0xf;
  const speed = limit == 0 ? SPEED_MAX : min(limit, SPEED_MAX);
  port.ssts = SSTS_IPM_ACTIVE | (speed << 4) | SSTS_DET_READY;
  port.serr |= SERR_X | SERR_N;
  sendSignature(port);
  updateInterrupts();
}

/** The first D2H register FIS after a reset is taken even while FRE is clear (10.1.2). */
export function sendSignature(port: AhciPort): void {
  port.sig = ATA_SIGNATURE;
  port.tfd = 0x0100 | ATA_STATUS_DRDY | ATA_STATUS_DSC;
  if (port.cmd & PORT_CMD_FR) postSignature(port);
  else port.signatureWaits = 1;
}

/** Power-on or GHC.HR: registers to their defaults, then the link comes up (10.4.3). */
export function resetPort(port: AhciPort): void {
  stopCommands(port);
  clearDevice(port);
  cancelEvent(port.engineEvent);
  port.is = 0;
  port.ie = 0;
  port.cmd = 0;
  port.tfd = 0x7f;
  port.sig = 0xffff_ffff;
  port.ssts = 0;
  port.sctl = 0;
  port.serr = 0;
  port.linkRequest = 0;
  port.signatureWaits = 0;
  cancelEvent(port.linkEvent);
  scheduleIn(port.linkEvent, LINK_CYCLES);
}
