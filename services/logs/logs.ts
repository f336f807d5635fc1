/** What agents write, as shards bring it: kept by lines, and given to whoever may read it. */
import type { Step } from "../../sdk/agent/calls.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import type { Door } from "../host/door.ts";
import { Locks } from "../host/locks.ts";
import { Outcome } from "../host/outcome.ts";
import { answering } from "../host/rpc.ts";
import type { Store, Write } from "../host/store.ts";
import { Tasks, type Work } from "../host/tasks.ts";
import type { LogLine } from "../messages/api.ts";
import { decode } from "../messages/json.ts";
import type { Handles, Written } from "../messages/system.ts";

export interface LogsHost {
  readonly store: Store;
  readonly door: Door;
  /** Seconds since 1970 at which the machine was turned on. */
  readonly epoch: number;
  /** Of one agent's lines; the oldest go. Default 8 MiB. */
  readonly bytesMax?: number | undefined;
}

/** What is kept of one agent's lines, beside them. */
interface Mark {
  /** Sequence of the next line. */
  readonly next: number;
  /** Of the lines that are kept, with LINE_BYTES each. */
  readonly bytes?: number;
  /** For each stream, how many bytes of a life of the agent are in lines. */
  readonly kept: Readonly<Record<string, { readonly run: number; readonly bytes: number }>>;
}

const NONE: Mark = { next: 0, kept: {} };
const NEWLINE = 10;
const BYTES_MAX = 8 * 1024 * 1024;
/** What a line takes beside its text, about: key, time, stream. */
const LINE_BYTES = 128;
/** When there are too many bytes, so much is kept: so that it isn't looked at with each line. */
const KEPT_SHARE = 0.75;
/** Lines that are looked at together. */
const PAGE_LINES = 512;

/** Keys of marks: whoever has lines has one, and it goes last. */
const MARK = "logmark/";

const keyOf = (uid: string, sequence: number): string =>
  `log/${uid}/${String(sequence).padStart(12, "0")}`;

export const logsProgram = (host: LogsHost) =>
  agent(function* (sys) {
    const { kernel } = decode((yield* sys.receive()).bytes) as Handles;
    yield* new Logs(sys, kernel, host).run();
  });

class Logs {
  private readonly sys: Sys;
  private readonly host: LogsHost;
  private readonly tasks: Tasks;
  private readonly locks = new Locks();
  private readonly waiting = new Set<Reader>();

  constructor(sys: Sys, kernel: number, host: LogsHost) {
    this.sys = sys;
    this.host = host;
    this.tasks = new Tasks(sys, { door: host.door, kernel });
  }

  *run(): Step<never> {
    const answer = answering(this.tasks, {
      append: (params) => {
        const written = params as Written;
        return this.locks.hold(written.uid, this.append(written));
      },
      read: (params) => this.readOrWait(params as Asked),
      wake: (params) => this.wake((params as Asked).uid, true),
      forget: (params) => {
        const { uid } = params as Asked;
        return this.locks.hold(uid, this.forget(uid));
      },
      known: () => this.known(),
    });
    return yield* this.tasks.run({ message: answer });
  }

  /** Keeps whole lines; how many bytes that are. What has been kept before is passed over. */
  private *append({ uid, run, stream, offset, bytes: text, end }: Written): Work<number> {
    const { host, tasks } = this;
    const key = MARK + uid;
    const mark = ((yield* tasks.host(() => host.store.get(key))) as Mark | undefined) ?? NONE;
    const known = mark.kept[stream];
    const before = known?.run === run ? Math.max(0, known.bytes - offset) : 0;
    const bytes = Buffer.from(text, "base64");
    const taken = end ? bytes.length : bytes.lastIndexOf(NEWLINE) + 1;
    if (taken <= before) return before;
    const lines = bytes.toString("utf8", before, taken).split("\n");
    if (lines.at(-1) === "") lines.pop();
    const time = host.epoch + Number(yield* this.sys.now()) / 1e9;
    const { next } = mark;
    const writes = lines.map((line, index): Write => {
      const value: LogLine = { sequence: next + index, time, stream, text: line };
      return { key: keyOf(uid, next + index), value };
    });
    const kept = { ...mark.kept, [stream]: { run, bytes: offset + taken } };
    const more = lines.reduce((sum, line) => sum + costOf(line), 0);
    const { gone, bytes: left } = yield* this.overdue(uid, (mark.bytes ?? 0) + more);
    const value: Mark = { next: next + lines.length, bytes: left, kept };
    yield* tasks.host(() => host.store.write([...gone, ...writes, { key, value }]));
    yield* this.wake(uid, false);
    return taken;
  }

