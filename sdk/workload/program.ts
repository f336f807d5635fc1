/**
 * The frame of a workload agent's synthetic program: its memory, its system calls, its end.
 *
 *   DATA    0 capability to itself   8 capability to its pool
 *          16 the start message: start time, seed, number of the instance, then a handle for
 *             each resource
 *             then counters, timers and the like
 *   BUFFER  what "mem" and "iorun" steps write from
 *   BOARD   timers that several agents share
 *
 * R15 holds DATA, R12 the state of the random generator. A call that fails marks its status and ends
 * the agent with it as its code.
 */

import { WAIT_MAILBOX } from "../../kernel/ipc/flags.ts";
import { PROTECTION_READ, PROTECTION_WRITE } from "../../kernel/mm/protection.ts";
import * as Calls from "../../kernel/syscall/numbers.ts";
import { STATUS_EMPTY, STATUS_TIMED_OUT } from "../../kernel/syscall/status.ts";
import * as R from "../../sim/spec/user.ts";
import { NEVER } from "../agent/waits.ts";
import { Assembler, type Label } from "./assembler.ts";

export const DATA = 0x4000_0000;
export const BUFFER = 0x6000_0000;
export const BOARD = 0x1800_0000;
/** Offsets in DATA. */
export const SELF = 0;
export const POOL = 8;
export const MESSAGE = 16;
export const START = 16;
export const SEED = 24;
/** 8 times the instance's number. */
export const INSTANCE = 32;
export const HANDLES = 40;

const PAGE = 4096;
const READ_WRITE = PROTECTION_READ | PROTECTION_WRITE;

/** Kinds of marks (OP_MARK's x) that workload agents leave in the machine's trace. */
/** A timer's tick for which it slept is past; the value is the time of the tick. */
export const MARK_TICK = 1;
/** The tick was past already when it came to wait for it; the value is the time of the tick. */
export const MARK_OVERRUN = 2;
/** From here on it has this weight in the fair class; 0: it is in another class. */
export const MARK_WEIGHT = 3;
/** A system call failed; the value is its status. */
export const MARK_FAILED = 4;

/** What a resource is to the kernel is told in setup.ts. */
export type Resource =
  | { readonly kind: "mutex"; readonly name: string }
  /** Of a condition: the queue of those that wait, by number. */
  | { readonly kind: "waiters"; readonly name: string }
  /** What waiter `index` of a condition waits on. */
  | { readonly kind: "wake"; readonly name: string; readonly index: number }
  /** What the agent itself waits on. */
  | { readonly kind: "own"; readonly name: "" }
  /** Of a barrier: counts who may come before the last; two gates, for turns in alternation. */
  | { readonly kind: "tokens" | "gate0" | "gate1"; readonly name: string }
  /** Messages, and room for them. */
  | { readonly kind: "queue" | "room"; readonly name: string }
  /** Where to ask for forks in a group: a queue of task numbers. */
  | { readonly kind: "forks"; readonly name: string }
  /** The page of shared timers. */
  | { readonly kind: "board"; readonly name: "" };

export class ProgramWriter {
  readonly code = new Assembler();
  private readonly resources: Resource[] = [];
  private readonly handlesMax: number;
  /** Bytes of DATA that locals take, after the handles. */
  private locals = 0;
  private readonly failed: Label = this.code.label();

  /** @param handlesMax resources at most: locals begin after their handles */
  constructor(handlesMax: number) {
    this.handlesMax = handlesMax;
  }

  /** What the program needs, in the order of the handles in its start message. */
  get used(): readonly Resource[] {
    return this.resources;
  }

  /** Bytes of DATA that it uses. */
  get dataBytes(): number {
    return HANDLES + 8 * this.handlesMax + this.locals;
  }

  /** Offset in DATA of a resource's handle. */
  handle(kind: Exclude<Resource["kind"], "wake">, name: string): number {
    const known = this.resources.findIndex((each) => each.kind === kind && each.name === name);
    if (known >= 0) return HANDLES + 8 * known;
    return this.addHandle({ kind, name } as Resource);
  }

