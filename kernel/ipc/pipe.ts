/** Pipes: a ring of bytes. */
import { Agent } from "../agent/agent";
import { copyFromUser, copyToUser } from "../mm/user";
import { STATUS_OK } from "../syscall/status";
import { Endpoint } from "./endpoint";

/** Appends `bytes` bytes at `address` of `agent`'s memory, for which there is room. */
export function pipeWrite(pipe: Endpoint, agent: Agent, address: u64, bytes: u32): u32 {
  assert(bytes <= pipe.capacity - pipe.count, "pipeWrite: no room");
  // Both are at most 64 KiB, so the sum can't overflow.
  const tail = (pipe.head + pipe.count) % pipe.capacity;
  const first = min(bytes, pipe.capacity - tail);
  let status = copyFromUser(agent, address, pipe.ring + tail, first);
  if (status == STATUS_OK && first < bytes)
    status = copyFromUser(agent, address + first, pipe.ring, bytes - first);
  if (status == STATUS_OK) pipe.count += bytes;
  return status;
}

/** Takes `bytes` bytes, which are there, to `address` of `agent`'s memory. */
export function pipeRead(pipe: Endpoint, agent: Agent, address: u64, bytes: u32): u32 {
  assert(bytes <= pipe.count, "pipeRead: not so many bytes");
  const first = min(bytes, pipe.capacity - pipe.head);
  let status = copyToUser(agent, address, pipe.ring + pipe.head, first);
  if (status == STATUS_OK && first < bytes)
    status = copyToUser(agent, address + first, pipe.ring, bytes - first);
  if (status != STATUS_OK) return status;
  pipe.head = (pipe.head + bytes) % pipe.capacity;
  pipe.count -= bytes;
  return STATUS_OK;
}
