/** System call: random bytes. */
import { randomTake } from "../cap/entropy";
import { RANDOM_BYTES_MAX } from "../limits";
import { copyToUser, userCheck } from "../mm/user";
import { Call, callerOf } from "./call";
import { STATUS_BAD_ARGUMENT, STATUS_OK, STATUS_TOO_LARGE } from "./status";

/** RandomGet: a1 address, a2 bytes, 1 to RANDOM_BYTES_MAX. */
export function randomGet(call: Call): u32 {
  if (call.a2 == 0) return STATUS_BAD_ARGUMENT;
  if (call.a2 > RANDOM_BYTES_MAX) return STATUS_TOO_LARGE;
  const caller = callerOf(call);
  const status = userCheck(caller, call.a1, call.a2, true);
  if (status != STATUS_OK) return status;
  const before = caller.randomBlocks;
  const copied = copyToUser(caller, call.a1, randomTake(caller, <u32>call.a2), <u32>call.a2);
  // Bytes that never reached the caller are still its next ones.
  if (copied != STATUS_OK) caller.randomBlocks = before;
  return copied;
}
