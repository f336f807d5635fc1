/**
 * Agents that are held to a number of bytes by which they make files longer. The service for files counts them, as
 * their shard says; and nobody else may write for them, whom it wouldn't count.
 */
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Caller } from "../host/rpc.ts";
import type { Work } from "../host/tasks.ts";
import { RequestError } from "../messages/errors.ts";
import type { FileLimit, FileUse } from "../messages/files.ts";
import { parseCapability } from "../messages/scope.ts";
import type { Life, SpawnSpec } from "../messages/system.ts";

/** For the answer of the service, which is there or about to be. */
const ASK_NS = 10_000_000_000n;

export class Storage {
  private readonly sys: Sys;
  private readonly caller: Caller;
  /** Everything that agents' scopes are parts of: by that the service knows a shard. */
  private readonly scopes: number;

  constructor(sys: Sys, caller: Caller, scopes: number) {
    this.sys = sys;
    this.caller = caller;
    this.scopes = scopes;
  }

  /**
   * Before the agent has anything by which it could write. Bytes; null: it is over.
   * @throws RequestError unavailable
   */
  *limit(agent: number, { uid }: Life, storage: number | null): Work<void> {
    const limit: FileLimit = { proof: yield* this.proof(), agent, uid, storage };
    yield* this.caller.askService("files", "limit", limit, ASK_NS);
  }

  /** Bytes by which an agent that has a limit has made files longer. @throws RequestError unavailable */
  *used({ uid }: Life): Work<number> {
    const asked: FileUse = { proof: yield* this.proof(), uid };
    return (yield* this.caller.askService("files", "used", asked, ASK_NS)).result as number;
  }

  private *proof(): Work<string> {
    return Buffer.from(yield* this.sys.token(this.scopes)).toString("base64");
  }

  *forget(agent: number, life: Life): Work<void> {
    try {
      yield* this.limit(agent, life, null);
    } catch (error) {
      // The service is about to end, or too busy; the agent is over, and writes nothing.
      if (!(error instanceof RequestError)) throw error;
    }
  }
}

const writesFiles = (text: string): boolean => parseCapability(text).verb === "FS_WRITE";

/** Whether an agent is given a capability that it can't hand on. */
export const isAlone = (text: string, { limits }: SpawnSpec): boolean =>
  limits.storage !== undefined && writesFiles(text);

/** What comes with a message can be handed on. @throws RequestError wrong-state */
export function requireNoWriting(text: string): void {
  if (!writesFiles(text)) return;
  const why = "limits.storage: an agent that has it is given FS_WRITE when it is started";
  throw new RequestError("wrong-state", why);
}