  /** Offset in DATA of the handles of a condition's waiters, one after the other. */
  wakeHandles(name: string, count: number): number {
    const known = this.resources.findIndex((each) => each.kind === "wake" && each.name === name);
    if (known >= 0) return HANDLES + 8 * known;
    const first = this.addHandle({ kind: "wake", name, index: 0 });
    for (let index = 1; index < count; index++) this.addHandle({ kind: "wake", name, index });
    return first;
  }

  private addHandle(resource: Resource): number {
    if (this.resources.length === this.handlesMax) throw new Error("more resources than declared");
    this.resources.push(resource);
    return HANDLES + 8 * (this.resources.length - 1);
  }

  /** Offset in DATA of `bytes` of zeroed memory of its own. */
  local(bytes = 8): number {
    const at = HANDLES + 8 * this.handlesMax + this.locals;
    this.locals += bytes;
    return at;
  }

  /**
   * Gets memory, waits for the start message and then for its own time to begin.
   * @param delay ns from the workload's start
   * @param board whether it uses timers that are shared
   */
  prologue(dataBytes: number, bufferBytes: number, delay: number, board: boolean): void {
    const { code } = this;
    code.move(R.REGISTER_RBP, R.REGISTER_RDI);
    code.move(R.REGISTER_R12, R.REGISTER_RSI);
    code.set(R.REGISTER_R15, DATA);
    this.allocate(DATA, dataBytes);
    code.store(R.REGISTER_RBP, R.REGISTER_R15, SELF);
    code.store(R.REGISTER_R12, R.REGISTER_R15, POOL);
    if (bufferBytes > 0) this.allocate(BUFFER, bufferBytes);
    this.waitFor([], NEVER, WAIT_MAILBOX);
    this.check();
    code.load(R.REGISTER_RDI, R.REGISTER_R15, SELF);
    this.arguments(DATA + MESSAGE, dataBytes - MESSAGE, 0);
    this.call(Calls.SYSCALL_IPC_RECV);
    if (board) {
      code.load(R.REGISTER_RDI, R.REGISTER_R15, this.handle("board", ""));
      this.arguments(BOARD, READ_WRITE, 0);
      this.call(Calls.SYSCALL_REGION_MAP);
    }
    code.load(R.REGISTER_R12, R.REGISTER_R15, SEED);
    code.load(R.REGISTER_RAX, R.REGISTER_R15, START);
    code.add(R.REGISTER_RAX, R.REGISTER_RAX, delay);
    code.store(R.REGISTER_RAX, R.REGISTER_R15, START);
    this.sleepUntil(R.REGISTER_RAX);
  }

  /** Ends the agent in good order; then the way out for calls that failed. */
  epilogue(): void {
    const { code } = this;
    code.set(R.REGISTER_RAX, 0);
    const end = code.label();
    code.jump(end);
    code.place(this.failed);
    code.mark(MARK_FAILED, R.REGISTER_RAX);
    code.place(end);
    code.move(R.REGISTER_RSI, R.REGISTER_RAX);
    code.load(R.REGISTER_RDI, R.REGISTER_R15, SELF);
    code.set(R.REGISTER_RAX, Calls.SYSCALL_AGENT_KILL);
    code.systemCall();
  }

  /** Allocates whole pages; R12 is the pool's capability, since DATA may not be there yet. */
  private allocate(address: number, bytes: number): void {
    this.code.move(R.REGISTER_RDI, R.REGISTER_R12);
    this.arguments(Math.ceil(bytes / PAGE) * PAGE, address, READ_WRITE);
    this.call(Calls.SYSCALL_AGENT_MEM_ALLOC);
  }

  /** Second to fourth arguments of a call; the fifth is 0. */
  arguments(a1: number | bigint, a2: number | bigint, a3: number | bigint): void {
    this.code.set(R.REGISTER_RSI, a1);
    this.code.set(R.REGISTER_RDX, a2);
    this.code.set(R.REGISTER_R10, a3);
    this.code.set(R.REGISTER_R8, 0);
  }

  /** Makes the call whose arguments are in place; its status must be OK. */
  call(number: number): void {
    this.code.set(R.REGISTER_RAX, number);
    this.code.systemCall();
    this.check();
  }

