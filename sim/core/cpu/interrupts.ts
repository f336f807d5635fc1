/** Delivery of interrupts and exceptions (Intel SDM 3A, 6). */
import { CPU_RUNNING, Cpu } from "./cpu";

/** Delivers the most urgent thing that waits for the CPU, if anything may be delivered. */
export function deliverPending(cpu: Cpu): void {}

/** IRETQ: back to what was interrupted. */
export function returnFromInterrupt(cpu: Cpu): void {}

/** Whether the CPU would do something if it got a turn. */
export function cpuReady(cpu: Cpu): bool {
  return cpu.activity == CPU_RUNNING;
}
