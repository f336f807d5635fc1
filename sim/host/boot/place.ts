/** Puts a guest into a machine that has just been powered on. */
import {
  MAP_ENTRY_ADDRESS_AT,
  MAP_ENTRY_BYTES,
  MAP_ENTRY_SIZE_AT,
  MAP_ENTRY_TYPE_AT,
  START_INFO_MAP_AT,
  START_INFO_MAP_ENTRIES_AT,
  START_INFO_RSDP_AT,
} from "../../spec/handoff.ts";
import { START_INFO_ADDRESS } from "../../spec/platform.ts";
import { type Core, RAM_BASE } from "../core.ts";
import { HIGH_RAM_BASE, LOW_RAM_MAX } from "../physical.ts";
import { type Firmware, type GuestOptions, loadGuest } from "./guest.ts";

/** Reads what the firmware has left in RAM for whoever boots. */
function firmwareOf({ data }: Core): Firmware {
  const info = RAM_BASE + START_INFO_ADDRESS;
  const u64 = (at: number) => Number(data.getBigUint64(at, true));
  const table = RAM_BASE + u64(info + START_INFO_MAP_AT);
  const count = data.getUint32(info + START_INFO_MAP_ENTRIES_AT, true);
  const map = Array.from({ length: count }, (_, n) => {
    const at = table + n * MAP_ENTRY_BYTES;
    return {
      address: u64(at + MAP_ENTRY_ADDRESS_AT),
      bytes: u64(at + MAP_ENTRY_SIZE_AT),
      type: data.getUint32(at + MAP_ENTRY_TYPE_AT, true),
    };
  });
  return { map, rsdp: u64(info + START_INFO_RSDP_AT) };
}

/** RAM is split around the 32-bit PCI hole (sim/core/memory.ts). */
function linear(address: number): number {
  return RAM_BASE + (address < HIGH_RAM_BASE ? address : address - HIGH_RAM_BASE + LOW_RAM_MAX);
}

/**
 * @param start whether CPU 0 is to begin
 * @throws MachineError bad-guest
 */
export function placeGuest(core: Core, guest: GuestOptions, start: boolean): void {
  const { pieces, cr3, rip, rax, rbx, rsi } = loadGuest(guest, firmwareOf(core));
  for (const { address, bytes } of pieces) core.bytes.set(bytes, linear(address));
  if (start) core.sim.startGuest(cr3, BigInt(rip), rax, rbx, rsi);
}
