/** The kernel's access to agents' memory. */
import { pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { STATUS_BAD_ADDRESS, STATUS_OK } from "../syscall/status";
import { AddressSpace } from "./address_space";
import { NOT_MAPPED, translate } from "./paging";

const USER_END: u64 = 0x7fff_ffff_f000;

/** Whether `agent` could read (or write) the `bytes` bytes at `address`; changes nothing. */
export function userCheck(agent: Agent, address: u64, bytes: u64, write: bool): u32 {
  if (agent.space == 0 || address == 0 || bytes > USER_END || address > USER_END - bytes) return STATUS_BAD_ADDRESS;
  const root = changetype<AddressSpace>(agent.space).root;
  for (let page = address & ~4095; page < address + bytes; page += 4096)
    if (translate(root, page) == NOT_MAPPED) return STATUS_BAD_ADDRESS;
  return STATUS_OK;
}

export function copyFromUser(agent: Agent, address: u64, to: usize, bytes: u32): u32 {
  if (userCheck(agent, address, bytes, false) != STATUS_OK) return STATUS_BAD_ADDRESS;
  const root = changetype<AddressSpace>(agent.space).root;
  for (let done: u32 = 0; done < bytes; ) {
    const part = min(bytes - done, 4096 - (<u32>(address + done) & 4095));
    memory.copy(to + done, pointer(translate(root, address + done)), part);
    done += part;
  }
  return STATUS_OK;
}

export function copyToUser(agent: Agent, address: u64, from: usize, bytes: u32): u32 {
  if (userCheck(agent, address, bytes, true) != STATUS_OK) return STATUS_BAD_ADDRESS;
  const root = changetype<AddressSpace>(agent.space).root;
  for (let done: u32 = 0; done < bytes; ) {
    const part = min(bytes - done, 4096 - (<u32>(address + done) & 4095));
    memory.copy(pointer(translate(root, address + done)), from + done, part);
    done += part;
  }
  return STATUS_OK;
}
