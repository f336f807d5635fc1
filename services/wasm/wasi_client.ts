/** An agent's requests for files: the folders that its capabilities are for, and the service. */
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { type FileAnswer, type FileAsked, needsOf, pack, unpack } from "../messages/files.ts";
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

/** ns; a service that has ended with a request in its hands doesn't answer it. */
const ANSWER_NS = 20_000_000_000n;
const RETRY_NS = 1_000_000n;

const folderOf = (object: string): string => object.replace(/\/+$/, "") || "/";
const covers = (folder: string, root: string): boolean =>
  folder === "/" || root === folder || root.startsWith(`${folder}/`);

export class FilesClient {
  /** Capability to the service. */
  private readonly service: number | null;
  private readonly held: readonly { verb: Verb; folder: string; handle: number }[];

  constructor(service: number | null, capabilities: readonly Held[]) {
    this.service = service;
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

  /**
   * Asks the service.
   * @throws Refusal as it refuses; IO when there is no answer
   */
  *ask(
    sys: Sys,
    request: FileAsked,
    bytes?: Uint8Array,
  ): Step<{ answer: FileAnswer; bytes: Uint8Array }> {
    const message = pack({ ...request, proofs: yield* this.proofs(sys, request) }, bytes);
    const queue = yield* sys.endpoint("queue", 1);
    let reply: Uint8Array | null = null;
    try {
      const back = yield* sys.derive(queue, { rights: RIGHT_SEND | RIGHT_DERIVE });
      reply = yield* this.exchange(sys, message, queue, back);
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
    yield* sys.close(queue);
    yield* sys.drop(queue);
    const { head, bytes: data } = unpack(reply ?? new Uint8Array());
    const answer = (head ?? { error: "EIO" }) as FileAnswer;
    if (answer.error !== undefined) throw new Refusal(errnoNamed(answer.error));
    return { answer, bytes: data };
  }

  private *exchange(
    sys: Sys,
    message: Uint8Array,
    queue: number,
    back: number,
  ): Step<Uint8Array | null> {
    const deadline = (yield* sys.now()) + ANSWER_NS;
    while (!(yield* this.sent(sys, message, back))) {
      if ((yield* sys.now()) >= deadline) return null;
      yield* sys.sleep(RETRY_NS);
    }
    const woken = yield* sys.wait({ on: [queue], deadline });
    return woken.what === "object" ? (yield* sys.receive(queue)).bytes : null;
  }

  private *sent(sys: Sys, message: Uint8Array, back: number): Step<boolean> {
    try {
      yield* sys.send(this.service ?? 0, message, back);
      return true;
    } catch (error) {
      if (error instanceof SyscallError && error.status === "FULL") return false;
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
