/** Stage: timers. The TSC is calibrated against the HPET and becomes the kernel's clock. */
import {
  Timer,
  TIMER_DRIVER_HPET,
  TIMER_DRIVER_LAPIC,
  TIMER_OK,
  timerStart,
} from "../../hal/timer";
import { calibrate, Calibration, REFERENCE_HPET } from "../../hal/x86_64/calibrate";
import { print, printDecimal, printLine } from "../console";
import { kernelCpu } from "../cpu/cpu";
import { VECTOR_TIMER } from "../cpu/vector_numbers";
import { ERROR_TIMER } from "../errors";
import { kernel, rootAllocate } from "../state";
import { boot, fail, STAGE_DONE } from "./boot";
import { platform } from "./platform";

const KHZ: u64 = 1000;

export function stageTimers(): u32 {
  boot().calibration = rootAllocate(offsetof<Calibration>());
  const measured = changetype<Calibration>(boot().calibration);
  const hpet = platform().hpet;
  if (!calibrate(measured, hpet)) return fail(ERROR_TIMER, 0, hpet);
  if (!startClock(measured, TIMER_DRIVER_LAPIC, 0) && !startClock(measured, TIMER_DRIVER_HPET, hpet))
    return fail(ERROR_TIMER, 1, hpet);
  print("timers: TSC ");
  printDecimal(measured.tscFrequency / KHZ);
  print(" kHz, local APIC ");
  printDecimal(measured.lapicFrequency / KHZ);
  print(measured.reference == REFERENCE_HPET ? " kHz, measured by the HPET" : " kHz, measured by the 8254");
  printLine(changetype<Timer>(kernel().clock).driver == TIMER_DRIVER_LAPIC ? "; clock: TSC" : "; clock: HPET");
  return STAGE_DONE;
}

/** Tries a driver for the clock; it is the kernel's from then on. */
function startClock(measured: Calibration, driver: u32, base: u64): bool {
  const timer = changetype<Timer>(rootAllocate(offsetof<Timer>()));
  timer.driver = driver;
  timer.base = base;
  timer.vector = VECTOR_TIMER;
  timer.destination = kernelCpu(0).apicId;
  timer.frequency = measured.tscFrequency;
  timer.eventFrequency = measured.lapicFrequency;
  if (timerStart(timer) != TIMER_OK) return false;
  kernel().clock = changetype<usize>(timer);
  kernelCpu(0).timer = changetype<usize>(timer);
  return true;
}

/** Starts the timer of the running processor `index`, of the kind that the bootstrap processor has. */
export function startCpuTimer(index: u32): bool {
  const clock = changetype<Timer>(kernel().clock);
  const timer = changetype<Timer>(rootAllocate(offsetof<Timer>()));
  timer.driver = clock.driver;
  timer.base = clock.base;
  timer.vector = VECTOR_TIMER;
  timer.destination = kernelCpu(index).apicId;
  timer.comparator = index;
  timer.frequency = clock.frequency;
  timer.eventFrequency = clock.eventFrequency;
  if (timerStart(timer) != TIMER_OK) return false;
  kernelCpu(index).timer = changetype<usize>(timer);
  return true;
}
