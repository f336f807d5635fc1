/** System calls about agents' lives: what capability each needs, and who carries it out. */
import { authorize } from "../cap/authorize";
import {
  RIGHT_CLONE,
  RIGHT_CREATE,
  RIGHT_EXECUTE,
  RIGHT_INFO,
  RIGHT_KILL,
  RIGHT_MERGE,
  RIGHT_RESUME,
  RIGHT_SPAWN,
  RIGHT_SPECIALIZE,
  RIGHT_SPLIT,
  RIGHT_SUSPEND,
  RIGHT_UPGRADE,
  RIGHT_WRITE,
} from "../cap/rights";
import { KIND_AGENT, KIND_IMAGE, KIND_KERNEL, KIND_POOL } from "../object/kinds";
import { Call } from "../syscall/call";
import {
  SYSCALL_AGENT_CLONE,
  SYSCALL_AGENT_INFO,
  SYSCALL_AGENT_KILL,
  SYSCALL_AGENT_MERGE,
  SYSCALL_AGENT_RESUME,
  SYSCALL_AGENT_SPAWN,
  SYSCALL_AGENT_SPECIALIZE,
  SYSCALL_AGENT_SPLIT,
  SYSCALL_AGENT_SUSPEND,
  SYSCALL_AGENT_UPGRADE,
  SYSCALL_IMAGE_APPEND,
  SYSCALL_IMAGE_CREATE,
  SYSCALL_IMAGE_OPEN,
  SYSCALL_IMAGE_SEAL,
} from "../syscall/numbers";
import { STATUS_UNKNOWN_SYSCALL } from "../syscall/status";
import { agentClone } from "./clone";
import { imageAppend, imageMake, imageSeal } from "./image_make";
import { imageOpen } from "./image_open";
import { agentInfo } from "./info";
import { agentKill } from "./kill";
import { agentMerge } from "./merge";
import { agentSpawn } from "./spawn";
import { agentSpecialize } from "./specialize";
import { agentSplit } from "./split";
import { agentResume, agentSuspend } from "./suspend";
import { agentUpgrade } from "./upgrade";

const AGENT: u32 = 1 << KIND_AGENT;
const IMAGE: u32 = 1 << KIND_IMAGE;
const KERNEL: u32 = 1 << KIND_KERNEL;
const POOL: u32 = 1 << KIND_POOL;

export function agentCall(call: Call): u32 {
  switch (call.number) {
    case SYSCALL_AGENT_SPAWN:
      return authorize(call, POOL, RIGHT_SPAWN) || agentSpawn(call);
    case SYSCALL_AGENT_CLONE:
      return authorize(call, AGENT, RIGHT_CLONE) || agentClone(call);
    case SYSCALL_AGENT_MERGE:
      return authorize(call, AGENT, RIGHT_MERGE) || agentMerge(call);
    case SYSCALL_AGENT_SPLIT:
      return authorize(call, AGENT, RIGHT_SPLIT) || agentSplit(call);
    case SYSCALL_AGENT_UPGRADE:
      return authorize(call, AGENT, RIGHT_UPGRADE) || agentUpgrade(call);
    case SYSCALL_AGENT_SPECIALIZE:
      return authorize(call, AGENT, RIGHT_SPECIALIZE) || agentSpecialize(call);
    case SYSCALL_AGENT_SUSPEND:
      return authorize(call, AGENT, RIGHT_SUSPEND) || agentSuspend(call);
    case SYSCALL_AGENT_RESUME:
      return authorize(call, AGENT, RIGHT_RESUME) || agentResume(call);
    case SYSCALL_AGENT_KILL:
      return authorize(call, AGENT, RIGHT_KILL) || agentKill(call);
    case SYSCALL_AGENT_INFO:
      return authorize(call, AGENT, RIGHT_INFO) || agentInfo(call);
    case SYSCALL_IMAGE_OPEN:
      return authorize(call, KERNEL, RIGHT_EXECUTE) || imageOpen(call);
    case SYSCALL_IMAGE_CREATE:
      return authorize(call, KERNEL, RIGHT_CREATE) || imageMake(call);
    case SYSCALL_IMAGE_APPEND:
      return authorize(call, IMAGE, RIGHT_WRITE) || imageAppend(call);
    case SYSCALL_IMAGE_SEAL:
      return authorize(call, IMAGE, RIGHT_WRITE) || imageSeal(call);
    default:
      return STATUS_UNKNOWN_SYSCALL;
  }
}
