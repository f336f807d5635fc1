/**
 * What queues, pipes, events, mutexes and waits do, in plain data: for comparison with the kernel.
 * Everything is a list that is searched from its beginning; nothing is linked, indexed or cached.
 */
import type { Result } from "./world-host.ts";

export type Type = "queue" | "pipe" | "event" | "mutex";

interface Thing {
  readonly type: Type;
  readonly capacity: number;
  /** Queue: messages; pipe: bytes; event: one entry a count. */
  content: number[];
  holder: number | null;
}

interface Wait {
  readonly agent: number;
  readonly list: readonly number[];
  readonly mailbox: boolean;
  readonly deadline: number;
}

const NOTHING = { status: "OK", value: 0 } as const;
const MAILBOX = 16;

export class IpcModel {
  readonly things: Thing[];
  readonly mailboxes: number[][];
  readonly sent: number[];
  /** Waits, longest first; those of suspended agents stand apart. */
  waits: Wait[] = [];
  parked: Wait[] = [];
  /** With what each agent's last wait that blocked has ended. */
  readonly results: Result[];
  /** The queue or pipe for which an agent was woken and has not looked. */
  readonly batons: (number | null)[];
  now = 0;

  constructor(agents: number, things: readonly (readonly [Type, number])[]) {
    this.things = things.map(([type, capacity]) => ({ type, capacity, content: [], holder: null }));
    this.mailboxes = Array.from({ length: agents }, () => []);
    this.sent = Array.from({ length: agents }, () => 0);
    this.results = Array.from({ length: agents }, () => NOTHING);
    this.batons = Array.from({ length: agents }, () => null);
  }

  private thing(index: number): Thing {
    const found = this.things[index];
    if (!found) throw new Error("no such thing");
    return found;
  }

  isWaiting = (agent: number): boolean => this.waits.some((wait) => wait.agent === agent);
  isParked = (agent: number): boolean => this.parked.some((wait) => wait.agent === agent);

  private waiterFor(index: number): Wait | undefined {
    return this.waits.find(({ list }) => list.includes(index));
  }

  private end(wait: Wait, value: number, status: Result["status"] = "OK"): void {
    this.waits = this.waits.filter((other) => other !== wait);
    this.results[wait.agent] = { status, value };
  }

  private wakeFor(index: number): void {
    const wait = this.waiterFor(index);
    if (!wait) return;
    this.end(wait, wait.list.indexOf(index));
    this.batons[wait.agent] = index;
  }

  private passBaton(agent: number): void {
    const index = this.batons[agent] ?? null;
    this.batons[agent] = null;
    if (index !== null && this.thing(index).content.length > 0) this.wakeFor(index);
  }

  send(from: number, to: number, bytes: number): Result {
    const mailbox = this.mailboxes[to] as number[];
    mailbox.push(bytes);
    this.sent[from] = (this.sent[from] ?? 0) + 1;
    const wait = this.waits.find(({ agent, mailbox }) => agent === to && mailbox);
    if (wait) this.end(wait, MAILBOX);
    return { status: "OK", value: this.sent[from] };
  }

  receive(agent: number): Result | number {
    return this.mailboxes[agent]?.shift() ?? { status: "EMPTY", value: 0 };
  }

  sendTo(from: number, index: number, bytes: number): Result {
    const queue = this.thing(index);
    if (queue.content.length >= queue.capacity) return { status: "FULL", value: 0 };
    queue.content.push(bytes);
    this.sent[from] = (this.sent[from] ?? 0) + 1;
    this.wakeFor(index);
    return { status: "OK", value: this.sent[from] };
  }

  receiveFrom(agent: number, index: number): Result | number {
    if (this.batons[agent] === index) this.batons[agent] = null;
    return this.thing(index).content.shift() ?? { status: "EMPTY", value: 0 };
  }

  write(index: number, bytes: readonly number[]): Result {
    const pipe = this.thing(index);
    const moved = Math.min(bytes.length, pipe.capacity - pipe.content.length);
    if (moved === 0) return { status: bytes.length === 0 ? "OK" : "FULL", value: 0 };
    pipe.content.push(...bytes.slice(0, moved));
    this.wakeFor(index);
    return { status: "OK", value: moved };
  }

