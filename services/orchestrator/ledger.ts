/**
 * All that the orchestrator knows, and how it changes: agents, and events about them. A change and its
 * events are one batch, which is on the disk before anybody is told of it.
 */
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Store, Write } from "../host/store.ts";
import { Pause, type Tasks, type Work } from "../host/tasks.ts";
import type { Event } from "../messages/api.ts";
import { RequestError } from "../messages/errors.ts";
import { EVENTS_MAX } from "./limits.ts";
import { type AgentRecord, keyOf, recordKey } from "./record.ts";

const EVENT = "event/";
const eventKey = (sequence: number): string => EVENT + String(sequence).padStart(12, "0");

/** An event that has no number yet. */
export interface Happening {
  readonly kind: string;
  readonly project: string | null;
  readonly name: string | null;
  readonly detail?: Event["detail"];
}

export class Ledger {
  readonly agents = new Map<string, AgentRecord>();
  /** Told of the uids of agents that are forgotten, when that is on the disk. */
  onForgotten: (uids: readonly string[]) => void = () => {};
  private readonly sys: Sys;
  private readonly tasks: Tasks;
  private readonly store: Store;
  private readonly epoch: number;
  private readonly events: Event[] = [];
  private nextEvent = 0;
  /** Events before this one are on the disk. */
  private published = 0;
  /** Batches that have been asked for, and those that have come back. */
  private asked = 0;
  private answered = 0;
  private readonly looking = new Set<() => void>();

  constructor(sys: Sys, tasks: Tasks, store: Store, epoch: number) {
    this.sys = sys;
    this.tasks = tasks;
    this.store = store;
    this.epoch = epoch;
  }

  *load(): Work<void> {
    const { store, tasks } = this;
    for (const [key, record] of yield* tasks.host(() => store.list(recordKey(""))))
      this.agents.set(key.slice(recordKey("").length), record as AgentRecord);
    for (const [, event] of yield* tasks.host(() => store.list(EVENT)))
      this.events.push(event as Event);
    this.nextEvent = (this.events.at(-1)?.sequence ?? -1) + 1;
    this.published = this.nextEvent;
  }

  /** Seconds since 1970. */
  *now(): Work<number> {
    return this.epoch + Number(yield* this.sys.now()) / 1e9;
  }

  /** @throws RequestError not-found */
  find(named: { project: string; name: string }): AgentRecord {
    const record = this.agents.get(keyOf(named));
    if (!record) throw new RequestError("not-found", `there is no agent ${keyOf(named)}`);
    return record;
  }

  /** A record takes its place, with what has happened; done when it is on the disk. */
  *put(record: AgentRecord, ...happened: Omit<Happening, "project" | "name">[]): Work<AgentRecord> {
    const key = keyOf(record.view);
    this.agents.set(key, record);
    const { project, name } = record.view;
    const writes = [{ key: recordKey(key), value: record }];
    yield* this.commit(
      writes,
      happened.map((it) => ({ ...it, project, name })),
    );
    return record;
  }

  /**
   * As `put`, for work that began with `base` and has waited since: the record as it is now takes the change.
   * @throws RequestError wrong-state: documents take no locks, and one has said something else of the agent meanwhile
   */
  *change(
    base: AgentRecord,
    change: (now: AgentRecord) => AgentRecord,
    ...happened: Omit<Happening, "project" | "name">[]
  ): Work<AgentRecord> {
    return yield* this.put(change(this.stillOf(base)), ...happened);
  }

  /** The record as it is now, of the same life and by the same document. @throws RequestError wrong-state */
  stillOf(base: AgentRecord): AgentRecord {
    const now = this.agents.get(keyOf(base.view));
    const isSame =
      now?.view.uid === base.view.uid &&
      now.run === base.run &&
      now.wanted === base.wanted &&
      now.spec === base.spec &&
      now.stale === base.stale &&
      now.leaving === base.leaving;
    if (isSame) return now;
    throw new RequestError(
      "wrong-state",
      `${base.view.name} has been changed or removed meanwhile`,
    );
  }

  /** Many records at once, with other writes; `gone` are forgotten. */
  *putAll(
    records: readonly AgentRecord[],
    gone: readonly { project: string; name: string }[],
    more: readonly Write[],
    happened: readonly Happening[],
  ): Work<void> {
    for (const record of records) this.agents.set(keyOf(record.view), record);
    const forgotten = this.forget(gone);
    const writes = [
      ...gone.map((named): Write => ({ key: recordKey(keyOf(named)) })),
      ...records.map((value): Write => ({ key: recordKey(keyOf(value.view)), value })),
    ];
    yield* this.commit([...writes, ...more], happened);
    this.onForgotten(forgotten);
  }

