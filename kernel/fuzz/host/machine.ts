/**
 * The fuzzer's second subject: the booted machine, on which several agents make the calls, on several
 * CPUs. They are preempted, they fault, and they end each other. One, the first, makes no wild calls:
 * it sees to it that there are always some.
 *
 * Every so many turns RAM is copied beside a second kernel, kernel-testing.wasm, which checks every
 * invariant there: both have the same structures at the same places.
 */
import { type Step, type Sys, SyscallError } from "../../../sdk/agent/index.ts";
import { agentImage } from "../../../sdk/image/agent-image.ts";
import { buildBootImage } from "../../../sdk/image/index.ts";
import { agent } from "../../../sdk/agent/sys.ts";
import { RAM_BASE } from "../../../sim/host/core.ts";
import { Machine } from "../../../sim/host/machine.ts";
import type { AgentStart, CallReply, Program } from "../../../sim/host/programs.ts";
import { KERNEL_ADDRESS, KERNEL_BYTES } from "../../../sim/spec/platform.ts";
import { SPINNER } from "../../host/testing/agents.ts";
import { KIND_SCOPE } from "../../object/kinds.ts";
import * as numbers from "../../syscall/numbers.ts";
import { type KernelTesting, loadKernelTesting } from "../../testing/module.ts";
import { statusName } from "../../testing/world-host.ts";
import { callText, compose } from "../compose.ts";
import type { Scene } from "../draft.ts";
import { FuzzFailure, type Round, type Subject } from "../fuzz.ts";
import { invariantName } from "../harness.ts";
import { Random, seedFrom } from "../random.ts";
import { Sight } from "../sight.ts";

const RAM_BYTES = 32 << 20;
const CPUS_MAX = 4;
const AGENTS = 6;
const QUOTA = 2 << 20;
/** Memory that an agent begins with, of which nothing is there yet. */
const HOME = 0x4000_0000;
const HOME_BYTES = 24 * 4096;
const READ_WRITE = 3;
/** How often the first agent looks after the others, ns. */
const LOOK = 3_000_000;
/** Virtual time of a round at most, ns: whoever waits for ever is not waited for. */
const ROUND_NS = 60_000_000_000n;
/** Turns between two checks of all invariants. */
const CHECK = 128;
/** One of so many turns is a store that the agent may not make: it faults and ends. */
const STRAY = 200;
const SEEN_MAX = 256;
/** The first agent's own choices: a number that no turn has. */
const FIRST = 0xffff_ffff;
/** Where kernel.wasm has its constants: not part of what the two kernels share. */
const CONSTANTS = RAM_BASE + KERNEL_ADDRESS;
const ROOT = CONSTANTS + KERNEL_BYTES / 2;

type Made = Parameters<Subject["play"]>[1];

/** One round on one machine. */
class Play {
  readonly machine: Machine;
  private readonly round: Round;
  private readonly made: Made;
  private readonly sight: Sight;
  private readonly random: Random;
  private readonly seen: number[] = [];
  private readonly operations: (readonly [operation: number, service: number])[] = [];
  /** Number of the turn that is made, and what it is. */
  turn = -1;
  doing = "";
  over = false;
  /** All invariants are to be checked. */
  due = false;

  constructor(machine: Machine, round: Round, made: Made) {
    this.machine = machine;
    this.round = round;
    this.made = made;
    this.sight = new Sight(machine.core.data);
    this.random = new Random(seedFrom(round.seed, FIRST));
  }

  /** The next turn that is to be made; false when there is none. */
  private next(): boolean {
    const { turns, only } = this.round;
    do this.turn += 1;
    while (this.turn < turns && only && !only.has(this.turn));
    this.over ||= this.turn >= turns;
    this.due ||= this.turn % CHECK === 0;
    return !this.over;
  }

  private scene(id: number): Scene {
    const { machine, seen, sight } = this;
    const own = this.operations.filter(([, service]) => service === id);
    const operations = (own.length > 0 ? own : this.operations).map(([operation]) => operation);
    const cpus = 2n ** BigInt(sight.kernel.cpus.length) - 1n;
    const agents = sight.kernel.agents.map((found) => found.id);
    return { now: Number(machine.time), cpus, agents, seen, operations, image: "fuzz" };
  }

  /** What all agents but the first run. */
  *wild({ id, self, pool }: AgentStart): Program {
    yield { call: numbers.SYSCALL_AGENT_MEM_ALLOC, args: [pool, HOME_BYTES, HOME, READ_WRITE] };
    while (this.next()) {
      const random = new Random(seedFrom(this.round.seed, this.turn));
      const caller = this.sight.caller(id);
      if (caller === null) return;
      const { name, number, handle, args, stores } = compose(random, caller, this.scene(id));
      this.note(caller.handles.map((held) => held.id));
      if (random.once(STRAY)) yield { store: [random.next() * 4096, new Uint8Array(8)] };
      for (const { address, bytes } of stores) yield { store: [address, bytes] };
      this.doing = `agent ${id}: ${callText({ name, number, handle, args, stores })}`;
      const cycles = random.pick([0, 100, 1000, 30_000, 2_000_000]);
      const reply = (yield { call: number, args: [handle, ...args], cycles }) as CallReply;
      const status = statusName(reply.error);
      if (name === "PQC_TAKE" && status === "OK") this.operations.push([reply.value, id]);
      if (this.operations.length > 16) this.operations.shift();
      this.over ||= !this.made(name, status);
    }
    while (true) yield { call: numbers.SYSCALL_WAIT, args: [self, 0, 0, -1, 1, 0] };
  }

