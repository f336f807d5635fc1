/** Makes what communication needs before there are agents. */
import {
  CPUS_MAX,
  ENDPOINTS_MAX,
  IPC_MESSAGE_BYTES_MAX,
  MESSAGES_MAX,
  OPERATIONS_MAX,
  TIMERS_MAX,
  WAIT_BLOCKS_MAX,
  WAIT_MAX,
} from "../limits";
import { KIND_ENDPOINT, KIND_MESSAGE, KIND_OPERATION, KIND_TIMER, KIND_WAIT } from "../object/kinds";
import { slabInit } from "../object/slab";
import { Heap } from "../sched/heap";
import { kernel, rootAllocate } from "../state";
import { deadlinesInit } from "./deadline";
import { Endpoint } from "./endpoint";
import { MESSAGE_BYTES, MESSAGE_INLINE_BYTES } from "./message";
import { OPERATION_SLOT_BYTES } from "./operation";
import { ipc, IpcState } from "./state";
import { IntervalTimer } from "./timer";
import { WAIT_BLOCK_BYTES } from "./wait_set";
import { Watch } from "./watch";

/** Tables of endpoints, messages, timers, operations and wait nodes; false when RAM is short. */
export function createIpc(shards: u32): bool {
  assert(IPC_MESSAGE_BYTES_MAX == (MESSAGE_INLINE_BYTES / 4) << 12, "createIpc: a message's frames fit its slot");
  assert(offsetof<Watch>() <= MESSAGE_BYTES, "createIpc: a watch fits the slot of its message");
  kernel().ipc = rootAllocate(offsetof<IpcState>());
  ipc().deadlines = rootAllocate(<usize>CPUS_MAX * offsetof<Heap>());
  for (let cpu: u32 = 0; cpu < shards; cpu++) deadlinesInit(cpu);
  ipc().list = rootAllocate(<usize>WAIT_MAX * 8);
  ipc().targets = rootAllocate(<usize>WAIT_MAX * 4);
  return (
    slabInit(KIND_ENDPOINT, offsetof<Endpoint>(), ENDPOINTS_MAX, shards) &&
    slabInit(KIND_MESSAGE, MESSAGE_BYTES, MESSAGES_MAX, shards) &&
    slabInit(KIND_TIMER, offsetof<IntervalTimer>(), TIMERS_MAX, shards) &&
    slabInit(KIND_OPERATION, OPERATION_SLOT_BYTES, OPERATIONS_MAX, shards) &&
    slabInit(KIND_WAIT, WAIT_BLOCK_BYTES, WAIT_BLOCKS_MAX, shards)
  );
}
