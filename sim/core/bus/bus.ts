/**
 * The bus: RAM, memory-mapped regions and I/O ports.
 *
 * Regions are tried in the order in which they were added, platform devices before PCI BARs, so an
 * overlap that a guest makes with a BAR has a fixed outcome. A direct-mapped cache of pages makes
 * the common access one compare.
 */
import { allocate, allocateOne } from "../arena";
import { codeWritten } from "../engine/blocks";
import { machine, Ptr } from "../machine";
import { allOnes, loadSized, ramPointer, storeSized } from "../ram";
import { regionRead, regionWrite, portDeviceRead, portDeviceWrite } from "./dispatch";

export const REGIONS_MAX: u32 = 256;
const CACHE_LINES: u32 = 64;
const PORTS: u32 = 65536;
const PORT_RANGES_MAX: u32 = 255;

@unmanaged
export class Region {
  base: u64;
  size: u64;
  kind: u16;
  enabled: u16;
  /** Handed to the device's functions. */
  device: u32;
}

@unmanaged
export class PortRange {
  first: u16;
  kind: u16;
  device: u32;
}

@unmanaged
export class Bus {
  regions: Ptr<Region>;
  regionCount: u32;
  /** Page number and region index + 1 a line. */
  cache: usize;
  /** A byte a port: index of its range + 1. */
  portMap: usize;
  portRanges: Ptr<PortRange>;
  portRangeCount: u32;
}

@unmanaged
class CacheLine {
  page: u64;
  region: u32;
  reserved: u32;
}

@inline
function bus(): Bus {
  return changetype<Bus>(machine().bus);
}

@inline
export function regionAt(index: u32): Region {
  return changetype<Region>(bus().regions + <usize>index * offsetof<Region>());
}

export function createBus(): void {
  const state = allocateOne<Bus>();
  machine().bus = changetype<usize>(state);
  state.regions = allocate(<usize>REGIONS_MAX * offsetof<Region>());
  state.cache = allocate(<usize>CACHE_LINES * offsetof<CacheLine>());
  state.portMap = allocate(PORTS);
  state.portRanges = allocate(<usize>PORT_RANGES_MAX * offsetof<PortRange>());
}

/** Adds a region; returns its index. `kind` selects the device's functions (dispatch.ts). */
export function addRegion(kind: u16, device: u32, base: u64, size: u64, enabled: bool): u32 {
  const state = bus();
  const index = state.regionCount;
  if (index == REGIONS_MAX) unreachable();
  state.regionCount = index + 1;
  moveRegion(index, base, size, enabled);
  const region = regionAt(index);
  region.kind = kind;
  region.device = device;
  return index;
}

/** Moves, resizes, enables or disables a region, as a BAR write does. */
export function moveRegion(index: u32, base: u64, size: u64, enabled: bool): void {
  const region = regionAt(index);
  region.base = base;
  region.size = size;
  region.enabled = enabled ? 1 : 0;
  memory.fill(bus().cache, 0, <usize>CACHE_LINES * offsetof<CacheLine>());
}

/** Adds I/O ports `first` .. `first + count - 1`. */
export function addPorts(kind: u16, device: u32, first: u16, count: u32): u32 {
  const state = bus();
  const index = state.portRangeCount;
  if (index == PORT_RANGES_MAX) unreachable();
  state.portRangeCount = index + 1;
  const range = changetype<PortRange>(state.portRanges + <usize>index * offsetof<PortRange>());
  range.first = first;
  range.kind = kind;
  range.device = device;
  movePorts(index, 0, 0, first, count);
  return index;
}

/** Moves a range of ports from `oldCount` ports at `oldFirst` to `count` ports at `first`. */
export function movePorts(index: u32, oldFirst: u16, oldCount: u32, first: u16, count: u32): void {
  const state = bus();
  for (let n: u32 = 0; n < oldCount; n++) {
    const entry = state.portMap + <usize>((<u32>oldFirst + n) & 0xffff);
    if (load<u8>(entry) == <u8>(index + 1)) store<u8>(entry, 0);
  }
  for (let n: u32 = 0; n < count; n++) {
    const entry = state.portMap + <usize>((<u32>first + n) & 0xffff);
    if (load<u8>(entry) == 0) store<u8>(entry, <u8>(index + 1));
  }
  changetype<PortRange>(state.portRanges + <usize>index * offsetof<PortRange>()).first = first;
}

/** Index of the enabled region that holds the whole access, or REGIONS_MAX. */
function findRegion(address: u64, bytes: u32): u32 {
  const page = address >> 12;
  const line = changetype<CacheLine>(
    bus().cache + <usize>(<u32>page & (CACHE_LINES - 1)) * offsetof<CacheLine>(),
  );
  if (line.region != 0 && line.page == page) {
    const region = regionAt(line.region - 1);
    if (address - region.base < region.size && region.size - (address - region.base) >= bytes)
      return line.region - 1;
  }
  const count = bus().regionCount;
  for (let index: u32 = 0; index < count; index++) {
    const region = regionAt(index);
    if (!region.enabled) continue;
    const offset = address - region.base;
    if (offset >= region.size || region.size - offset < bytes) continue;
    line.page = page;
    // Only a region that covers the page whole may answer for it without a search.
    const covers = region.base <= page << 12 && region.size - ((page << 12) - region.base) >= 4096;
    line.region = covers ? index + 1 : 0;
    return index;
  }
  return REGIONS_MAX;
}

/** Reads 1, 2, 4 or 8 bytes of physical memory; what nobody answers reads as all ones. */
export function physicalRead(address: u64, bytes: u32): u64 {
  const pointer = ramPointer(address, bytes);
  if (pointer != 0) return loadSized(pointer, bytes);
  const index = findRegion(address, bytes);
  if (index == REGIONS_MAX) return allOnes(bytes);
  const region = regionAt(index);
  return regionRead(region.kind, region.device, <u32>(address - region.base), bytes) & allOnes(bytes);
}

/** Writes 1, 2, 4 or 8 bytes of physical memory; what nobody answers is dropped. */
export function physicalWrite(address: u64, bytes: u32, value: u64): void {
  const pointer = ramPointer(address, bytes);
  if (pointer != 0) {
    codeWritten(pointer, bytes);
    return storeSized(pointer, bytes, value);
  }
  const index = findRegion(address, bytes);
  if (index == REGIONS_MAX) return;
  const region = regionAt(index);
  regionWrite(region.kind, region.device, <u32>(address - region.base), bytes, value & allOnes(bytes));
}

/** IN: reads 1, 2 or 4 bytes from I/O ports. */
export function portRead(port: u16, bytes: u32): u32 {
  const state = bus();
  const entry = load<u8>(state.portMap + <usize>port);
  if (entry == 0) return <u32>allOnes(bytes);
  const range = changetype<PortRange>(
    state.portRanges + <usize>(entry - 1) * offsetof<PortRange>(),
  );
  return portDeviceRead(range.kind, range.device, <u32>port - <u32>range.first, bytes) & <u32>allOnes(bytes);
}

/** OUT: writes 1, 2 or 4 bytes to I/O ports. */
export function portWrite(port: u16, bytes: u32, value: u32): void {
  const state = bus();
  const entry = load<u8>(state.portMap + <usize>port);
  if (entry == 0) return;
  const range = changetype<PortRange>(
    state.portRanges + <usize>(entry - 1) * offsetof<PortRange>(),
  );
  portDeviceWrite(range.kind, range.device, <u32>port - <u32>range.first, bytes, value & <u32>allOnes(bytes));
}
