/**
 * Compiled tasks on a kernel that is only what they need of one: events, mutexes, queues, mailboxes,
 * Wait and its deadlines, written from the system calls' descriptions. Every agent has a processor
 * of its own, so what is seen is what the program does, not how it is scheduled.
 */
import * as Calls from "../../../kernel/syscall/numbers.ts";
import * as Status from "../../../kernel/syscall/status.ts";
import { SyntheticModel } from "../../../sim/host/testing/synthetic-model.ts";
import * as R from "../../../sim/spec/user.ts";
import type { CompiledTask, CompiledWorkload } from "../compile.ts";
import { waitersOf } from "../conditions.ts";
import type { Resource } from "../program.ts";
import { initialOf } from "../resources.ts";

const TEXT = 0x40_0000n;
const SELF = 1n;
const POOL = 2n;
const FIRST_HANDLE = 100n;

/** A system call that was made: its second to fourth arguments and its status. */
export interface CallRecord {
  readonly agent: string;
  readonly time: number;
  readonly number: number;
  readonly object: string;
  readonly status: number;
}

interface Endpoint {
  readonly name: string;
  count: bigint;
  readonly messages: bigint[];
}

class Agent {
  readonly model: SyntheticModel;
  readonly name: string;
  readonly mapped: { readonly from: bigint; readonly to: bigint }[] = [];
  /** What it waits for; null while it runs. */
  waiting: { readonly list: readonly Endpoint[]; readonly deadline: bigint } | null = null;
  done: bigint | null = null;
  started = false;

  constructor(name: string, text: Uint8Array) {
    this.name = name;
    const allowed = (address: bigint) =>
      this.mapped.some(({ from, to }) => address >= from && address < to) ||
      (address >= TEXT && address < TEXT + BigInt(text.length));
    this.model = new SyntheticModel({
      allowed: (address, write) => allowed(address) && !(write && address < TEXT + 0x100_0000n),
      byte: (address) => text[Number(address - TEXT)] ?? 0,
    });
    this.model.registers[R.REGISTER_RBX] = TEXT;
    this.model.registers[R.REGISTER_RDI] = SELF;
    this.model.registers[R.REGISTER_RSI] = POOL;
  }

  register(index: number): bigint {
    return this.model.registers[index] ?? 0n;
  }

  read(address: bigint): bigint {
    let value = 0n;
    for (let n = 7n; n >= 0n; n--)
      value = (value << 8n) | BigInt(this.model.written.get(address + n) ?? 0);
    return value;
  }

  write(address: bigint, value: bigint): void {
    for (let n = 0n; n < 8n; n++)
      this.model.written.set(address + n, Number((value >> (8n * n)) & 0xffn));
  }
}

export class ModelWorld {
  readonly agents: Agent[] = [];
  readonly calls: CallRecord[] = [];
  private readonly endpoints: Endpoint[] = [];
  private readonly compiled: CompiledWorkload;
  private readonly start: bigint;

  private readonly pause: () => number;

  /**
   * @param start when the workload begins, ns
   * @param pause ns for which an agent doesn't get on after each call, as if it were preempted
   */
  constructor(compiled: CompiledWorkload, start = 1000, pause = () => 0) {
    this.compiled = compiled;
    this.start = BigInt(start);
    this.pause = pause;
    for (const resource of compiled.resources)
      this.endpoints.push({
        name: `${resource.kind} ${resource.name}`.trim(),
        count: BigInt(initialOf(resource, compiled.workload)),
        messages: [],
      });
    for (const task of compiled.workload.tasks)
      for (let instance = 0; instance < task.instances; instance++)
        this.endpoints.push({ name: `wake ${task.name}-${instance}`, count: 0n, messages: [] });
    for (const task of compiled.tasks)
      for (let instance = 0; instance < task.task.instances; instance++)
        this.agents.push(new Agent(`${task.task.name}-${instance}`, task.text));
  }

  agent(name: string): Agent {
    const found = this.agents.find((each) => each.name === name);
    if (!found) throw new Error(`no agent ${name}`);
    return found;
  }

