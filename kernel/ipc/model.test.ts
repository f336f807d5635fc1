import fc from "fast-check";
import { expect, test } from "vitest";
import { BASE, Ipc, type Party, pattern } from "../testing/ipc-host.ts";
import { IpcModel, type Type } from "../testing/ipc-model.ts";
import type { Result } from "../testing/world-host.ts";

const AGENTS = 4;
const THINGS = [
  ["queue", 3],
  ["queue", 2],
  ["pipe", 16],
  ["event", 4],
  ["mutex", 1],
  ["mutex", 1],
] as const satisfies readonly (readonly [Type, number])[];
const QUEUES = [0, 1] as const;
const PIPE = 2;
const EVENT = 3;
const MUTEXES = [4, 5] as const;
const BUFFER = 64;

const agent = fc.nat({ max: AGENTS - 1 });
const queue = fc.constantFrom(...QUEUES);
const bytes = fc.constantFrom(0, 1, 63, 64, 65, 200, 4097);
const list = fc.uniqueArray(fc.nat({ max: THINGS.length - 1 }), { maxLength: 4 });
const command = fc.oneof(
  fc.record({ do: fc.constant("send" as const), agent, to: agent, bytes }),
  fc.record({ do: fc.constant("receive" as const), agent }),
  fc.record({ do: fc.constant("sendTo" as const), agent, queue, bytes }),
  fc.record({ do: fc.constant("receiveFrom" as const), agent, queue }),
  fc.record({ do: fc.constant("write" as const), agent, length: fc.nat({ max: 20 }) }),
  fc.record({ do: fc.constant("read" as const), agent, length: fc.nat({ max: 20 }) }),
  fc.record({ do: fc.constant("signal" as const), agent, count: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ do: fc.constant("release" as const), agent, mutex: fc.constantFrom(...MUTEXES) }),
  fc.record({
    do: fc.constant("wait" as const),
    agent,
    list,
    mailbox: fc.boolean(),
    within: fc.constantFrom(0, 5, 50, 500),
  }),
  fc.record({ do: fc.constant("pass" as const), agent, by: fc.nat({ max: 60 }) }),
  fc.record({ do: fc.constant("park" as const), agent }),
  fc.record({ do: fc.constant("unpark" as const), agent }),
);
type Command = typeof command extends fc.Arbitrary<infer T> ? T : never;

/** The same commands for a kernel and for the model. */
class Pair {
  readonly ipc: Ipc;
  readonly parties: Party[];
  readonly model = new IpcModel(AGENTS, THINGS);
  /** Capabilities of each agent to each thing. */
  private readonly named: number[][];
  private writes = 0;

  constructor(ipc: Ipc) {
    this.ipc = ipc;
    this.parties = Array.from({ length: AGENTS }, () => ipc.party());
    const made = THINGS.map(([type, capacity]) => this.party(0).create(type, capacity));
    this.named = this.parties.map((party) => made.map((thing) => party.share(thing)));
  }

  party(index: number): Party {
    return this.parties[index] as Party;
  }

  private capability(agent: number, thing: number): number {
    return this.named[agent]?.[thing] ?? 0;
  }

  /** What a receive is to have given: a length, or a refusal. */
  private compareMessage(actual: ReturnType<Party["receive"]>, expected: Result | number): void {
    if (typeof expected !== "number") expect(actual).toBe(expected.status);
    else expect(typeof actual === "string" ? actual : actual.bytes.length).toBe(expected);
  }

  do(step: Command): void {
    const { model } = this;
    const party = this.party(step.agent);
    // Only an agent that runs makes calls.
    const asleep = model.isWaiting(step.agent) || model.isParked(step.agent);
    if (step.do === "pass") this.pass(step.by);
    else if (step.do === "unpark") this.unpark(step.agent);
    else if (step.do === "park") this.park(step.agent);
    else if (!asleep) this.call(step, party);
  }