  /** Agents go, all at once. */
  *remove(gone: readonly { project: string; name: string }[]): Work<void> {
    const forgotten = this.forget(gone);
    const kind = "agent.removed";
    yield* this.commit(
      gone.map((named) => ({ key: recordKey(keyOf(named)) })),
      gone.map(({ project, name }) => ({ kind, project, name })),
    );
    this.onForgotten(forgotten);
  }

  private forget(gone: readonly { project: string; name: string }[]): string[] {
    return gone.flatMap((named) => {
      const record = this.agents.get(keyOf(named));
      this.agents.delete(keyOf(named));
      return record ? [record.view.uid] : [];
    });
  }

  /** Writes all of it, and events with it, or nothing. */
  *commit(writes: readonly Write[], happened: readonly Happening[]): Work<void> {
    const { store, tasks } = this;
    const time = yield* this.now();
    const events = happened.map(({ detail = {}, ...rest }): Event => {
      return { sequence: this.nextEvent++, time, detail, ...rest };
    });
    const all = [
      ...writes,
      ...events.map((event): Write => ({ key: eventKey(event.sequence), value: event })),
      ...events.map(({ sequence }): Write => ({ key: eventKey(sequence - EVENTS_MAX) })),
    ];
    this.events.push(...events);
    this.events.splice(0, this.events.length - EVENTS_MAX);
    const number = ++this.asked;
    try {
      yield* tasks.host(() => store.write(all));
      // Batches come back in the order in which they were asked for.
      this.published = Math.max(this.published, (events.at(-1)?.sequence ?? -1) + 1);
    } finally {
      this.answered = Math.max(this.answered, number);
      for (const look of this.looking) look();
    }
  }

  /**
   * Done when all is on the disk that the records show now: they change as soon as a batch is asked for.
   * @throws RequestError unavailable: the disk hasn't taken it
   */
  *settled(): Work<void> {
    const last = this.asked;
    if (this.answered < last)
      yield new Pause<void>((resume) => {
        const forget = this.onChange(() => {
          if (this.answered < last) return;
          forget();
          resume();
        });
      });
    if (this.store.failure) throw this.store.failure;
  }

  /** Waits until `done` says so, which is asked after each change; for so many seconds at most. */
  *wait(done: () => boolean, seconds: number): Work<void> {
    if (seconds <= 0 || done()) return;
    const { tasks } = this;
    const end = (yield* this.sys.now()) + BigInt(Math.round(seconds * 1e9));
    yield new Pause<void>((resume) => {
      const look = (late = false): void => {
        if (!late && !done()) return;
        forget();
        resume();
      };
      const forget = this.onChange(look);
      tasks.alarm(end, () => look(true));
    });
  }

  /** Calls `look` after each change; what is returned ends that. */
  onChange(look: () => void): () => void {
    this.looking.add(look);
    return () => void this.looking.delete(look);
  }

  /** An agent once `done` says so, or after so many seconds. @throws RequestError not-found */
  *until(
    named: { project: string; name: string },
    done: (record: AgentRecord) => boolean,
    seconds: number,
  ): Work<AgentRecord> {
    const gone = (): boolean => {
      const record = this.agents.get(keyOf(named));
      return !record || done(record);
    };
    yield* this.wait(gone, seconds);
    const found = this.find(named);
    yield* this.settled();
    return found;
  }

  *readEvents(asked: EventsAsked): Work<EventsRead> {
    const isThere = (): boolean => this.select(asked).events.length > 0;
    yield* this.wait(isThere, asked.wait);
    return this.select(asked);
  }

  private select({ project, from, limit }: EventsAsked): EventsRead {
    const first = this.events[0]?.sequence ?? this.nextEvent;
    const start = Math.max(from, first);
    const known = this.events.slice(start - first, Math.max(0, this.published - first));
    const events = known.filter((it) => !project || it.project === project).slice(0, limit);
    const next = events.length === limit ? (events.at(-1)?.sequence ?? 0) + 1 : this.published;
    return { events, next: Math.max(start, next), first };
  }
}

interface EventsAsked {
  readonly project?: string | undefined;
  readonly from: number;
  readonly limit: number;
  readonly wait: number;
}

interface EventsRead {
  readonly events: Event[];
  readonly next: number;
  readonly first: number;
}
