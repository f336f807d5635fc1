/**
 * Whom an agent can reach, as numbers of the kernel: the service for files, and what it has by name. Each stands
 * for whoever runs as that: when one has been started anew, whoever gave it puts what it is called now into a
 * queue (News). The queue is looked into when the kernel has refused something that was there before.
 *
 * A call may be gone through again from its beginning (agent.ts): so what it hears holds for the calls after it
 * once it is over.
 */
import { HEADER_BYTES, HEADER_PAYLOAD_BYTES } from "../../kernel/syscall/ipc_layouts.ts";
import * as statuses from "../../kernel/syscall/status.ts";
import { SCRATCH_HEADER, type Step, Structure } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { type Birth, News } from "../messages/birth.ts";
import { decode } from "../messages/json.ts";
import { NOTHING } from "./aios_arguments.ts";
import type { Personality } from "./personality.ts";

export const GONE: readonly number[] = [
  statuses.STATUS_OBJECT_GONE,
  statuses.STATUS_CAPABILITY_REVOKED,
  statuses.STATUS_CAPABILITY_STALE,
];
const NEWS_BYTES_MAX = 16 * 1024;

/** What it was told at birth. An agent that another one has made without a shard hears no news. */
export type ContactsTold = Partial<Pick<Birth, "files" | "news" | "capabilities">>;

/** Of a word, whose handles are those of one agent: a clone has others. */
interface Heard {
  readonly agent: number;
  readonly files: number | null;
  /** By place. */
  readonly handles: readonly number[];
}

export class Contacts {
  private readonly told: Required<ContactsTold>;
  /** As of the beginning of a call, and what the call has heard meanwhile. */
  private last: Heard | null = null;
  private heard: Heard | null = null;

  constructor({ files = null, news = null, capabilities = [] }: ContactsTold) {
    this.told = { files, news, capabilities };
  }

  /** The queue that says who they are from now on; 0 for none. */
  get news(): number {
    return this.told.news ?? 0;
  }

  /** Capability to the service for files; 0 for none. */
  files(agent: number): number {
    return this.now(agent).files ?? 0;
  }

  /** What it has by name, by place. */
  handles(agent: number): readonly number[] {
    return this.now(agent).handles;
  }

  private now(agent: number): Heard {
    const heard = this.heard ?? this.last;
    if (heard?.agent === agent) return heard;
    const { files, capabilities } = this.told;
    return { agent, files: files ?? null, handles: capabilities.map(({ handle }) => handle) };
  }

  /** A call is over. */
  settle(): void {
    this.last = this.heard ?? this.last;
    this.heard = null;
  }

  /** For a personality. */
  get state(): NonNullable<Personality["state"]> {
    return {
      freeze: () => this.last,
      thaw: (state) => {
        this.last = state as Heard | null;
        this.heard = null;
      },
    };
  }

  /** Tries something with the present handles: its status. What is refused as gone has changed nothing. */
  *trying(sys: Sys, attempt: (handles: readonly number[]) => Step<number>): Step<number> {
    let status = yield* attempt(this.handles(sys.id));
    while (GONE.includes(status) && (yield* this.hear(sys)))
      status = yield* attempt(this.handles(sys.id));
    return status;
  }

  /** The present handles, and NOTHING for what is worth nothing. */
  *living(sys: Sys): Step<readonly number[]> {
    const living: number[] = [];
    for (const handle of this.handles(sys.id)) {
      const token = (yield* sys.scratch()) + SCRATCH_HEADER;
      const { error } = yield* sys.attempt("CAP_INSPECT", handle, token);
      living.push(error === statuses.STATUS_OK ? handle : NOTHING);
    }
    return living;
  }

  /** Takes what is in the queue; whether there was something. */
  *hear(sys: Sys): Step<boolean> {
    if (!this.news) return false;
    const header = (yield* sys.scratch()) + SCRATCH_HEADER;
    const at = yield* sys.room(NEWS_BYTES_MAX);
    const { error } = yield* sys.attempt("IPC_RECV", this.news, at, NEWS_BYTES_MAX, header);
    if (error !== statuses.STATUS_OK) return false;
    const length = new Structure(yield* sys.load(header, HEADER_BYTES)).id(HEADER_PAYLOAD_BYTES);
    const { files, capabilities } = News.parse(decode(yield* sys.load(at, length)));
    const found = new Map(capabilities.map(({ text, handle }) => [text, handle]));
    const handles = this.told.capabilities.map(({ text, handle }) => found.get(text) ?? handle);
    this.heard = { agent: sys.id, files, handles };
    return true;
  }
}
