/** AHCI 1.3.1 host bus adapter: creation, generic host control, reset and access widths. */
import { allocate, allocateMany, allocateOne } from "../../arena";
import { cancelEvent, createEvent, scheduleIn } from "../../events";
import { EVENT_AHCI } from "../../kinds";
import { machine } from "../../machine";
import { addBar, BAR_MEMORY32 } from "../../pci/decode";
import { createFunction } from "../../pci/function";
import { addMsi } from "../../pci/interrupts";
import { MODEL_AHCI } from "../../pci/models";
import { addPowerCapability } from "../../pci/power";
import { ADDRESS_AHCI } from "../../pci/topology";
import { DRIVE_AHCI, driveAt } from "../drive";
import {
  AHCI_BAR,
  AHCI_BAR_BYTES,
  AHCI_CAP,
  AHCI_CLASS,
  AHCI_GHC,
  AHCI_IS,
  AHCI_PI,
  AHCI_PORT_BYTES,
  AHCI_PORTS,
  AHCI_SLOTS,
  AHCI_VENDOR_DEVICE,
  AHCI_VERSION,
  AHCI_VS,
  CAP_ISS_SHIFT,
  CAP_NCS_SHIFT,
  CAP_S64A_SHIFT,
  CAP_SAM,
  CAP_SCLO,
  CAP_SNCQ,
  GHC_AE_SHIFT,
  GHC_HR,
  GHC_IE,
} from "../../../spec/ahci";
import { hostInterruptsChanged, updateInterrupts } from "./interrupt";
import { connect, portRead, portWrite, resetPort } from "./port";
import { engineEvent } from "./engine";
import { mediaEvent } from "./device";
import {
  Ahci,
  ahci,
  AHCI_PORTS_MAX,
  AhciCommand,
  AhciPort,
  AhciTransfer,
  CHUNK_BYTES,
  SCRATCH_BYTES,
  NO_SLOT,
  portAt,
} from "./state";

/** What an event's argument is for: port | use << 8. */
const USE_ENGINE: u32 = 0;
const USE_MEDIA: u32 = 1;
const USE_LINK: u32 = 2;
const USE_RESET: u32 = 3;
/** Time a controller takes to reset itself; the specification allows a second (10.4.3). */
const HOST_RESET_CYCLES: u64 = 10_000;

const CAP: u32 =
  (<u32>AHCI_PORTS_MAX - 1) |
  ((<u32>AHCI_SLOTS - 1) << CAP_NCS_SHIFT) |
  CAP_SAM |
  (3 << CAP_ISS_SHIFT) |
  CAP_SCLO |
  CAP_SNCQ |
  (<u32>1 << CAP_S64A_SHIFT);
/** CAP.SAM is one, so the controller is always in AHCI mode (3.1.2). */
const GHC_AE: u32 = <u32>1 << GHC_AE_SHIFT;

/** Builds the controller when the host attached a drive to it, with one port a drive. */
export function createAhci(): void {
  const state = machine();
  let drives: u32 = 0;
  for (let index: u32 = 0; index < state.driveCount; index++)
    if (driveAt(index).attachment == <u16>DRIVE_AHCI) drives += 1;
  if (drives == 0) return;
  const hba = allocateOne<Ahci>();
  state.ahci = changetype<usize>(hba);
  hba.portCount = min(drives, AHCI_PORTS_MAX);
  hba.implemented = (1 << hba.portCount) - 1;
  hba.ports = allocateMany<AhciPort>(hba.portCount);
  hba.scratch = allocate(SCRATCH_BYTES);
  hba.resetEvent = createEvent(EVENT_AHCI, USE_RESET << 8);
  const fn = createFunction(ADDRESS_AHCI, MODEL_AHCI, 0, AHCI_VENDOR_DEVICE, AHCI_CLASS << 8);
  hba.fn = changetype<usize>(fn);
  addBar(fn, AHCI_BAR, AHCI_BAR_BYTES, BAR_MEMORY32);
  addPowerCapability(fn);
  addMsi(fn, 1);
  let port: u32 = 0;
  for (let index: u32 = 0; index < state.driveCount && port < hba.portCount; index++)
    if (driveAt(index).attachment == <u16>DRIVE_AHCI) createPort(port++, index);
  hba.ghc = GHC_AE;
}