  /** Names and times of an agent's marks, from the start of the workload. */
  marks(name: string): { kind: number; time: number; value: number }[] {
    return this.agent(name).model.marks.map(({ kind, time, value }) => ({
      kind: Number(kind),
      time: Number(time - this.start),
      value: Number(value - this.start),
    }));
  }

  /** Calls of a number, from the start message on, with times from the start of the workload. */
  callsOf(name: string, number: number): CallRecord[] {
    return this.calls
      .filter((call) => call.agent === name && call.number === number)
      .map((call) => ({ ...call, time: call.time - Number(this.start) }));
  }

  /** Goes on to `until` ns after the start, or until nothing can happen any more. */
  run(until: number): void {
    const end = this.start + BigInt(until);
    for (;;) {
      for (const agent of this.agents)
        if (!agent.waiting && agent.done === null && agent.model.ended === null)
          agent.model.runUntil(end);
      const next = this.next();
      if (!next || next.time > end) return;
      if (next.agent.waiting) this.timeOut(next.agent);
      else this.serve(next.agent);
    }
  }

  /** The earliest that happens: a call that was made, or a deadline. */
  private next(): { agent: Agent; time: bigint } | null {
    let first: { agent: Agent; time: bigint } | null = null;
    for (const agent of this.agents) {
      if (agent.done !== null) continue;
      const called = agent.model.ended !== null;
      const time = agent.waiting ? agent.waiting.deadline : agent.model.clock;
      if (!agent.waiting && !called) continue;
      if (first === null || time < first.time) first = { agent, time };
    }
    return first;
  }

  private timeOut(agent: Agent): void {
    const { deadline } = agent.waiting ?? { deadline: 0n };
    this.resume(agent, deadline, Status.STATUS_TIMED_OUT);
  }

  private resume(agent: Agent, time: bigint, status: number): void {
    agent.waiting = null;
    agent.model.clock = time > agent.model.clock ? time : agent.model.clock;
    agent.model.registers[R.REGISTER_RAX] = BigInt(status);
  }

  private serve(agent: Agent): void {
    if (agent.model.ended !== "syscall")
      throw new Error(`${agent.name}: exception ${agent.model.ended}`);
    agent.model.ended = null;
    agent.model.registers[R.REGISTER_RCX] = 0xdeadn;
    agent.model.registers[R.REGISTER_R11] = 0xdeadn;
    const number = Number(agent.register(R.REGISTER_RAX));
    const object = this.endpoint(agent.register(R.REGISTER_RDI))?.name ?? "";
    const status = this.execute(agent, number);
    const time = Number(agent.model.clock);
    this.calls.push({ agent: agent.name, time, number, object, status });
    if (!agent.waiting) agent.model.registers[R.REGISTER_RAX] = BigInt(status);
    agent.model.clock += BigInt(this.pause());
  }

  private execute(agent: Agent, number: number): number {
    const [a1, a2] = [agent.register(R.REGISTER_RSI), agent.register(R.REGISTER_RDX)];
    switch (number) {
      case Calls.SYSCALL_AGENT_MEM_ALLOC:
        agent.mapped.push({ from: a2, to: a2 + a1 });
        return Status.STATUS_OK;
      case Calls.SYSCALL_WAIT:
        return this.wait(agent, a1, a2);
      case Calls.SYSCALL_IPC_RECV:
        return this.receive(agent, a1);
      case Calls.SYSCALL_IPC_SEND:
        return this.send(agent, a1);
      case Calls.SYSCALL_EVENT_SIGNAL:
        return this.signal(agent, a1);
      case Calls.SYSCALL_AGENT_KILL:
        agent.done = a1;
        return Status.STATUS_OK;
      case Calls.SYSCALL_AGENT_SCHEDULE:
      case Calls.SYSCALL_AGENT_INFO:
      case Calls.SYSCALL_YIELD:
        return Status.STATUS_OK;
      default:
        return Status.STATUS_UNKNOWN_SYSCALL;
    }
  }

