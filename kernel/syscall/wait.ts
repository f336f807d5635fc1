/** System calls: giving the processor up. */
import { kernelCpu } from "../cpu/cpu";
import { Call } from "./call";
import { STATUS_OK, STATUS_TIMED_OUT } from "./status";

export function wait(call: Call): u32 {
  return STATUS_TIMED_OUT;
}

export function yieldCpu(call: Call): u32 {
  kernelCpu(call.cpu).reschedule = 1;
  return STATUS_OK;
}
