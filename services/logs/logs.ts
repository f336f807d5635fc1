/** What agents write: taken out of their pipes, kept by lines, and given to whoever may read it. */
import type { Step } from "../../sdk/agent/calls.ts";
import type { Message } from "../../sdk/agent/messages.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import type { Door } from "../host/door.ts";
import { answering } from "../host/rpc.ts";
import type { Store, Write } from "../host/store.ts";
import { Pause, Tasks, type Work } from "../host/tasks.ts";
import type { LogLine } from "../messages/api.ts";
import { decode } from "../messages/json.ts";
import type { StreamGiven } from "../messages/system.ts";

export interface LogsHost {
  readonly store: Store;
  readonly door: Door;
  /** Seconds since 1970 at which the machine was turned on. */
  readonly epoch: number;
}

const READ_BYTES = 16 * 1024;
/** How often pipes are looked at, ns. */
const LOOK_NS = 5_000_000n;

interface Followed {
  readonly uid: string;
  readonly stream: "stdout" | "stderr";
  readonly pipe: number;
  rest: string;
}

const keyOf = (uid: string, sequence: number): string =>
  `log/${uid}/${String(sequence).padStart(12, "0")}`;

export const logsProgram = (host: LogsHost) =>
  agent(function* (sys) {
    yield* sys.receive();
    yield* new Logs(sys, host).run();
  });

class Logs {
  private readonly sys: Sys;
  private readonly host: LogsHost;
  private readonly tasks: Tasks;
  private readonly pipes: Followed[] = [];
  private readonly next = new Map<string, number>();
  private waiting: (() => void)[] = [];

  constructor(sys: Sys, host: LogsHost) {
    this.sys = sys;
    this.host = host;
    this.tasks = new Tasks(sys, host.door);
  }

  *run(): Step<never> {
    const answer = answering(this.tasks, {
      read: (params) => this.read(params as { uid: string; from: number; limit: number }),
    });
    const given = (message: Message) => this.given(message);
    this.tasks.start(this.follow());
    return yield* this.tasks.run({
      *message(message: Message) {
        if (!given(message)) yield* answer(message);
      },
    });
  }

  private given({ bytes, capability }: Message): boolean {
    const { stream, uid } = (decode(bytes) ?? {}) as Partial<StreamGiven>;
    if (!stream || !uid || !capability) return false;
    this.pipes.push({ uid, stream, pipe: capability, rest: "" });
    return true;
  }

  private *follow(): Work<never> {
    while (true) {
      for (const followed of [...this.pipes]) yield* this.drain(followed);
      yield* this.tasks.sleep(LOOK_NS);
    }
  }

  private *drain(followed: Followed): Work<void> {
    const { sys } = this;
    const at = yield* sys.room(READ_BYTES);
    const reply = yield* sys.attempt("PIPE_READ", followed.pipe, at, READ_BYTES);
    if (reply.error !== 0) return;
    const text = followed.rest + new TextDecoder().decode(yield* sys.load(at, reply.value));
    const lines = text.split("\n");
    followed.rest = lines.pop() ?? "";
    yield* this.keep(followed, lines);
  }

  private *keep({ uid, stream }: Followed, lines: readonly string[]): Work<void> {
    if (lines.length === 0) return;
    const { host, tasks } = this;
    const time = host.epoch + Number(yield* this.sys.now()) / 1e9;
    let sequence = this.next.get(uid) ?? 0;
    const writes = lines.map((text): Write => {
      const value: LogLine = { sequence, time, stream, text };
      return { key: keyOf(uid, sequence++), value };
    });
    this.next.set(uid, sequence);
    yield* tasks.host(() => host.store.write(writes));
    const { waiting } = this;
    this.waiting = [];
    for (const wake of waiting) wake();
  }

  /** Lines from one on. */
  private *read({ uid, from, limit }: { uid: string; from: number; limit: number }): Work<unknown> {
    const { tasks, host } = this;
    const found = yield* tasks.host(() =>
      host.store.list(`log/${uid}/`, { from: keyOf(uid, from), limit }),
    );
    return found.map(([, line]) => line);
  }

  /** Until something more has been kept. */
  *more(): Work<void> {
    yield new Pause<void>((resume) => void this.waiting.push(resume));
  }
}
