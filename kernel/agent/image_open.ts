/** ImageOpen: the images of the boot bundle by their names. */
import { capabilityCreate, capabilityRoom } from "../cap/table";
import { Capability } from "../cap/capability";
import { RIGHT_DERIVE, RIGHT_EXECUTE, RIGHT_INFO, RIGHT_REVOKE } from "../cap/rights";
import { BUNDLE_NAME_MAX } from "../limits";
import { copyFromUser, userCheck } from "../mm/user";
import { KIND_CAPABILITY, KIND_IMAGE } from "../object/kinds";
import { objectShortage, objectsReserve } from "../object/slab";
import { kernel } from "../state";
import { Call, callerOf } from "../syscall/call";
import { STATUS_OK, STATUS_OUT_OF_RANGE, STATUS_UNKNOWN_NAME } from "../syscall/status";
import { scratchOf } from "./birth";
import { Image } from "./image";

/** What an image can be used for: to run it, and to hand that on. */
const RIGHTS_IMAGE: u32 = RIGHT_INFO | RIGHT_EXECUTE | RIGHT_DERIVE | RIGHT_REVOKE;

/** ImageOpen(kernel, name, bytes): a capability to the image of that name. */
export function imageOpen(call: Call): u32 {
  const caller = callerOf(call);
  if (call.a2 == 0 || call.a2 > BUNDLE_NAME_MAX) return STATUS_OUT_OF_RANGE;
  const bytes = <u32>call.a2;
  let status = userCheck(caller, call.a1, bytes, false) || copyFromUser(caller, call.a1, scratchOf(call), bytes);
  if (status != STATUS_OK) return status;
  const found = imageNamed(scratchOf(call), bytes);
  if (found == 0) return STATUS_UNKNOWN_NAME;
  status = capabilityRoom(caller, null, 1);
  if (status != STATUS_OK) return status;
  if (!objectsReserve(KIND_CAPABILITY, 1, call.cpu)) return objectShortage(KIND_CAPABILITY);
  const made = capabilityCreate(caller, null, KIND_IMAGE, changetype<Image>(found).id, RIGHTS_IMAGE);
  call.value = changetype<Capability>(made).id;
  return STATUS_OK;
}

/** Looks at BUNDLE_ENTRIES_MAX names at most. */
function imageNamed(name: usize, bytes: u32): usize {
  for (let at = kernel().images; at != 0; at = changetype<Image>(at).next) {
    const image = changetype<Image>(at);
    if (image.nameBytes == bytes && memory.compare(image.name, name, bytes) == 0) return at;
  }
  return 0;
}
