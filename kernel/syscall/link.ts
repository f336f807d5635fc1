/** System calls: the network. */
import { Agent } from "../agent/agent";
import { agentOver } from "../agent/tree";
import { capabilityLookup, capabilityNamed } from "../cap/authorize";
import { RIGHT_SEND, RIGHT_WRITE } from "../cap/rights";
import { NIC_FRAME_MAX, NIC_FRAME_MIN, NicController } from "../../hal/nic";
import { Endpoint } from "../ipc/endpoint";
import { ENDPOINT_QUEUE } from "../ipc/endpoint_kinds";
import { copyFromUser, userCheck } from "../mm/user";
import { LINK_ADDRESS_MASK, linkAt, linkMake, linkOf } from "../network/link";
import { network, networkSend, networkStatus } from "../network/network";
import { KIND_ENDPOINT } from "../object/kinds";
import { Call, callerOf } from "./call";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_CAPABILITY_KIND,
  STATUS_IN_USE,
  STATUS_LIMIT,
  STATUS_NO_DEVICE,
  STATUS_NOT_OWNER,
  STATUS_OBJECT_GONE,
  STATUS_OK,
  STATUS_OUT_OF_RANGE,
  STATUS_TOO_LARGE,
  STATUS_WRONG_STATE,
} from "./status";

/** First bit of an address's first byte: it is a group's (IEEE 802, 8.2). */
const GROUP: u64 = 1;
/** Where a frame has the address that it is from. */
const SOURCE: usize = 6;

/** LinkOpen: a1 queue, a2 address, first byte lowest, or 0 for the controller's own. */
export function linkOpen(call: Call): u32 {
  if (call.a1 == 0) return STATUS_BAD_ARGUMENT;
  const found = capabilityLookup(callerOf(call), call.a1, 1 << KIND_ENDPOINT, RIGHT_SEND | RIGHT_WRITE);
  if (found != STATUS_OK) return found;
  const queue = changetype<Endpoint>(capabilityNamed(call.a1).target);
  if (queue.type != ENDPOINT_QUEUE) return STATUS_CAPABILITY_KIND;
  if (call.a2 > LINK_ADDRESS_MASK) return STATUS_OUT_OF_RANGE;
  if ((call.a2 & GROUP) != 0) return STATUS_BAD_ARGUMENT;
  if (agentOver(changetype<Agent>(queue.owner))) return STATUS_OBJECT_GONE;
  if (networkStatus() == STATUS_NO_DEVICE) return STATUS_NO_DEVICE;
  if (queue.link != 0) return STATUS_WRONG_STATE;
  const mac = call.a2 != 0 ? call.a2 : changetype<NicController>(network().nic).mac;
  if (linkOf(mac) != 0) return STATUS_IN_USE;
  if (!linkMake(queue, mac)) return STATUS_LIMIT;
  call.value = mac;
  return STATUS_OK;
}

/** LinkSend: a1 address, a2 bytes of a frame without its checksum, which is from the link's address. */
export function linkSend(call: Call): u32 {
  const queue = changetype<Endpoint>(call.object);
  if (queue.type != ENDPOINT_QUEUE) return STATUS_CAPABILITY_KIND;
  if (call.a2 > <u64>NIC_FRAME_MAX) return STATUS_TOO_LARGE;
  if (call.a2 < <u64>NIC_FRAME_MIN) return STATUS_OUT_OF_RANGE;
  if (queue.link == 0) return STATUS_WRONG_STATE;
  const caller = callerOf(call);
  const bytes = <u32>call.a2;
  let status = userCheck(caller, call.a1, bytes, false) || networkStatus();
  if (status == STATUS_OK) status = copyFromUser(caller, call.a1, network().frame, bytes);
  if (status != STATUS_OK) return status;
  // Looked at where nobody can change it any more.
  const source = load<u64>(network().frame + SOURCE) & LINK_ADDRESS_MASK;
  return source == linkAt(queue.link).mac ? networkSend(bytes) : STATUS_NOT_OWNER;
}
