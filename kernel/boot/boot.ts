/**
 * The boot: a table of stages that run one after the other on the bootstrap processor.
 *
 * A stage never blocks. It does what it can and says whether it is done, waits (for an interrupt,
 * until `deadline` at the latest) or has failed; the idle loop calls it again when the CPU wakes.
 */
import { CpuStartup, InterruptController } from "../../hal/interrupts";
import { Pci } from "../../hal/pci";
import { PowerDevice } from "../../hal/power";
import { Calibration } from "../../hal/x86_64/calibrate";
import { Handoff } from "../../hal/x86_64/handoff";
import { Platform } from "../../hal/x86_64/platform";
import { Partitions } from "../storage/partitions";
import { Storage } from "../storage/storage";
import { kernel, Ptr } from "../state";
import { Bundle } from "./bundle";

/** What a stage answers. */
export const STAGE_DONE: u32 = 0;
export const STAGE_WAIT: u32 = 1;
/** `boot().error` says why. */
export const STAGE_FAILED: u32 = 2;

/** No deadline: only an interrupt wakes the stage. */
export const NO_DEADLINE: u64 = 0xffff_ffff_ffff_ffff;

@unmanaged
export class Boot {
  /** Index of the running stage (stages.ts). */
  stage: u32;
  /** The stage's own state machine; 0 when it begins. */
  phase: u32;
  /** Time by which the stage wants to be called again, ns. */
  deadline: u64;

  /** Why the boot failed: a code of errors.ts and two numbers that say where. */
  error: u32;
  detail: u32;
  place: u64;

  /** First error of a drive or its partition table; it counts when no other drive has a bundle. */
  tableError: u32;
  tableDetail: u32;
  tablePlace: u64;
  /** The power button was pressed. */
  powerButton: u32;

  /** Physical address of the firmware's start info. */
  startInfo: u64;
  handoff: Ptr<Handoff>;
  power: Ptr<PowerDevice>;
  interrupts: Ptr<InterruptController>;
  calibration: Ptr<Calibration>;
  platform: Ptr<Platform>;
  processors: Ptr<CpuStartup>;
  pci: Ptr<Pci>;
  iommu: usize;
  storage: Ptr<Storage>;
  partitions: Ptr<Partitions>;
  bundle: Ptr<Bundle>;
}

@inline
export function boot(): Boot {
  return changetype<Boot>(kernel().boot);
}

/** Notes why the boot fails; for `return fail(…)` in a stage. */
export function fail(error: u32, detail: u32 = 0, place: u64 = 0): u32 {
  const state = boot();
  state.error = error;
  state.detail = detail;
  state.place = place;
  return STAGE_FAILED;
}

/** Waits for an interrupt, until `deadline` (ns) at the latest. */
export function waitUntil(deadline: u64): u32 {
  boot().deadline = deadline;
  return STAGE_WAIT;
}