  private endpoint(handle: bigint): Endpoint | undefined {
    return this.endpoints[Number(handle - FIRST_HANDLE)];
  }

  private wait(agent: Agent, at: bigint, count: bigint): number {
    const deadline = agent.register(R.REGISTER_R10);
    // The start message is there from the beginning.
    if (agent.register(R.REGISTER_R8) !== 0n && !agent.started) return Status.STATUS_OK;
    const list: Endpoint[] = [];
    for (let index = 0n; index < count; index++) {
      const endpoint = this.endpoint(agent.read(at + 8n * index));
      if (!endpoint) return Status.STATUS_CAPABILITY_FORGED;
      list.push(endpoint);
    }
    if (this.take(list)) return Status.STATUS_OK;
    if (deadline <= agent.model.clock) return Status.STATUS_TIMED_OUT;
    agent.waiting = { list, deadline };
    return Status.STATUS_OK;
  }

  /** Takes the first that is there; a queue's message stays for IPCRecv. */
  private take(list: readonly Endpoint[]): boolean {
    const ready = list.find(({ count, messages }) => count > 0n || messages.length > 0);
    if (ready && ready.messages.length === 0) ready.count -= 1n;
    return ready !== undefined;
  }

  private signal(agent: Agent, count: bigint): number {
    const endpoint = this.endpoint(agent.register(R.REGISTER_RDI));
    if (!endpoint) return Status.STATUS_CAPABILITY_FORGED;
    endpoint.count += count;
    this.wake(endpoint, agent.model.clock);
    return Status.STATUS_OK;
  }

  /** Those that wait for it, in the order in which they came; agents are in that order here. */
  private wake(endpoint: Endpoint, time: bigint): void {
    const waiters = this.agents.filter((each) => each.waiting?.list.includes(endpoint));
    waiters.sort((a, b) => Number(a.model.clock - b.model.clock));
    for (const waiter of waiters)
      if (this.take([endpoint])) this.resume(waiter, time, Status.STATUS_OK);
  }

  private send(agent: Agent, from: bigint): number {
    const endpoint = this.endpoint(agent.register(R.REGISTER_RDI));
    if (!endpoint) return Status.STATUS_CAPABILITY_FORGED;
    endpoint.messages.push(agent.read(from));
    this.wake(endpoint, agent.model.clock);
    return Status.STATUS_OK;
  }

  private receive(agent: Agent, to: bigint): number {
    if (agent.register(R.REGISTER_RDI) === SELF) {
      this.startMessage(agent, to);
      return Status.STATUS_OK;
    }
    const message = this.endpoint(agent.register(R.REGISTER_RDI))?.messages.shift();
    if (message === undefined) return Status.STATUS_EMPTY;
    agent.write(to, message);
    return Status.STATUS_OK;
  }

  private startMessage(agent: Agent, to: bigint): void {
    agent.started = true;
    const seed = BigInt(this.agents.indexOf(agent) + 1);
    const [name, instance = "0"] = agent.name.split(/-(?=\d+$)/);
    const task = this.compiled.tasks.find((each: CompiledTask) => each.task.name === name);
    const words = [this.start, seed, 8n * BigInt(instance)];
    for (const resource of task?.resources ?? []) {
      const of = this.nameOf(resource, agent);
      words.push(FIRST_HANDLE + BigInt(this.endpoints.findIndex((each) => each.name === of)));
    }
    for (const [index, word] of words.entries()) agent.write(to + 8n * BigInt(index), word);
  }

  /** Name of the endpoint that a resource is to the agent. */
  private nameOf(resource: Resource, agent: Agent): string {
    if (resource.kind === "own") return `wake ${agent.name}`;
    if (resource.kind !== "wake") return `${resource.kind} ${resource.name}`.trim();
    const waiter = waitersOf(resource.name, this.compiled.workload)[resource.index];
    return `wake ${waiter?.task}-${waiter?.instance}`;
  }
}
