/**
 * What an agent has by name, as numbers of the kernel. A name stands for whoever runs under it: when what it
 * stood for is gone, whoever gave it may have put what it stands for now into a queue. Nobody waits for that
 * queue; it is looked into when the kernel has refused something that was there before.
 */

import { HEADER_BYTES, HEADER_PAYLOAD_BYTES } from "../../kernel/syscall/ipc_layouts.ts";
import * as statuses from "../../kernel/syscall/status.ts";
import { SCRATCH_HEADER, type Step, Structure } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { Renewal } from "../messages/birth.ts";
import { decode } from "../messages/json.ts";
import { NOTHING } from "./aios_arguments.ts";
import type { Personality } from "./personality.ts";

export const GONE: readonly number[] = [
  statuses.STATUS_OBJECT_GONE,
  statuses.STATUS_CAPABILITY_REVOKED,
  statuses.STATUS_CAPABILITY_STALE,
];
const RENEWAL_BYTES_MAX = 16 * 1024;

/** What it was told at birth. */
export interface NamesTold {
  readonly capabilities: readonly { readonly text: string; readonly handle: number }[];
  /** The queue; a clone that the agent has made itself has none. */
  readonly names?: number | undefined;
}

/** As of the last renewal, and whose handles they are: not those of a clone. */
interface Renewed {
  readonly agent: number;
  readonly handles: readonly number[];
}

export class Names {
  private readonly told: NamesTold;
  private renewed: Renewed | null = null;

  constructor(told: NamesTold) {
    this.told = told;
  }

  /** By place. */
  handles(agent: number): readonly number[] {
    const { renewed, told } = this;
    return renewed?.agent === agent ? renewed.handles : told.capabilities.map((it) => it.handle);
  }

  /** For a personality. */
  get state(): NonNullable<Personality["state"]> {
    return {
      freeze: () => this.renewed,
      thaw: (state) => {
        this.renewed = state as Renewed | null;
      },
    };
  }

  /** Tries something with the present handles: its status. What is refused as gone has changed nothing. */
  *trying(sys: Sys, attempt: (handles: readonly number[]) => Step<number>): Step<number> {
    let status = yield* attempt(this.handles(sys.id));
    while (GONE.includes(status) && (yield* this.renew(sys)))
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
  private *renew(sys: Sys): Step<boolean> {
    const { names, capabilities } = this.told;
    if (names === undefined) return false;
    const header = (yield* sys.scratch()) + SCRATCH_HEADER;
    const at = yield* sys.room(RENEWAL_BYTES_MAX);
    const { error } = yield* sys.attempt("IPC_RECV", names, at, RENEWAL_BYTES_MAX, header);
    if (error !== statuses.STATUS_OK) return false;
    const length = new Structure(yield* sys.load(header, HEADER_BYTES)).id(HEADER_PAYLOAD_BYTES);
    const now = Renewal.parse(decode(yield* sys.load(at, length)));
    const found = new Map(now.capabilities.map(({ text, handle }) => [text, handle]));
    const handles = capabilities.map(({ text, handle }) => found.get(text) ?? handle);
    this.renewed = { agent: sys.id, handles };
    return true;
  }
}