  private call(step: Exclude<Command, { do: "pass" | "park" | "unpark" }>, party: Party): void {
    const { model } = this;
    const { agent } = step;
    switch (step.do) {
      case "send": {
        const target = party.to(this.party(step.to));
        expect(party.send(target, pattern(step.bytes))).toEqual(
          model.send(agent, step.to, step.bytes),
        );
        party.ipc.exports.worldDelete(BigInt(target));
        break;
      }
      case "receive":
        this.compareMessage(party.receive(), model.receive(agent));
        break;
      case "sendTo":
        expect(party.send(this.capability(agent, step.queue), pattern(step.bytes))).toEqual(
          model.sendTo(agent, step.queue, step.bytes),
        );
        break;
      case "receiveFrom":
        this.compareMessage(
          party.receive(this.capability(agent, step.queue)),
          model.receiveFrom(agent, step.queue),
        );
        break;
      case "write":
        this.write(agent, step.length);
        break;
      case "read":
        this.read(agent, step.length);
        break;
      case "signal":
        expect(party.call("EVENT_SIGNAL", this.capability(agent, EVENT), step.count)).toEqual(
          model.signal(EVENT, step.count),
        );
        break;
      case "release":
        expect(party.call("EVENT_SIGNAL", this.capability(agent, step.mutex), 0)).toEqual(
          model.release(agent, step.mutex),
        );
        break;
      case "wait":
        this.wait(agent, step.list, step.mailbox, model.now + step.within);
        break;
    }
  }

  private write(agent: number, length: number): void {
    const content = Array.from(pattern(length, ++this.writes));
    const party = this.party(agent);
    party.write(BASE, Uint8Array.from(content));
    const actual = party.call("PIPE_WRITE", this.capability(agent, PIPE), BASE, length);
    expect(actual).toEqual(this.model.write(PIPE, content));
  }

  private read(agent: number, length: number): void {
    const party = this.party(agent);
    const actual = party.call("PIPE_READ", this.capability(agent, PIPE), BASE + BUFFER, length);
    const expected = this.model.read(agent, PIPE, length);
    if (!Array.isArray(expected)) {
      expect(actual).toEqual(expected);
      return;
    }
    expect(actual).toEqual({ status: "OK", value: expected.length });
    expect(Array.from(party.read(BASE + BUFFER, actual.value))).toEqual(expected);
  }

  private wait(agent: number, list: readonly number[], mailbox: boolean, deadline: number): void {
    const actual = this.party(agent).wait({
      list: list.map((thing) => this.capability(agent, thing)),
      mailbox,
      deadline: BigInt(deadline),
    });
    expect(actual).toEqual(this.model.wait(agent, list, mailbox, deadline));
  }

  private pass(by: number): void {
    this.model.pass(this.model.now + by);
    this.ipc.timer(this.model.now);
  }

  private park(agent: number): void {
    if (this.model.isParked(agent)) return;
    this.ipc.exports.worldPark(BigInt(this.party(agent).id));
    this.model.park(agent);
  }

  private unpark(agent: number): void {
    if (!this.model.isParked(agent)) return;
    const waits = this.ipc.exports.worldUnpark(BigInt(this.party(agent).id)) === 1;
    expect(waits).toBe(this.model.unpark(agent));
    // What the life cycle does with an agent that is resumed.
    if (!waits) this.ipc.exports.worldReady(BigInt(this.party(agent).id));
  }

  compare(): void {
    this.parties.forEach((party, index) => {
      expect(party.waits).toBe(this.model.isWaiting(index) || this.model.isParked(index));
      expect(party.view.mailboxCount).toBe(this.model.mailboxes[index]?.length);
    });
    this.model.things.forEach((thing, index) => {
      const endpoint = this.ipc.endpoint(this.capability(0, index));
      expect(endpoint.count).toBe(
        thing.type === "mutex" ? (thing.holder === null ? 0 : 1) : thing.content.length,
      );
    });
  }
}

test("queues, pipes, events, mutexes and waits do what plain lists do, in any order of calls", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { maxLength: 120 }), async (commands) => {
      const pair = new Pair(await Ipc.create());
      const asleep = new Set<number>();
      for (const step of commands) {
        pair.do(step);
        pair.compare();
        expect(pair.ipc.broken).toBe(0);
        for (let index = 0; index < AGENTS; index++) {
          const waits = pair.model.isWaiting(index) || pair.model.isParked(index);
          if (asleep.has(index) && !waits)
            expect(pair.party(index).result).toEqual(pair.model.results[index]);
          if (waits) asleep.add(index);
          else asleep.delete(index);
        }
      }
    }),
    { numRuns: 80 },
  );
});