  /** IPCRecv with the arguments in place; goes to `empty` when nothing is there. */
  receiveOr(empty: Label): void {
    const { code } = this;
    code.set(R.REGISTER_RAX, Calls.SYSCALL_IPC_RECV);
    code.systemCall();
    code.add(R.REGISTER_RCX, R.REGISTER_RAX, -STATUS_EMPTY);
    code.jumpUnless(R.REGISTER_RCX, empty);
    this.check();
  }

  /** Leaves unless RAX is 0. */
  check(): void {
    this.code.jumpIf(R.REGISTER_RAX, this.failed);
  }

  /**
   * Wait for handles that stand beside each other, from the first; the status is in RAX.
   * @param deadline ns, or a register that has it
   */
  private waitFor(handles: readonly number[], deadline: bigint, flags: number): void {
    const { code } = this;
    code.set(R.REGISTER_R10, deadline);
    this.waitList(() => code.set(R.REGISTER_RSI, DATA + (handles[0] ?? 0)), handles.length, flags);
  }

  /** Wait with the deadline in R10 and the list where `place` puts it into RSI. */
  private waitList(place: () => void, count: number, flags: number): void {
    const { code } = this;
    place();
    code.set(R.REGISTER_RDX, count);
    code.set(R.REGISTER_R8, flags);
    code.set(R.REGISTER_R9, 0);
    code.load(R.REGISTER_RDI, R.REGISTER_R15, SELF);
    code.set(R.REGISTER_RAX, Calls.SYSCALL_WAIT);
    code.systemCall();
  }

  /** Blocks until the object of the handle is there, and takes it. */
  take(handle: number): void {
    this.waitFor([handle], NEVER, 0);
    this.check();
  }

  /** The same for the handle whose address is in a register. */
  takeAt(register: number): void {
    this.code.set(R.REGISTER_R10, NEVER);
    this.waitList(() => this.code.move(R.REGISTER_RSI, register), 1, 0);
    this.check();
  }

  /** Takes it if it is there, else goes to `none`. */
  poll(handle: number, none: Label): void {
    const { code } = this;
    const taken = code.label();
    this.waitFor([handle], 0n, 0);
    code.jumpUnless(R.REGISTER_RAX, taken);
    this.checkTimedOut();
    code.jump(none);
    code.place(taken);
  }

  /** Leaves unless RAX says that a deadline came. */
  private checkTimedOut(): void {
    const { code } = this;
    code.add(R.REGISTER_RCX, R.REGISTER_RAX, -STATUS_TIMED_OUT);
    code.jumpIf(R.REGISTER_RCX, this.failed);
  }

  /** Adds to an event, or lets go of a mutex. */
  signal(handle: number, count = 1): void {
    this.code.load(R.REGISTER_RDI, R.REGISTER_R15, handle);
    this.signalLoaded(count);
  }

  /** The same for the handle that is in RDI. */
  signalLoaded(count: number): void {
    this.arguments(count, 0, 0);
    this.call(Calls.SYSCALL_EVENT_SIGNAL);
  }

  /** Blocks until the time in a register; at once when it is past. */
  sleepUntil(register: number): void {
    const { code } = this;
    code.move(R.REGISTER_R10, register);
    this.waitList(() => code.set(R.REGISTER_RSI, 0), 0, 0);
    this.checkTimedOut();
  }

  /** Goes round `body` so many times; -1 is for ever. */
  repeat(times: number, body: () => void): void {
    const { code } = this;
    if (times === 1) {
      body();
      return;
    }
    if (times < 0) {
      const again = code.here();
      body();
      code.jump(again);
      return;
    }
    const counter = this.local();
    code.set(R.REGISTER_RAX, times);
    code.store(R.REGISTER_RAX, R.REGISTER_R15, counter);
    const again = code.here();
    body();
    code.load(R.REGISTER_RAX, R.REGISTER_R15, counter);
    code.add(R.REGISTER_RAX, R.REGISTER_RAX, -1);
    code.store(R.REGISTER_RAX, R.REGISTER_R15, counter);
    code.jumpIf(R.REGISTER_RAX, again);
  }
}