  private note(handles: readonly number[]): void {
    const { seen } = this;
    for (const id of handles.slice(0, 2)) if (!seen.includes(id)) seen.push(id);
    if (seen.length > SEEN_MAX) seen.splice(0, seen.length - SEEN_MAX);
  }

  /** The first agent: it makes others, shows them to each other, and ends one now and then. */
  *tend(sys: Sys): Step<void> {
    const { random } = this;
    const quantum = random.pick([200_000, 1_000_000]);
    yield* sys.configureScheduler({ quantum, fairReserve: random.between(100, 1024) });
    const images = [yield* sys.image("fuzz"), yield* sys.image("spinner")];
    const scope = this.sight.caller(sys.id)?.handles.find(({ kind }) => kind === KIND_SCOPE);
    const grants = [Number(sys.argument), ...images, scope?.id ?? 0].map((capability) => ({ capability }));
    const children = new Map<number, number>();
    while (true) {
      while (children.size < AGENTS) {
        const born = yield* this.unlessRefused(sys.spawn({ image: images[0] ?? 0, quota: QUOTA, grants }));
        if (born === null) break;
        for (const other of children.values()) {
          yield* this.unlessRefused(sys.derive(other, { holder: born.capability }));
          yield* this.unlessRefused(sys.derive(born.capability, { holder: other }));
        }
        children.set(born.id, born.capability);
      }
      const woken = yield* sys.wait({ notices: true, deadline: (yield* sys.now()) + BigInt(LOOK) });
      if (woken.what === "notice") {
        if (woken.notice.kind === "ended") children.delete(woken.notice.agent);
        continue;
      }
      for (const child of children.values()) yield* this.unlessRefused(sys.resume(child));
      const oldest = [...children.values()][0];
      if (oldest !== undefined && random.once(20)) yield* this.unlessRefused(sys.kill(oldest));
    }
  }

  /** What the step gives; null when a call of it is refused. */
  private *unlessRefused<T>(step: Step<T>): Step<T | null> {
    try {
      return yield* step;
    } catch (error) {
      if (error instanceof SyscallError) return null;
      throw error;
    }
  }

  /** Runs until the round is over; `check` answers the name of an invariant that doesn't hold, or "". */
  run(check: () => string): void {
    const { machine } = this;
    const condition = () => this.over || this.due;
    while (!this.over) {
      this.due = false;
      const reason = machine.run({ until: ROUND_NS, condition });
      const failure = machine.agents.failures.find(({ program }) => program === "init");
      if (failure) throw failure.error;
      if (reason === "limit") this.over = true;
      else if (reason !== "condition") throw new Error(`the machine has ended: ${reason}`);
      const broken = check();
      if (broken !== "") throw new Error(`${broken} does not hold`);
    }
  }
}

async function powerOn(seed: number): Promise<Machine> {
  const entries = [
    { name: "init", data: agentImage({ runtime: "host", program: "init" }) },
    { name: "fuzz", data: agentImage({ runtime: "host", program: "fuzz" }) },
    { name: "spinner", data: SPINNER },
  ];
  const drives = [{ data: await buildBootImage({ entries }) }];
  const cpus = 1 + (seed % CPUS_MAX);
  return Machine.create({ cpus, memory: RAM_BYTES, drives });
}

/** Name of an invariant that does not hold in the machine's RAM; "" when all do. */
function checkIn(machine: Machine, testing: { readonly exports: KernelTesting; readonly data: DataView }): string {
  const { bytes } = machine.core;
  const beside = new Uint8Array(testing.data.buffer);
  beside.set(bytes.subarray(RAM_BASE, CONSTANTS), RAM_BASE);
  beside.set(bytes.subarray(ROOT, RAM_BASE + RAM_BYTES), ROOT);
  const broken = testing.exports.checkInvariants();
  return broken === 0 ? "" : invariantName(broken);
}

/** The booted machine, with one to four CPUs. */
export function machine(): Subject {
  return {
    name: "machine",
    async play(round, made) {
      const subject = await powerOn(round.seed);
      const testing = await loadKernelTesting(RAM_BYTES);
      const play = new Play(subject, round, made);
      subject.agents.program("init", agent((sys) => play.tend(sys)));
      subject.agents.program("fuzz", (start) => play.wild(start));
      try {
        play.run(() => checkIn(subject, testing));
      } catch (error) {
        throw new FuzzFailure("machine", round.seed, Math.max(play.turn, 0), `${play.doing}: ${error}`, error);
      }
    },
  };
}
