/** An agent's requests for files: the folders that its capabilities are for, and the service. */
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import * as statuses from "../../kernel/syscall/status.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { type FileAnswer, type FileAsked, needsOf, pack, unpack } from "../messages/files.ts";
import { parseCapability, type Verb } from "../messages/scope.ts";
import { type Contacts, type ContactsTold, GONE } from "./contacts.ts";
import { errnoNamed } from "./wasi_constants.ts";
import { Refusal } from "./wasi_memory.ts";

export interface Root {
  readonly root: string;
  readonly read: boolean;
  readonly write: boolean;
}

/** ns; a service that has ended with a request in its hands doesn't answer it. */
const ANSWER_NS = 20_000_000_000n;
const RETRY_NS = 1_000_000n;
const ANOTHER_SERVICE = "another service";

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
  private readonly contacts: Contacts;
  private readonly held: readonly { verb: Verb; folder: string; handle: number }[];

  constructor(contacts: Contacts, { files = null, capabilities = [] }: ContactsTold) {
    this.contacts = contacts;
    // Others have names that are no scopes: agents, images.
    const scopes = capabilities.filter(({ text }) => /^FS_(READ|WRITE)(:|$)/.test(text));
    this.held = (files === null ? [] : scopes)
      .map(({ text, handle }) => ({ ...parseCapability(text), handle }))
      .map(({ verb, object, handle }) => ({ verb, folder: folderOf(object), handle }));
  }

  /** Folders of its capabilities, each once, and what it may do there. */
  get roots(): Root[] {
    const folders = [...new Set(this.held.map(({ folder }) => folder))].sort();
    return folders.map((root) => ({
      root,
      read: this.handleOf("FS_READ", root) !== undefined,
      write: this.handleOf("FS_WRITE", root) !== undefined,
    }));
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
    const { contacts } = this;
    const deadline = (yield* sys.now()) + ANSWER_NS;
    while (true) {
      const service = contacts.files(sys.id);
      const status = yield* this.send(sys, service, message, back);
      if (status === statuses.STATUS_FULL) {
        if ((yield* sys.now()) >= deadline) return null;
        yield* sys.sleep(RETRY_NS);
        continue;
      }
      const wasSent = status === statuses.STATUS_OK;
      if (!wasSent && !(GONE.includes(status) && contacts.news)) return null;
      const answers = wasSent ? queue : 0;
      const reply = yield* this.reply(sys, { service, answers, deadline });
      if (reply !== ANOTHER_SERVICE) return reply;
      if (wasSent && !harmless) return null;
    }
  }

  private *send(sys: Sys, to: number, message: Uint8Array, back: number): Step<number> {
    try {
      yield* sys.send(to, message, back);
      return statuses.STATUS_OK;
    } catch (error) {
      if (error instanceof SyscallError) return error.code;
      throw error;
    }
  }

  /** What comes into a queue, if that isn't 0, in time; or that there is another service by now. */
  private *reply(
    sys: Sys,
    { service, answers, deadline }: { service: number; answers: number; deadline: bigint },
  ): Step<Uint8Array | null | typeof ANOTHER_SERVICE> {
    const { contacts } = this;
    const on = [answers, contacts.news].filter((queue) => queue !== 0);
    while (contacts.files(sys.id) === service) {
      const woken = yield* sys.wait({ on, deadline });
      if (woken.what !== "object") return null;
      if (on[woken.index] === answers) return (yield* sys.receive(answers)).bytes;
      yield* contacts.hear(sys);
    }
    return ANOTHER_SERVICE;
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
