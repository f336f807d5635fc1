/** What reset and INIT make of a local APIC (Intel SDM 3A, 10.4.7). */
import { LVT_MASKED } from "../../spec/apic";
import { stopTimer } from "./timer";
import { Lapic, LVT_COUNT, setLvt } from "./state";

const DFR_RESET: u32 = 0xffff_ffff;
const SVR_RESET: u32 = 0xff;
/** ISR, TMR and IRR: three registers of 256 bits. */
const VECTOR_BYTES: usize = 96;

/** Brings every register to its reset value; ID, mode and the levels of pins stay. */
export function resetLapic(lapic: Lapic): void {
  stopTimer(lapic);
  lapic.tpr = 0;
  lapic.ldr = 0;
  lapic.dfr = DFR_RESET;
  lapic.svr = SVR_RESET;
  lapic.esr = 0;
  lapic.errors = 0;
  lapic.icrLow = 0;
  lapic.icrHigh = 0;
  lapic.extInt = 0;
  lapic.timerDivide = 0;
  memory.fill(changetype<usize>(lapic) + offsetof<Lapic>("isr0"), 0, VECTOR_BYTES);
  for (let index: u32 = 0; index < LVT_COUNT; index++) setLvt(lapic, index, LVT_MASKED);
}
