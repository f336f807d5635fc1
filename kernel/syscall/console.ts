/** System call: bytes for the machine's console. */
import { consoleWrite } from "../console";
import { capScratch } from "../cap/authority";
import { CONSOLE_WRITE_MAX } from "../limits";
import { copyFromUser, userCheck } from "../mm/user";
import { Call, callerOf } from "./call";
import { STATUS_BAD_ARGUMENT, STATUS_OK, STATUS_TOO_LARGE } from "./status";

/** ConsoleWrite: a1 address, a2 bytes, 1 to CONSOLE_WRITE_MAX; they leave the machine as they are. */
export function consoleWriteCall(call: Call): u32 {
  if (call.a2 == 0) return STATUS_BAD_ARGUMENT;
  if (call.a2 > CONSOLE_WRITE_MAX) return STATUS_TOO_LARGE;
  const caller = callerOf(call);
  const bytes = <u32>call.a2;
  const status = userCheck(caller, call.a1, bytes, false) || copyFromUser(caller, call.a1, capScratch(), bytes);
  if (status == STATUS_OK) consoleWrite(capScratch(), bytes);
  return status;
}
