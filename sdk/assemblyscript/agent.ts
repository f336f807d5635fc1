/**
 * What agents in AssemblyScript are written with: the functions of "aios" and WASI's arguments and streams, as
 * functions and classes of the language. A refusal is a status: 0 is success.
 */
import * as aios from "./aios";
import {
  AIOS_CHILD_CAPABILITY,
  AIOS_CHILD_ID,
  AIOS_EVENT_AGENT,
  AIOS_EVENT_CODE,
  AIOS_EVENT_KIND,
  AIOS_EVENT_ENDED,
  AIOS_EVENT_REASON,
  AIOS_MESSAGE_CAPABILITY,
  AIOS_MESSAGE_PAYLOAD_BYTES,
  AIOS_MESSAGE_SENDER,
  AIOS_NEVER,
  AIOS_STATUS_OK,
  AIOS_WAIT_CHILDREN,
} from "./aios";

@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, list: usize, count: i32, written: usize): i32;
@external("wasi_snapshot_preview1", "args_sizes_get")
declare function args_sizes_get(count: usize, bytes: usize): i32;
@external("wasi_snapshot_preview1", "args_get")
declare function args_get(list: usize, bytes: usize): i32;

const MESSAGE_BYTES_MAX = 65536;
const told = memory.data(64);
const vector = memory.data(16);
const room = new ArrayBuffer(MESSAGE_BYTES_MAX);

/** What it was started with, its own name first. */
export function args(): string[] {
  args_sizes_get(told, told + 4);
  const count = load<u32>(told);
  const list = new ArrayBuffer(4 * count);
  const texts = new ArrayBuffer(load<u32>(told + 4));
  args_get(changetype<usize>(list), changetype<usize>(texts));
  const found: string[] = [];
  for (let n: u32 = 0; n < count; n++)
    found.push(textAt(load<u32>(changetype<usize>(list) + 4 * n)));
  return found;
}

/** Up to its NUL. */
function textAt(at: usize): string {
  let end = at;
  while (load<u8>(end) != 0) end++;
  return String.UTF8.decodeUnsafe(at, <i32>(end - at));
}

/** Writes a line to standard output. */
export function print(line: string): void {
  const bytes = String.UTF8.encode(line + "\n");
  let done = 0;
  while (done < bytes.byteLength) {
    store<usize>(vector, changetype<usize>(bytes) + done);
    store<u32>(vector + 4, bytes.byteLength - done);
    if (fd_write(1, vector, 1, vector + 8) != 0) return;
    done += load<u32>(vector + 8);
  }
}

/** Virtual time since the machine was switched on, ns. */
export function now(): u64 {
  aios.aios_now(told);
  return load<u64>(told);
}

export function sleep(nanoseconds: u64): void {
  aios.aios_wait(0, 0, now() + nanoseconds, 0, told);
}

export function exit(code: u32): void {
  aios.aios_exit(code);
}

export class Message {
  constructor(
    readonly sender: u64,
    readonly text: string,
    /** What came along: of a request, where the answer goes; 0 for none. */
    readonly capability: i64,
  ) {}

  /** Answers a request, once; the kernel's status. What the answer went by is dropped. */
  reply(text: string): u32 {
    const status = send(this.capability, text);
    aios.aios_drop(this.capability);
    return status;
  }
}

/** A capability that it was given by name; 0 for none. */
export function capability(name: string): i64 {
  const bytes = String.UTF8.encode(name);
  const status = aios.aios_capability(changetype<usize>(bytes), bytes.byteLength, told);
  return status == AIOS_STATUS_OK ? load<i64>(told) : 0;
}

/** Sends a text to an agent or a queue. */
export function send(to: i64, text: string): u32 {
  const bytes = String.UTF8.encode(text);
  return aios.aios_send(to, changetype<usize>(bytes), bytes.byteLength, 0);
}

function message(): Message {
  const text = String.UTF8.decodeUnsafe(
    changetype<usize>(room),
    <i32>load<u64>(told + AIOS_MESSAGE_PAYLOAD_BYTES),
  );
  return new Message(load<u64>(told + AIOS_MESSAGE_SENDER), text, load<i64>(told + AIOS_MESSAGE_CAPABILITY));
}

/** The next message; null when none has come by the deadline. */
export function receive(deadline: u64 = AIOS_NEVER): Message | null {
  const status = aios.aios_receive(0, deadline, changetype<usize>(room), MESSAGE_BYTES_MAX, told);
  return status == AIOS_STATUS_OK ? message() : null;
}

/** Asks another agent: its answer; null when it is refused, or hasn't come by the deadline. */
export function request(to: i64, text: string, deadline: u64 = AIOS_NEVER): Message | null {
  const bytes = String.UTF8.encode(text);
  const at = changetype<usize>(bytes);
  const buffer = changetype<usize>(room);
  const status = aios.aios_request(to, at, bytes.byteLength, deadline, buffer, MESSAGE_BYTES_MAX, told);
  return status == AIOS_STATUS_OK ? message() : null;
}

export class Child {
  constructor(
    readonly id: u64,
    readonly capability: i64,
  ) {}

  /** Ends it, and all below it. */
  kill(code: u64): u32 {
    return aios.aios_kill(this.capability, code);
  }
}

/** A copy of the agent as of this call; null in the copy. @throws when it is refused */
export function clone(): Child | null {
  const status = aios.aios_clone(told);
  if (status != AIOS_STATUS_OK) throw new Error("clone: status " + status.toString());
  const id = load<u64>(told + AIOS_CHILD_ID);
  return id == 0 ? null : new Child(id, load<i64>(told + AIOS_CHILD_CAPABILITY));
}

export class End {
  constructor(
    readonly child: u64,
    /** AIOS_END_… */
    readonly reason: u32,
    readonly code: u64,
  ) {}
}

/** The next end of a child; null when there is none by the deadline. */
export function childEnded(deadline: u64 = AIOS_NEVER): End | null {
  const status = aios.aios_wait(0, 0, deadline, AIOS_WAIT_CHILDREN, told);
  if (status != AIOS_STATUS_OK || load<u32>(told + AIOS_EVENT_KIND) != AIOS_EVENT_ENDED) return null;
  const reason = <u32>load<u64>(told + AIOS_EVENT_REASON);
  return new End(load<u64>(told + AIOS_EVENT_AGENT), reason, load<u64>(told + AIOS_EVENT_CODE));
}
