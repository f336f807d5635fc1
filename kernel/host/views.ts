/**
 * Typed views of the kernel's structures, from its root in RAM. RAM is the guest's: before the
 * kernel has set a structure up, its view is null.
 */
import { RAM_BASE } from "../../sim/host/core.ts";
import type { View } from "../../sim/host/view.ts";
import { KERNEL_ADDRESS, KERNEL_BYTES } from "../../sim/spec/platform.ts";
import * as Views from "./views.generated.ts";

/** Linear address of the kernel's root (kernel/state.ts). */
export const KERNEL_ROOT = RAM_BASE + KERNEL_ADDRESS + KERNEL_BYTES / 2;

type ViewClass<T extends View> = {
  new (data: DataView, address: number): T;
  readonly size: number;
};

/** The view at `address`, or null when that is not an address of RAM. */
export function viewInRam<T extends View>(
  Class: ViewClass<T>,
  data: DataView,
  address: number,
): T | null {
  const inside = address >= RAM_BASE && address + Class.size <= data.byteLength;
  return inside ? new Class(data, address) : null;
}

export class KernelViews {
  private readonly data: DataView;
  readonly root: Views.Kernel;

  constructor(data: DataView) {
    this.data = data;
    this.root = new Views.Kernel(data, KERNEL_ROOT);
  }

  get boot(): Views.Boot | null {
    return viewInRam(Views.Boot, this.data, this.root.boot);
  }
  get panic(): Views.Panic | null {
    return viewInRam(Views.Panic, this.data, this.root.panic);
  }
  get frames(): Views.Frames | null {
    return viewInRam(Views.Frames, this.data, this.root.frames);
  }
  get paging(): Views.Paging | null {
    return viewInRam(Views.Paging, this.data, this.root.paging);
  }
  get clock(): Views.Timer | null {
    return viewInRam(Views.Timer, this.data, this.root.clock);
  }
  get console(): Views.Console | null {
    return viewInRam(Views.Console, this.data, this.root.console);
  }
  get trace(): Views.KernelTrace | null {
    return viewInRam(Views.KernelTrace, this.data, this.root.trace);
  }

  /** The kernel's own record of each processor that it knows. */
  get cpus(): Views.KernelCpu[] {
    const { cpus, cpuCount } = this.root;
    return Array.from({ length: Math.min(cpuCount, 64) }, (_, n) =>
      viewInRam(Views.KernelCpu, this.data, cpus + n * Views.KernelCpu.size),
    ).filter((cpu) => cpu !== null);
  }
}