function createPort(index: u32, drive: u32): void {
  const port = portAt(index);
  port.index = index;
  port.drive = drive;
  port.commands = allocateMany<AhciCommand>(AHCI_SLOTS);
  port.order = allocate(AHCI_SLOTS);
  port.transfer = changetype<usize>(allocateOne<AhciTransfer>());
  port.buffer = allocate(CHUNK_BYTES);
  port.engineEvent = createEvent(EVENT_AHCI, index | (USE_ENGINE << 8));
  port.mediaEvent = createEvent(EVENT_AHCI, index | (USE_MEDIA << 8));
  port.linkEvent = createEvent(EVENT_AHCI, index | (USE_LINK << 8));
  changetype<AhciTransfer>(port.transfer).slot = NO_SLOT;
  resetPort(port);
}

export function ahciEvent(argument: u32): void {
  const use = argument >> 8;
  if (use == USE_RESET) {
    ahci().ghc &= ~<u32>GHC_HR;
    return;
  }
  const port = portAt(argument & 0xff);
  if (use == USE_ENGINE) engineEvent(port);
  else if (use == USE_MEDIA) mediaEvent(port);
  else connect(port);
}

/** GHC.HR (10.4.3): all but the capabilities and the ports' base addresses starts anew. */
function resetHost(): void {
  const hba = ahci();
  hba.ghc = GHC_AE | GHC_HR;
  hba.is = 0;
  for (let index: u32 = 0; index < hba.portCount; index++) resetPort(portAt(index));
  updateInterrupts();
  scheduleIn(hba.resetEvent, HOST_RESET_CYCLES);
}

/** A reset of the PCI function: the base addresses go too. */
export function ahciFunctionReset(): void {
  const hba = ahci();
  resetHost();
  for (let index: u32 = 0; index < hba.portCount; index++) {
    const port = portAt(index);
    port.clb = 0;
    port.fb = 0;
  }
  hba.ghc = GHC_AE;
  cancelEvent(hba.resetEvent);
}

function registerRead(offset: u32): u32 {
  const hba = ahci();
  if (offset >= <u32>AHCI_PORTS) {
    const index = (offset - AHCI_PORTS) / AHCI_PORT_BYTES;
    if (index >= hba.portCount) return 0;
    return portRead(portAt(index), (offset - AHCI_PORTS) % AHCI_PORT_BYTES);
  }
  switch (offset) {
    case AHCI_CAP:
      return CAP;
    case AHCI_GHC:
      return hba.ghc;
    case AHCI_IS:
      return hba.is;
    case AHCI_PI:
      return hba.implemented;
    case AHCI_VS:
      return AHCI_VERSION;
    default:
      return 0;
  }
}

/** Writes the bytes of an aligned register that `mask` selects. */
function registerWrite(offset: u32, value: u32, mask: u32): void {
  const hba = ahci();
  // While it resets itself, the controller takes no writes.
  if (hba.ghc & GHC_HR) return;
  if (offset >= <u32>AHCI_PORTS) {
    const index = (offset - AHCI_PORTS) / AHCI_PORT_BYTES;
    if (index < hba.portCount)
      portWrite(portAt(index), (offset - AHCI_PORTS) % AHCI_PORT_BYTES, value, mask);
  } else if (offset == AHCI_GHC && (mask & 0xff) != 0) {
    if (value & GHC_HR) return resetHost();
    hba.ghc = GHC_AE | (value & GHC_IE);
    hostInterruptsChanged();
  } else if (offset == AHCI_IS) {
    hba.is &= ~(value & mask);
    hostInterruptsChanged();
  }
}

/** A read of ABAR: registers are dwords, other widths see parts or pairs of them. */
export function ahciBarRead(offset: u32, bytes: u32): u64 {
  const low = <u64>registerRead(offset & ~3) | (<u64>upperHalf(offset, bytes) << 32);
  return low >> ((offset & 3) << 3);
}

function upperHalf(offset: u32, bytes: u32): u32 {
  return (offset & 3) + bytes > 4 ? registerRead((offset & ~3) + 4) : 0;
}

/** A write to ABAR; one that is narrower than a register leaves the register's other bytes. */
export function ahciBarWrite(offset: u32, bytes: u32, value: u64): void {
  const shift = (offset & 3) << 3;
  const ones: u64 = bytes == 8 ? 0xffff_ffff_ffff_ffff : (<u64>1 << (bytes << 3)) - 1;
  const mask = ones << shift;
  const data = (value & ones) << shift;
  if (<u32>mask != 0) registerWrite(offset & ~3, <u32>data, <u32>mask);
  if (mask >> 32 != 0) registerWrite((offset & ~3) + 4, <u32>(data >> 32), <u32>(mask >> 32));
}
