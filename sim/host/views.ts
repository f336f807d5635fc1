/** Typed views of the machine, by name. Reading is looking; writing a field is a journaled input. */
import { STATE_BASE } from "./core.ts";
import * as Views from "./views.generated.ts";

/** Devices that have one state structure, by the name of its field in `Machine`. */
const DEVICES = {
  ahci: Views.Ahci,
  hpet: Views.Hpet,
  ioapic: Views.Ioapic,
  iommu: Views.Iommu,
  nic: Views.Nic,
  nvme: Views.NvmeController,
  pci: Views.Pci,
  pic: Views.Pic,
  pit: Views.Pit,
  power: Views.Power,
  rtc: Views.Rtc,
  uart: Views.Uart,
} as const;

type DeviceName = keyof typeof DEVICES;
/** Controllers that a machine has only with a drive, or a network, for them. */
type Optional = "ahci" | "nic" | "nvme";
type DeviceViews = {
  readonly [N in DeviceName]:
    | InstanceType<(typeof DEVICES)[N]>
    | (N extends Optional ? null : never);
};

/** An event that is scheduled. */
export interface ScheduledEvent {
  readonly slot: number;
  /** Kind of sim/core/kinds.ts. */
  readonly kind: number;
  /** Virtual time at which it is due, in ns. */
  readonly time: bigint;
}

export class SimViews {
  private readonly data: DataView;
  readonly root: Views.Machine;

  constructor(data: DataView) {
    this.data = data;
    this.root = new Views.Machine(data, STATE_BASE);
  }

  get cpus(): Views.Cpu[] {
    return Array.from(
      { length: this.root.cpuCount },
      (_, n) => new Views.Cpu(this.data, this.root.cpus + n * Views.Cpu.size),
    );
  }

  /** Local APICs, one a CPU. */
  get lapics(): Views.Lapic[] {
    return Array.from(
      { length: this.root.cpuCount },
      (_, n) => new Views.Lapic(this.data, this.root.lapics + n * Views.Lapic.size),
    );
  }

  /** Devices by name; null for a controller that the machine doesn't have. */
  get devices(): DeviceViews {
    const views = Object.entries(DEVICES).map(([name, View]) => {
      const address = this.root[name as DeviceName];
      return [name, address === 0 ? null : new View(this.data, address)];
    });
    return Object.fromEntries(views) as DeviceViews;
  }

  /** PCI functions in the order of their creation. */
  get functions(): Views.PciFunction[] {
    const { pci } = this.devices;
    return Array.from({ length: pci.functionCount }, (_, n) => pci.functionsAt(n));
  }

  /** Scheduled events, the next one first. */
  get events(): ScheduledEvent[] {
    const queue = new Views.EventQueue(this.data, this.root.eventQueue);
    const events = Array.from({ length: queue.count }, (_, position) => {
      const slot = this.data.getUint32(queue.heap + position * 4, true);
      const entry = new Views.EventSlot(this.data, queue.slots + slot * Views.EventSlot.size);
      return { slot, kind: entry.kind, time: entry.time };
    });
    return events.sort((a, b) => (a.time === b.time ? a.slot - b.slot : a.time < b.time ? -1 : 1));
  }
}