  /** The oldest lines, which go when there are too many bytes; and how many are left. */
  private *overdue(uid: string, bytes: number): Work<{ gone: Write[]; bytes: number }> {
    const { bytesMax = BYTES_MAX } = this.host;
    const gone: Write[] = [];
    if (bytes <= bytesMax) return { gone, bytes };
    let left = bytes;
    for (let from: string | null = `log/${uid}/`; from !== null && left > bytesMax * KEPT_SHARE; ) {
      const page: [string, LogLine][] = yield* this.page(uid, from);
      for (const [key, { text }] of page) {
        if (left <= bytesMax * KEPT_SHARE) break;
        gone.push({ key });
        left -= costOf(text);
      }
      from = behind(page);
    }
    return { gone, bytes: left };
  }

  /** Nobody knows the agent any more. */
  private *forget(uid: string): Work<void> {
    const { host, tasks } = this;
    for (let from: string | null = `log/${uid}/`; from !== null; ) {
      const page: [string, LogLine][] = yield* this.page(uid, from);
      yield* tasks.host(() => host.store.write(page.map(([key]) => ({ key }))));
      from = behind(page);
    }
    yield* tasks.host(() => host.store.write([{ key: MARK + uid }]));
  }

  /** Whose lines are here. */
  private *known(): Work<string[]> {
    const marks = yield* this.tasks.host(() => this.host.store.list(MARK));
    return marks.map(([key]) => key.slice(MARK.length));
  }

  private *page(uid: string, from: string): Work<[string, LogLine][]> {
    const { host, tasks } = this;
    const some = { from, limit: PAGE_LINES };
    return (yield* tasks.host(() => host.store.list(`log/${uid}/`, some))) as [string, LogLine][];
  }

  /** Who waits for lines of an agent looks whether they are there; `last`: none will come. */
  private *wake(uid: string, last: boolean): Work<void> {
    for (const reader of this.waiting) if (reader.uid === uid) reader.look(last);
  }

  /** Lines from one on; if there is none, once there is, when no more will come, or after a time. */
  private *readOrWait(asked: Asked): Work<unknown[]> {
    const { sys, tasks, waiting } = this;
    const { uid, wait } = asked;
    if (wait === 0) return yield* this.read(asked);
    const end = (yield* sys.now()) + BigInt(Math.round(wait * 1e9));
    let isLast = false;
    let woken = new Outcome<void>();
    const reader: Reader = {
      uid,
      look: (last) => {
        isLast ||= last;
        woken.resolve();
      },
    };
    waiting.add(reader);
    tasks.alarm(end, () => reader.look(true));
    try {
      while (true) {
        const lines = yield* this.read(asked);
        if (lines.length > 0 || isLast) return lines;
        yield* woken.wait();
        woken = new Outcome<void>();
      }
    } finally {
      waiting.delete(reader);
    }
  }

  private *read({ uid, from, limit }: Asked): Work<unknown[]> {
    const { tasks, host } = this;
    const found = yield* tasks.host(() =>
      host.store.list(`log/${uid}/`, { from: keyOf(uid, from), limit }),
    );
    return found.map(([, line]) => line);
  }
}

const costOf = (text: string): number => Buffer.byteLength(text) + LINE_BYTES;

/** Where the next page begins; null when this was the last. */
function behind(page: readonly [string, LogLine][]): string | null {
  return page.length < PAGE_LINES ? null : `${page.at(-1)?.[0]}\0`;
}

/** Who waits for lines that there aren't yet. */
interface Reader {
  readonly uid: string;
  look(last: boolean): void;
}

interface Asked {
  readonly uid: string;
  readonly from: number;
  readonly limit: number;
  /** Seconds. */
  readonly wait: number;
}
