/** The root of all machine state, at a fixed address, and the machine's configuration. */
import { Cpu } from "./cpu/cpu";
import { Drive } from "./devices/drive";
import { STATE_BASE } from "./memory";

/** A linear-memory address of one `T` or of an array of them; the typed views follow it. */
export type Ptr<T> = usize;

@unmanaged
export class Machine {
  /** Identifies the layout to the host: "AIOS". */
  magic: u32;
  cpuCount: u32;
  ramBytes: u64;
  /** RAM below the 32-bit PCI hole; the rest begins at 4 GiB. */
  lowRamBytes: u64;

  /** Virtual time in cycles (1 cycle = 1 ns): the start of the slice that is being run. */
  now: u64;
  /** End of the current slice. A nearer event pulls it in. */
  sliceEnd: u64;
  /** Micro-steps made since power-on: one event, or one CPU's turn. */
  steps: u64;
  /** The CPU whose turn is next in this slice. */
  turn: u32;
  /** Index of the CPU that is executing now, or NO_CPU. */
  running: u32;
  /** Bit n: CPU n may have something to do. */
  attention: u64;
  /** Bit n: CPU n is held by a debugger and gets no turns; what comes for it waits. */
  held: u64;
  /** Why the machine stopped for good (`Stop`), or 0. */
  stopped: u32;
  arenaTop: u32;

  /** Wall-clock time at power-on, in seconds since 1970, given by the host. */
  epochSeconds: u64;
  /** 32 bytes of boot entropy given by the host. */
  entropy0: u64;
  entropy1: u64;
  entropy2: u64;
  entropy3: u64;

  cpus: Ptr<Cpu>;
  eventQueue: usize;
  trace: usize;
  faults: usize;
  /** Faults in the table: with none, asking costs one load. */
  faultCount: u32;
  bus: usize;
  lapics: usize;
  ioapic: usize;
  pic: usize;
  pit: usize;
  hpet: usize;
  rtc: usize;
  uart: usize;
  power: usize;
  firmware: usize;
  pci: usize;
  iommu: usize;
  drives: Ptr<Drive>;
  driveCount: u32;
  nvme: usize;
  ahci: usize;
  nic: usize;
  /** Where RDSEED's numbers come from. */
  rdseed: usize;
  /** 1: a guest's own code runs, and there is no kernel.wasm behind the window of kernel text. */
  guest: u32;
  /** I/O port whose writes end the run with a status; 0 when there is none. */
  debugExitPort: u32;
  /** What was written to it. */
  debugExitValue: u32;
  /** MAC address of the network controller, first byte lowest; 0 when there is none. */
  nicAddress: u64;
}

export const NO_CPU: u32 = 0xffff_ffff;

@inline
export function machine(): Machine {
  return changetype<Machine>(STATE_BASE);
}
