/** The part of the table of system calls that is about memory. */
import { authorize, authorizeSelf } from "../cap/authorize";
import { RIGHT_ALLOCATE, RIGHT_CLOSE, RIGHT_MAP, RIGHT_PREDICT, RIGHT_SHARE } from "../cap/rights";
import { KIND_FRAME, KIND_KERNEL, KIND_POOL, KIND_REGION } from "../object/kinds";
import { Call } from "./call";
import {
  agentMemAlloc,
  agentMemFree,
  agentPoolAlloc,
  pageProtect,
  pageUnmap,
  predictionWrite,
} from "./memory";
import {
  SYSCALL_AGENT_MEM_ALLOC,
  SYSCALL_AGENT_MEM_FREE,
  SYSCALL_AGENT_POOL_ALLOC,
  SYSCALL_FRAME_ALLOC,
  SYSCALL_FRAME_FREE,
  SYSCALL_PAGE_MAP,
  SYSCALL_PAGE_PROTECT,
  SYSCALL_PAGE_UNMAP,
  SYSCALL_PREDICTION_WRITE,
  SYSCALL_REGION_MAP,
  SYSCALL_REGION_SHARE,
  SYSCALL_REGION_UNMAP,
} from "./numbers";
import { frameAllocCall, frameFreeCall, pageMap, regionMap, regionShareCall, regionUnmap } from "./regions";
import { STATUS_UNKNOWN_SYSCALL } from "./status";

const POOL: u32 = 1 << KIND_POOL;
const REGION: u32 = 1 << KIND_REGION;
const FRAME: u32 = 1 << KIND_FRAME;
const KERNEL: u32 = 1 << KIND_KERNEL;

/** Pools, ranges of addresses, regions, blocks of frames, predictions. */
export function memoryCalls(call: Call): u32 {
  switch (call.number) {
    case SYSCALL_REGION_SHARE:
      return authorize(call, POOL, RIGHT_SHARE) || regionShareCall(call);
    case SYSCALL_REGION_MAP:
      return authorize(call, REGION, RIGHT_MAP) || regionMap(call);
    case SYSCALL_REGION_UNMAP:
      return authorize(call, REGION, RIGHT_MAP) || regionUnmap(call);
    case SYSCALL_FRAME_ALLOC:
      return authorize(call, POOL, RIGHT_ALLOCATE) || frameAllocCall(call);
    case SYSCALL_FRAME_FREE:
      return authorize(call, FRAME, RIGHT_CLOSE) || frameFreeCall(call);
    case SYSCALL_PAGE_MAP:
      return authorize(call, FRAME, RIGHT_MAP) || pageMap(call);
    case SYSCALL_PAGE_UNMAP:
      return authorizeSelf(call, RIGHT_MAP) || pageUnmap(call);
    case SYSCALL_PAGE_PROTECT:
      return authorizeSelf(call, RIGHT_MAP) || pageProtect(call);
    case SYSCALL_AGENT_POOL_ALLOC:
      return authorize(call, POOL, RIGHT_ALLOCATE) || agentPoolAlloc(call);
    case SYSCALL_AGENT_MEM_ALLOC:
      return authorize(call, POOL, RIGHT_ALLOCATE) || agentMemAlloc(call);
    case SYSCALL_AGENT_MEM_FREE:
      return authorize(call, POOL, RIGHT_ALLOCATE) || agentMemFree(call);
    case SYSCALL_PREDICTION_WRITE:
      return authorize(call, KERNEL, RIGHT_PREDICT) || predictionWrite(call);
    default:
      return STATUS_UNKNOWN_SYSCALL;
  }
}
