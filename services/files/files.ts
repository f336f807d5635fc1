/**
 * Files by capability: the service that does for agents what they ask of files. With each request an agent
 * shows tokens of its scopes, and the kernel says whether they are good, whose they are and what they
 * cover. So nothing is known here of who may do what, and what is revoked is refused from then on.
 *
 *   agent ──▶ mailbox ──▶ tokens judged by the kernel ──▶ the host ──▶ a queue of the agent's
 */
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Message } from "../../sdk/agent/messages.ts";
import { agent, type Sys } from "../../sdk/agent/sys.ts";
import type { ProgramFunction } from "../../sim/host/programs.ts";
import type { Door } from "../host/door.ts";
import { answering, type Method } from "../host/rpc.ts";
import { type Entrance, Tasks, type Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import {
  type FileAnswer,
  FileLimit,
  FileRequest,
  FileUse,
  NEWLINE,
  needsOf,
  pack,
  unpack,
} from "../messages/files.ts";
import { decode } from "../messages/json.ts";
import { parseCapability, scopeOf, type Verb } from "../messages/scope.ts";
import type { Handles } from "../messages/system.ts";
import { Accounts } from "./accounts.ts";
import { FileError, nameOf } from "./errors.ts";
import { Operations } from "./operations.ts";
import { type Budget, DEFAULT_BUDGET } from "./quota.ts";
import { type Mount, Tree } from "./tree.ts";

export interface FilesHost {
  /** Folder of the host with the files that are in no mount. */
  readonly directory: string;
  readonly mounts?: readonly Mount[];
  readonly budget?: Budget;
  readonly door: Door;
  /** So often it is asked whether those for whom files are open still may, ns. Default 10 s. */
  readonly again?: bigint;
}

/** Requests that are with the host at a time, each of another agent. Further ones are refused. */
const BUSY_MAX = 256;
/** Agents end without a word: what is open for them is closed so much later, about. */
const AGAIN_NS = 10_000_000_000n;

export interface FilesService {
  readonly program: ProgramFunction;
  /** The machine has stopped: nothing is open any more. */
  close(): Promise<void>;
}

export function filesService(host: FilesHost): FilesService {
  let operations: Operations | null = null;
  // It lasts as the agents do, who go on when the service ends.
  const accounts = new Accounts();
  const program = agent(function* (sys) {
    const { kernel } = decode((yield* sys.receive()).bytes) as Handles;
    const tree = new Tree(host.directory, host.mounts ?? []);
    // What a service that has ended had open is closed by the one that comes after it.
    void operations?.close();
    operations = new Operations(tree, host.budget ?? DEFAULT_BUDGET, accounts);
    const { door, again = AGAIN_NS } = host;
    yield* new Files(sys, { operations, accounts, again }, { door, kernel }).run();
  });
  return { program, close: async () => await operations?.close() };
}

interface Parts {
  readonly operations: Operations;
  readonly accounts: Accounts;
  readonly again: bigint;
}

class Files {
  private readonly sys: Sys;
  private readonly tasks: Tasks;
  private readonly operations: Operations;
  private readonly accounts: Accounts;
  private readonly again: bigint;
  /** Agents whose requests are being dealt with. */
  private readonly busy = new Set<number>();
  /** What agents for which files may be open have asked last. */
  private readonly last = new Map<number, FileRequest>();

  constructor(sys: Sys, { operations, accounts, again }: Parts, entrance: Entrance) {
    this.sys = sys;
    this.tasks = new Tasks(sys, entrance);
    this.operations = operations;
    this.accounts = accounts;
    this.again = again;
  }

  *run(): Step<never> {
    this.tasks.start(this.tasks.host(() => this.operations.tree.prepare()));
    const limit: Method = (params, { sender }) => this.limit(params, sender);
    const used: Method = (params, { sender }) => this.used(params, sender);
    const answer = answering(this.tasks, { limit, used });
    return yield* this.tasks.run({
      message: (message) => (isPacked(message.bytes) ? this.heard(message) : answer(message)),
    });
  }

  /** @throws RequestError bad-request; denied: only who makes agents says what they may */
  private *limit(params: unknown, sender: number): Work<object> {
    const { success, data } = FileLimit.safeParse(params);
    if (!success) throw new RequestError("bad-request", "a limit is meant");
    yield* this.requireAll(data.proof, sender);
    this.accounts.set(data.agent, data.uid, data.storage);
    return {};
  }

  /** Bytes. @throws RequestError as `limit` */
  private *used(params: unknown, sender: number): Work<number> {
    const { success, data } = FileUse.safeParse(params);
    if (!success) throw new RequestError("bad-request", "an agent is meant");
    yield* this.requireAll(data.proof, sender);
    return this.accounts.usedBy(data.uid);
  }

  private *requireAll(proof: string, sender: number): Work<void> {
    if (!(yield* this.covers(proof, EVERYTHING, sender)))
      throw new RequestError("denied", "all of the files are needed");
  }

  private *heard(message: Message): Work<void> {
    const { sys } = this;
    const { capability } = message;
    if (capability === 0) return;
    const answer = yield* this.inTurn(message);
    try {
      yield* sys.send(capability, answer);
    } catch (error) {
      // Whoever asked is over, or has no room for the answer; there is nobody to tell.
      if (!(error instanceof SyscallError)) throw error;
    }
  }

  /** Who asks without waiting for the answer takes no more of the host than who waits. */
  private *inTurn(message: Message): Work<Uint8Array> {
    const { busy } = this;
    const { sender } = message;
    if (busy.has(sender) || busy.size >= BUSY_MAX) return refused("EAGAIN");
    busy.add(sender);
    try {
      return yield* this.answer(message);
    } catch (error) {
      return refused(nameOf(error));
    } finally {
      busy.delete(sender);
    }
  }

  private *answer({ sender, bytes: message }: Message): Work<Uint8Array> {
    const { head, bytes } = unpack(message);
    const { success, data } = FileRequest.safeParse(head);
    if (!success) throw new FileError("EINVAL");
    yield* this.judge(data, sender);
    if (this.last.size === 0) this.tasks.start(this.lookAgain());
    this.last.set(sender, data);
    const work = () => this.operations.run(sender, data, bytes);
    const { bytes: read, ...said } = yield* this.tasks.host(work);
    return pack(said, read);
  }

  /** As long as files are open: those of agents that are over, or may no more, are closed. */
  private *lookAgain(): Work<void> {
    const { tasks, operations, last } = this;
    do {
      yield* tasks.sleep(this.again);
      const holders = operations.holders();
      for (const [agent, request] of last)
        if (this.busy.has(agent)) continue;
        else if (!holders.has(agent)) last.delete(agent);
        else if (!(yield* this.mayStill(agent, request))) operations.closeAll(agent);
    } while (last.size > 0);
  }

  private *mayStill(agent: number, request: FileRequest): Work<boolean> {
    try {
      yield* this.judge(request, agent);
      return true;
    } catch (error) {
      if (error instanceof FileError) return false;
      throw error;
    }
  }

  /** @throws FileError ENOTCAPABLE: none of the tokens is good for what is asked */
  private *judge(request: FileRequest, holder: number): Work<void> {
    for (const verb of needsOf(request)) {
      const scope = scopeIn(verb, request.root);
      let good = false;
      for (const proof of request.proofs) good ||= yield* this.covers(proof, scope, holder);
      if (!good) throw new FileError("ENOTCAPABLE");
    }
  }

  private *covers(proof: string, scope: Scope, holder: number): Work<boolean> {
    try {
      const token = Buffer.from(proof, "base64");
      return (yield* this.sys.judge(token, { scope, holder })) === "OK";
    } catch (error) {
      if (error instanceof SyscallError) return false;
      throw error;
    }
  }
}

type Scope = ReturnType<typeof scopeOf>;
/** No agent's: a folder is never empty. */
const EVERYTHING = scopeOf({ verb: "FS_WRITE", object: "" });

/** @throws FileError ENOTCAPABLE: no capability is for such a folder */
function scopeIn(verb: Verb, root: string): Scope {
  try {
    return scopeOf(parseCapability(`${verb}:${root}`));
  } catch (error) {
    if (error instanceof RequestError) throw new FileError("ENOTCAPABLE");
    throw error;
  }
}

/** A request for files has a line and what is behind it; what services ask each other has no line's end. */
const isPacked = (bytes: Uint8Array): boolean => bytes.includes(NEWLINE);

function refused(error: string): Uint8Array {
  const answer: FileAnswer = { error };
  return pack(answer);
}
