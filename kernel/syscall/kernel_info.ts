/** System call: figures of the whole machine. */
import { PAGE_BYTES } from "../../hal/memory";
import { scratchOf } from "../agent/birth";
import { framesFree } from "../mm/frames";
import { Pool } from "../mm/pool";
import { copyToUser } from "../mm/user";
import { network } from "../network/network";
import { KIND_AGENT } from "../object/kinds";
import { slabOf } from "../object/slab";
import { schedBusy } from "../sched/busy";
import { kernel } from "../state";
import { now } from "../time";
import { Call, callerOf } from "./call";
import * as Layout from "./layouts";
import { STATUS_OK } from "./status";
import { structureStatus } from "./structure";

/** KernelInfo: a1 address, a2 bytes; the first of KERNEL_INFO_BYTES. */
export function kernelInfo(call: Call): u32 {
  const bytes = <u32>min(call.a2, Layout.KERNEL_INFO_BYTES);
  if (bytes == 0) return STATUS_OK;
  const status = structureStatus(call, call.a1, bytes, true);
  if (status != STATUS_OK) return status;
  const at = scratchOf(call);
  const memory = changetype<Pool>(kernel().pool);
  store<u64>(at, now(), Layout.KERNEL_INFO_TIME);
  store<u64>(at, kernel().cpuCount, Layout.KERNEL_INFO_CPUS);
  store<u64>(at, schedBusy(), Layout.KERNEL_INFO_BUSY);
  store<u64>(at, slabOf(KIND_AGENT).live, Layout.KERNEL_INFO_AGENTS);
  store<u64>(at, memory.quota, Layout.KERNEL_INFO_MEMORY);
  store<u64>(at, memory.used, Layout.KERNEL_INFO_USED);
  store<u64>(at, <u64>framesFree() * PAGE_BYTES, Layout.KERNEL_INFO_FREE);
  store<u64>(at, network().delivered, Layout.KERNEL_INFO_DELIVERED);
  store<u64>(at, network().dropped, Layout.KERNEL_INFO_DROPPED);
  return copyToUser(callerOf(call), call.a1, at, bytes);
}
