/** A machine with something to do, without a kernel: a clock that interrupts, a serial port, drives. */
import { HPET_BASE } from "../../spec/platform.ts";
import { Machine, type MachineOptions } from "../machine.ts";

const MIB = 1024 * 1024;

/** HPET running with timer 0 periodic every 100 µs, as a driver sets it up (IA-PC HPET 1.0a, 2.3). */
export function startClock(machine: Machine): void {
  const hpet = (offset: number, value: bigint) => machine.input.poke(HPET_BASE + offset, 8, value);
  const ticks = 100_000n / 10n; // a tick is 10 ns
  hpet(0x100, 0x4cn | (20n << 9n)); // interrupt enable, periodic, set accumulator, line 20
  hpet(0x108, ticks);
  hpet(0x108, ticks);
  hpet(0x10, 1n);
}

export const bytesOf = (length: number, seed = 1): Uint8Array =>
  Uint8Array.from({ length }, (_, n) => (n * 31 + seed * 17) & 0xff);

/** A machine whose devices live and whose CPUs stay off. */
export async function busyMachine(options: MachineOptions = {}): Promise<Machine> {
  const machine = await Machine.create({ memory: 4 * MIB, start: false, cpus: 2, ...options });
  startClock(machine);
  return machine;
}
