/** Bus numbers: which function answers a configuration access (PCI-to-PCI Bridge 1.2, 3.1.2). */
import { config16, config8, functionAt, NO_FUNCTION, pci, PciFunction } from "./function";
import {
  PCI_BRIDGE_CONTROL,
  PCI_BRIDGE_RESET,
  PCI_SECONDARY_BUS,
  PCI_SUBORDINATE_BUS,
} from "../../spec/pci";

/** Bridges may stand behind bridges this deep. */
const BRIDGE_DEPTH_MAX: u32 = 8;

@inline
function isForwarding(bridge: PciFunction): bool {
  return !bridge.vanished && (config16(bridge, PCI_BRIDGE_CONTROL) & PCI_BRIDGE_RESET) == 0;
}

/** The bridge directly behind `parent` that takes accesses to `bus`; the lowest index wins. */
function bridgeTowards(parent: u32, bus: u32): u32 {
  const count = pci().functionCount;
  for (let index: u32 = 0; index < count; index++) {
    const bridge = functionAt(index);
    if (!bridge.isBridge || bridge.parent != parent) continue;
    const secondary = config8(bridge, PCI_SECONDARY_BUS);
    if (secondary == 0 || bus < secondary || bus > config8(bridge, PCI_SUBORDINATE_BUS)) continue;
    return index;
  }
  return NO_FUNCTION;
}

/** The bridge whose secondary bus is numbered `bus` and reached through all bridges above it. */
function bridgeOf(bus: u32): u32 {
  let parent = NO_FUNCTION;
  for (let depth: u32 = 0; depth < BRIDGE_DEPTH_MAX; depth++) {
    const index = bridgeTowards(parent, bus);
    if (index == NO_FUNCTION) return NO_FUNCTION;
    const bridge = functionAt(index);
    if (!isForwarding(bridge)) return NO_FUNCTION;
    if (config8(bridge, PCI_SECONDARY_BUS) == bus) return index;
    parent = index;
  }
  return NO_FUNCTION;
}

/** Recomputes addresses and routes after a bridge's bus numbers or reset bit changed. */
export function rebuildRoutes(): void {
  const state = pci();
  memory.fill(state.routes, 0, 65536);
  for (let index: u32 = 0; index < state.functionCount; index++) {
    const fn = functionAt(index);
    let bus: u32 = 0;
    if (fn.parent != NO_FUNCTION) {
      bus = config8(functionAt(fn.parent), PCI_SECONDARY_BUS);
      fn.requester = <u16>((bus << 8) | fn.slot);
      if (bus == 0 || bridgeOf(bus) != fn.parent) continue;
    }
    fn.requester = <u16>((bus << 8) | fn.slot);
    store<u8>(state.routes + <usize>fn.address, <u8>(index + 1));
  }
}
