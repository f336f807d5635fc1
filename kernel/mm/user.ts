/**
 * How the kernel reaches an agent's memory: by walking its page tables, never through the MMU, so a
 * bad address can't fault in the kernel. Rights are those of the agent's mappings; what is not there
 * yet is brought in, what is shared is copied before it is written.
 *
 * After a `userCheck` the copy succeeds: all frames that it may need are promised.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { Image } from "../agent/image";
import { STATUS_BAD_ADDRESS, STATUS_OK } from "../syscall/status";
import { AddressSpace, Mapping } from "./address_space";
import { codeWritten } from "./code";
import { pageIn } from "./fault";
import { USER_BASE, USER_END } from "./layout";
import { mappingAt } from "./mappings";
import { PTE_ADDRESS, PTE_PRESENT, PTE_WRITABLE } from "./paging";
import { PROTECTION_READ, PROTECTION_WRITE } from "./protection";
import { tableFind } from "./tables";

const PAGE_MASK: u64 = PAGE_BYTES - 1;
const PRESENT_WRITABLE: u64 = PTE_PRESENT | PTE_WRITABLE;

/** Linear address of user address `address` when its page is there and allows the access, else 0. */
@inline
function present(agent: Agent, address: u64, write: bool): usize {
  if (agent.space == 0 || address >= USER_END) return 0;
  const table = tableFind(changetype<AddressSpace>(agent.space), address);
  if (table == 0) return 0;
  const value = load<u64>(table + (<usize>(<u32>(address >> 12) & 511) << 3));
  const needs = write ? PRESENT_WRITABLE : PTE_PRESENT;
  if ((value & needs) != needs) return 0;
  return pointer(value & PTE_ADDRESS) + <usize>(<u32>address & <u32>PAGE_MASK);
}

/** The same where the image's text is, which can be read only. */
function textAt(agent: Agent, address: u64, write: bool): usize {
  const image = changetype<Image>(agent.image);
  if (write || address < image.base || address - image.base >= <u64>image.pages * PAGE_BYTES) return 0;
  return pointer(image.text + (address - image.base));
}

/** Linear address of user address `address`, whose page is brought in; 0 when that isn't allowed. */
@inline
export function userPage(agent: Agent, address: u64, write: bool): usize {
  const found = present(agent, address, write);
  return found != 0 ? found : userPageSlow(agent, address, write);
}

function userPageSlow(agent: Agent, address: u64, write: bool): usize {
  const at = mappingAt(agent, address);
  if (at == 0) return textAt(agent, address, write);
  const mapping = changetype<Mapping>(at);
  if ((mapping.protection & (write ? PROTECTION_WRITE : PROTECTION_READ)) == 0) return 0;
  return pageIn(agent, mapping, address & ~PAGE_MASK, write) + <usize>(address & PAGE_MASK);
}

/**
 * Linear address of `bytes` bytes of user memory that lie in one page; 0 when they don't, or aren't
 * allowed. Brings the page in. The fast way for small structures.
 */
@inline
export function userReach(agent: Agent, address: u64, bytes: u32, write: bool): usize {
  if ((<u32>address & <u32>PAGE_MASK) + bytes > <u32>PAGE_BYTES) return 0;
  return userPage(agent, address, write);
}

/** The same, but 0 as well when the page would have to be brought in or copied first. Changes nothing. */
@inline
export function userThere(agent: Agent, address: u64, bytes: u32, write: bool): usize {
  if ((<u32>address & <u32>PAGE_MASK) + bytes > <u32>PAGE_BYTES) return 0;
  return present(agent, address, write);
}

/**
 * Whether `agent` may read, or write, `bytes` bytes at `address`: OK or STATUS_BAD_ADDRESS. Changes
 * nothing. No bytes are always allowed.
 */
export function userCheck(agent: Agent, address: u64, bytes: u64, write: bool): u32 {
  if (bytes == 0) return STATUS_OK;
  const last = address + bytes - 1;
  if (last < address) return STATUS_BAD_ADDRESS;
  if ((address ^ last) <= PAGE_MASK && present(agent, address, write) != 0) return STATUS_OK;
  if (address < USER_BASE && changetype<Image>(agent.image).pages != 0) {
    const inside = textAt(agent, address, write) != 0 && textAt(agent, last, write) != 0;
    return inside ? STATUS_OK : STATUS_BAD_ADDRESS;
  }
  const needs: u32 = write ? PROTECTION_WRITE : PROTECTION_READ;
  let at = mappingAt(agent, address);
  for (let covered = address; ; at = changetype<Mapping>(at).next) {
    if (at == 0) return STATUS_BAD_ADDRESS;
    const mapping = changetype<Mapping>(at);
    if (mapping.start > covered || (mapping.protection & needs) == 0) return STATUS_BAD_ADDRESS;
    if (mapping.end > last) return STATUS_OK;
    covered = mapping.end;
  }
  return STATUS_BAD_ADDRESS;
}

/** Copies `bytes` bytes from user address `address` to linear address `to`: a status. */
export function copyFromUser(agent: Agent, address: u64, to: usize, bytes: u32): u32 {
  const at = userReach(agent, address, bytes, false);
  if (at == 0) return copyPages(agent, address, to, bytes, false);
  memory.copy(to, at, bytes);
  return STATUS_OK;
}

/** Copies `bytes` bytes from linear address `from` to user address `address`: a status. */
export function copyToUser(agent: Agent, address: u64, from: usize, bytes: u32): u32 {
  const at = userReach(agent, address, bytes, true);
  if (at == 0) return copyPages(agent, address, from, bytes, true);
  memory.copy(at, from, bytes);
  codeWritten(at, bytes);
  return STATUS_OK;
}

/** Copies page by page, to the agent when `write`. No bytes are no access. */
function copyPages(agent: Agent, address: u64, kernel: usize, bytes: u32, write: bool): u32 {
  while (bytes != 0) {
    const part = min(bytes, <u32>PAGE_BYTES - (<u32>address & <u32>PAGE_MASK));
    const at = userPage(agent, address, write);
    if (at == 0) return STATUS_BAD_ADDRESS;
    memory.copy(write ? at : kernel, write ? kernel : at, part);
    if (write) codeWritten(at, part);
    address += part;
    kernel += part;
    bytes -= part;
  }
  return STATUS_OK;
}
