/** The machine interface: state that only machine code uses, which a kernel switches (FXSAVE, MOV from Sreg). */
import { raiseFault } from "../cpu/exceptions";
import { charge, runningCpu, segmentAt } from "../cpu/cpu";
import { loadMxcsrArea, loadX87Area, loadXmmArea, storeMxcsrArea, storeX87Area, storeXmmArea } from "../x87/fxsave";
import { machine } from "../machine";
import { RAM_BASE } from "../memory";

/** Bytes of the FXSAVE image (Intel SDM 1, 10.5.1); what is behind XMM15 belongs to software. */
const IMAGE_BYTES: usize = 512;
/** Latencies of Intel cores since Skylake (uops.info), rounded. */
const SAVE_CYCLES: u64 = 70;
const LOAD_CYCLES: u64 = 70;
const SEGMENT_CYCLES: u64 = 1;

function inRam(at: usize): bool {
  const end = RAM_BASE + <usize>machine().ramBytes;
  return at >= RAM_BASE && at < end && end - at >= IMAGE_BYTES;
}

/** FXSAVE64 to linear address `at`, if the 512 bytes are RAM. */
export function saveExtended(at: usize): void {
  const cpu = runningCpu();
  charge(cpu, SAVE_CYCLES);
  if (!inRam(at)) return;
  storeX87Area(cpu, at, true);
  storeMxcsrArea(cpu, at);
  storeXmmArea(cpu, at);
}

/** FXRSTOR64 from there; #GP(0) for an MXCSR with a bit that doesn't exist. */
export function loadExtended(at: usize): void {
  const cpu = runningCpu();
  charge(cpu, LOAD_CYCLES);
  if (!inRam(at)) return;
  if (!loadMxcsrArea(cpu, at)) {
    raiseFault(cpu);
    return;
  }
  loadX87Area(cpu, at, true);
  loadXmmArea(cpu, at);
}

/** MOV from a segment register: 0 ES, 1 CS, 2 SS, 3 DS, 4 FS, 5 GS. */
export function readSegment(number: u32): u32 {
  const cpu = runningCpu();
  charge(cpu, SEGMENT_CYCLES);
  return number > 5 ? 0 : segmentAt(cpu, number).selector;
}
