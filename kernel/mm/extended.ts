/**
 * The state that only machine code has: x87, MMX and SSE registers, and the selectors in DS, ES, FS and
 * GS. It stands behind the record of the agent's space, so it is copied, kept and exchanged with it.
 *
 *     0  the image of FXSAVE64 (Intel SDM 1, 10.5.1), 512 bytes
 *   512  selectors of ES, DS, FS, GS, u16 each
 *
 * It is saved and loaded with the registers, never later: state that is loaded when it is first used
 * can be read speculatively meanwhile (Stecklina and Prescher 2018, "LazyFP"), and a switch costs
 * less than the exception that would tell.
 */
import { loadExtended, loadSegment, readSegment, saveExtended } from "../../hal/x86_64/machine";
import { SEGMENT_NUMBER_DS, SEGMENT_NUMBER_ES } from "../../sim/spec/x86";
import { AddressSpace, EXTENDED_OFFSET } from "./address_space";
import { EXTENDED_BYTES } from "./extended_format";

const SELECTORS: usize = 512;
const SEGMENT_NUMBER_FS: u32 = 4;
const SEGMENT_NUMBER_GS: u32 = 5;
/** After FNINIT, and after reset (Intel SDM 1, 8.1.5 and 10.2.3): all exceptions masked. */
const FCW_RESET: u16 = 0x37f;
const MXCSR_RESET: u32 = 0x1f80;
const MXCSR_OFFSET: usize = 24;

@inline
function areaOf(space: AddressSpace): usize {
  return changetype<usize>(space) + EXTENDED_OFFSET;
}

/** What an agent begins with. */
export function extendedReset(space: AddressSpace): void {
  const area = areaOf(space);
  memory.fill(area, 0, EXTENDED_BYTES);
  store<u16>(area, FCW_RESET);
  store<u32>(area, MXCSR_RESET, MXCSR_OFFSET);
}

/** From the running CPU to the record of the space whose agent it runs. */
export function extendedSave(space: AddressSpace): void {
  const area = areaOf(space);
  saveExtended(area);
  store<u16>(area, <u16>readSegment(SEGMENT_NUMBER_ES), SELECTORS);
  store<u16>(area, <u16>readSegment(SEGMENT_NUMBER_DS), SELECTORS + 2);
  store<u16>(area, <u16>readSegment(SEGMENT_NUMBER_FS), SELECTORS + 4);
  store<u16>(area, <u16>readSegment(SEGMENT_NUMBER_GS), SELECTORS + 6);
}

/** The way back. What an agent has loaded once can be loaded again: the tables never change. */
export function extendedLoad(space: AddressSpace): void {
  const area = areaOf(space);
  loadExtended(area);
  loadSegment(SEGMENT_NUMBER_ES, load<u16>(area, SELECTORS));
  loadSegment(SEGMENT_NUMBER_DS, load<u16>(area, SELECTORS + 2));
  loadSegment(SEGMENT_NUMBER_FS, load<u16>(area, SELECTORS + 4));
  loadSegment(SEGMENT_NUMBER_GS, load<u16>(area, SELECTORS + 6));
}

export function extendedCopy(from: AddressSpace, to: AddressSpace): void {
  memory.copy(areaOf(to), areaOf(from), EXTENDED_BYTES);
}
