/** An agent's requests for files: the folders that its capabilities are for, and the service. */
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import { type StatusName, SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { FilesNews } from "../messages/birth.ts";
import { type FileAnswer, type FileAsked, needsOf, pack, unpack } from "../messages/files.ts";
import { decode } from "../messages/json.ts";
import { parseCapability, type Verb } from "../messages/scope.ts";
import { errnoNamed } from "./wasi_constants.ts";
import { Refusal } from "./wasi_memory.ts";

export interface Held {
  readonly text: string;
  readonly handle: number;
}

export interface Root {
  readonly root: string;
  readonly read: boolean;
  readonly write: boolean;
}

interface FilesState {
  readonly born: number | null;
  readonly service: number | null;
}

/** ns; a service that has ended with a request in its hands doesn't answer it. */
const ANSWER_NS = 20_000_000_000n;
const RETRY_NS = 1_000_000n;
/** The service is over. */
const GONE: readonly string[] = ["OBJECT_GONE", "CAPABILITY_REVOKED", "CAPABILITY_STALE"];

/** What an agent has no more of that is needed to ask. */
const SHORT: Readonly<Record<string, string>> = {
  LIMIT: "EMFILE",
  QUOTA: "ENOMEM",
  NO_MEMORY: "ENOMEM",
};

const folderOf = (object: string): string => object.replace(/\/+$/, "") || "/";
const covers = (folder: string, root: string): boolean =>
  folder === "/" || root === folder || root.startsWith(`${folder}/`);

export class FilesClient {
  /** Capability to the service, as the agent was born with it. */
  private readonly born: number | null;
  /** Queue in which it hears who the service is from now on. */
  private readonly news: number;
  /** Who the service is, as of the beginning of a call, and as the call has heard meanwhile. */
  private service: number | null;
  private heard: number | null = null;
  private readonly held: readonly { verb: Verb; folder: string; handle: number }[];

  constructor(service: number | null, capabilities: readonly Held[], news?: number | null) {
    this.born = service;
    this.service = service;
    this.news = news ?? 0;
    // Others have names that are no scopes: agents, images.
    this.held = capabilities
      .filter(({ text }) => /^FS_(READ|WRITE)(:|$)/.test(text))
      .map(({ text, handle }) => ({ ...parseCapability(text), handle }))
      .map(({ verb, object, handle }) => ({ verb, folder: folderOf(object), handle }));
  }

  /** Folders of its capabilities, each once, and what it may do there. */
  get roots(): Root[] {
    if (this.service === null) return [];
    const folders = [...new Set(this.held.map(({ folder }) => folder))].sort();
    return folders.map((root) => ({
      root,
      read: this.handleOf("FS_READ", root) !== undefined,
      write: this.handleOf("FS_WRITE", root) !== undefined,
    }));
  }

  /** A call is over: what it has heard holds from now on. */
  settle(): void {
    this.service = this.heard ?? this.service;
    this.heard = null;
  }

  /** Data; a clone, which was born with another handle, has no use for it. */
  get state(): FilesState {
    return { born: this.born, service: this.service };
  }

  set state({ born, service }: FilesState) {
    this.service = born === this.born ? service : this.born;
    this.heard = null;
  }

  /**
   * Asks the service, and the next one if it is over: again, unless it may have changed something.
   * @throws Refusal as it refuses; IO when there is no answer; MFILE, NOMEM where the agent may have no more
   */
  *ask(
    sys: Sys,
    request: FileAsked,
    bytes?: Uint8Array,
  ): Step<{ answer: FileAnswer; bytes: Uint8Array }> {
    const message = pack({ ...request, proofs: yield* this.proofs(sys, request) }, bytes);
    const harmless = needsOf(request).every((verb) => verb === "FS_READ");
    let queue = 0;
    let reply: Uint8Array | null = null;
    let error = "EIO";
    try {
      queue = yield* sys.endpoint("queue", 1);
      const back = yield* sys.derive(queue, { rights: RIGHT_SEND | RIGHT_DERIVE });
      reply = yield* this.exchange(sys, message, { queue, back, harmless });
    } catch (refused) {
      if (!(refused instanceof SyscallError)) throw refused;
      error = SHORT[refused.status] ?? error;
    }
    if (queue) {
      yield* sys.close(queue);
      yield* sys.drop(queue);
    }
    const { head, bytes: data } = unpack(reply ?? new Uint8Array());
    const answer = (head ?? { error }) as FileAnswer;
    if (answer.error !== undefined) throw new Refusal(errnoNamed(answer.error));
    return { answer, bytes: data };
  }

  private *exchange(
    sys: Sys,
    message: Uint8Array,
    { queue, back, harmless }: { queue: number; back: number; harmless: boolean },
  ): Step<Uint8Array | null> {
    const { news } = this;
    const deadline = (yield* sys.now()) + ANSWER_NS;
    while (true) {
      const status = yield* this.send(sys, message, back);
      if (status === "FULL") {
        if ((yield* sys.now()) >= deadline) return null;
        yield* sys.sleep(RETRY_NS);
        continue;
      }
      const wasSent = status === "OK";
      if (!wasSent && !(GONE.includes(status) && news)) return null;
      const on = [...(wasSent ? [queue] : []), ...(news ? [news] : [])];
      const woken = yield* sys.wait({ on, deadline });
      if (woken.what !== "object") return null;
      if (wasSent && woken.index === 0) return (yield* sys.receive(queue)).bytes;
      this.heard = FilesNews.parse(decode((yield* sys.receive(news)).bytes)).files;
      if (wasSent && !harmless) return null;
    }
  }

  private *send(sys: Sys, message: Uint8Array, back: number): Step<StatusName> {
    try {
      yield* sys.send(this.heard ?? this.service ?? 0, message, back);
      return "OK";
    } catch (error) {
      if (error instanceof SyscallError) return error.status;
      throw error;
    }
  }

  private *proofs(sys: Sys, request: FileAsked): Step<string[]> {
    const proofs: string[] = [];
    for (const verb of needsOf(request)) {
      const handle = this.handleOf(verb, request.root);
      if (handle === undefined) throw new Refusal(errnoNamed("ENOTCAPABLE"));
      try {
        proofs.push(Buffer.from(yield* sys.token(handle)).toString("base64"));
      } catch (error) {
        // It has been taken back.
        if (error instanceof SyscallError) throw new Refusal(errnoNamed("ENOTCAPABLE"));
        throw error;
      }
    }
    return proofs;
  }

  private handleOf(wanted: Verb, root: string): number | undefined {
    return this.held.find(({ verb, folder }) => verb === wanted && covers(folder, root))?.handle;
  }
}
