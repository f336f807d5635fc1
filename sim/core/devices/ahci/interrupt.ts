/**
 * Interrupts (AHCI 1.3.1, 10.7): a port's enabled status bits set its bit of IS; IS and GHC.IE
 * drive INTx, or send a message whenever there is news.
 */
import { notify, setIntx } from "../../pci/interrupts";
import { takeFault } from "../../faults";
import {
  GHC_IE,
  PORT_IS_PCS,
  PORT_IS_PRCS,
  PORT_IS_UFS,
  SERR_F,
  SERR_N,
  SERR_X,
} from "../../../spec/ahci";
import { FAULT_INTERRUPT_LOST, FAULT_INTERRUPT_SPURIOUS } from "../../../spec/faults";
import { ahci, ahciAddress, ahciFunction, AhciPort, portAt } from "./state";

/** PxIS as software reads it: three of its bits mirror PxSERR (3.3.5). */
export function portStatus(port: AhciPort): u32 {
  let status = port.is;
  if (port.serr & SERR_N) status |= PORT_IS_PRCS;
  if (port.serr & SERR_X) status |= PORT_IS_PCS;
  if (port.serr & SERR_F) status |= PORT_IS_UFS;
  return status;
}

/** Ports that ask for an interrupt, a bit each. */
function requests(): u32 {
  const hba = ahci();
  let mask: u32 = 0;
  for (let index: u32 = 0; index < hba.portCount; index++) {
    const port = portAt(index);
    if (portStatus(port) & port.ie) mask |= 1 << index;
  }
  return mask;
}

/** A port's status or enable bits changed. */
export function updateInterrupts(): void {
  const hba = ahci();
  const before = hba.is;
  hba.is |= requests();
  drive(hba.is & ~before);
}

/** Software wrote IS or GHC: what still asks is raised again (10.7.2). */
export function hostInterruptsChanged(): void {
  const hba = ahci();
  hba.is |= requests();
  drive(hba.is);
}

function drive(news: u32): void {
  const hba = ahci();
  const enabled = (hba.ghc & GHC_IE) != 0;
  if (!enabled || hba.is == 0) return setIntx(ahciFunction(), false);
  if (news == 0 || takeFault(FAULT_INTERRUPT_LOST, ahciAddress())) return;
  setIntx(ahciFunction(), true);
  notify(ahciFunction(), 0);
}

/** Sets bits of PxIS. */
export function raise(port: AhciPort, bits: u32): void {
  port.is |= bits;
  updateInterrupts();
}

/** The armed fault of an interrupt without a reason. */
export function maybeSpurious(): void {
  if (!takeFault(FAULT_INTERRUPT_SPURIOUS, ahciAddress())) return;
  const hba = ahci();
  setIntx(ahciFunction(), true);
  notify(ahciFunction(), 0);
  setIntx(ahciFunction(), (hba.ghc & GHC_IE) != 0 && hba.is != 0);
}