  read(agent: number, index: number, length: number): Result | number[] {
    if (this.batons[agent] === index) this.batons[agent] = null;
    const pipe = this.thing(index);
    if (length === 0) return [];
    if (pipe.content.length === 0) return { status: "EMPTY", value: 0 };
    const bytes = pipe.content.splice(0, length);
    if (pipe.content.length > 0) this.wakeFor(index);
    return bytes;
  }

  signal(index: number, count: number): Result {
    const event = this.thing(index);
    const waiting = this.waits.filter(({ list }) => list.includes(index)).slice(0, count);
    if (event.content.length + count - waiting.length > event.capacity)
      return { status: "FULL", value: 0 };
    for (const wait of waiting) this.end(wait, wait.list.indexOf(index));
    for (let left = count - waiting.length; left > 0; left--) event.content.push(1);
    return { status: "OK", value: waiting.length };
  }

  release(agent: number, index: number): Result {
    const mutex = this.thing(index);
    if (mutex.holder !== agent) return { status: "NOT_OWNER", value: 0 };
    const wait = this.waiterFor(index);
    mutex.holder = wait ? wait.agent : null;
    if (wait) this.end(wait, wait.list.indexOf(index));
    return { status: "OK", value: wait ? 1 : 0 };
  }

  /** The value of a wait for something that is there, or null. */
  private take(agent: number, list: readonly number[], mailbox: boolean): number | null {
    for (const [position, index] of list.entries()) {
      const thing = this.thing(index);
      if (thing.type === "mutex" ? thing.holder !== null : thing.content.length === 0) continue;
      if (thing.type === "mutex") thing.holder = agent;
      if (thing.type === "event") thing.content.pop();
      return position;
    }
    return mailbox && this.mailboxes[agent]?.length ? MAILBOX : null;
  }

  /** Whom the first mutex in the list keeps an agent waiting for; null for nobody. */
  private keeper(list: readonly number[]): number | null {
    const mutex = list.map((index) => this.thing(index)).find(({ type }) => type === "mutex");
    return mutex?.holder ?? null;
  }

  /** Whether `agent` would wait for itself, by way of the mutexes that others wait for. */
  private isRing(agent: number, list: readonly number[]): boolean {
    let at = this.keeper(list);
    while (at !== null && at !== agent) {
      const wait = this.waits.find((other) => other.agent === at);
      at = wait ? this.keeper(wait.list) : null;
    }
    return at === agent;
  }

  wait(agent: number, list: readonly number[], mailbox: boolean, deadline: number): Result {
    const value = this.take(agent, list, mailbox);
    if (value === null && deadline > this.now && this.isRing(agent, list))
      return { status: "CYCLE", value: 0 };
    this.passBaton(agent);
    if (value !== null) return { status: "OK", value };
    if (deadline <= this.now) return { status: "TIMED_OUT", value: 0 };
    this.waits.push({ agent, list, mailbox, deadline });
    return NOTHING;
  }

  pass(time: number): void {
    this.now = time;
    for (const wait of [...this.waits].sort((a, b) => a.deadline - b.deadline))
      if (wait.deadline <= time) this.end(wait, 0, "TIMED_OUT");
  }

  park(agent: number): void {
    const wait = this.waits.find((other) => other.agent === agent);
    this.waits = this.waits.filter((other) => other !== wait);
    if (wait) this.parked.push(wait);
    this.passBaton(agent);
  }

  /** Whether the agent goes on waiting. */
  unpark(agent: number): boolean {
    const wait = this.parked.find((other) => other.agent === agent);
    if (!wait) return false;
    this.parked = this.parked.filter((other) => other !== wait);
    const result = this.wait(agent, wait.list, wait.mailbox, wait.deadline);
    const waits = this.isWaiting(agent);
    if (!waits) this.results[agent] = result;
    return waits;
  }
}
