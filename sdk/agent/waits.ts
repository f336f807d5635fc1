/** Waiting, the only thing that takes as long as something else does; timers and donation. */
import { READY_MAILBOX, READY_NOTICE, WAIT_MAILBOX, WAIT_NOTICES } from "../../kernel/ipc/flags.ts";
import * as ipc from "../../kernel/syscall/ipc_layouts.ts";
import type { Integer } from "../../sim/host/programs.ts";
import { SCRATCH_NOTICE, type Step, Structure } from "./calls.ts";
import { Lives } from "./lives.ts";
import { type Notice, readNotice } from "./notices.ts";

/** What the kernel takes; of a longer list it is told the length alone, and refuses that. */
const LISTED_MAX = 16;
/** No deadline; no expiry. */
export const NEVER = 0xffff_ffff_ffff_ffffn;

export interface WaitFor {
  /** Capabilities to endpoints and timers; up to 16. */
  readonly on?: readonly number[];
  readonly mailbox?: boolean;
  readonly notices?: boolean;
  /** Virtual time in ns; default never. */
  readonly deadline?: Integer;
}

/** What a wait has ended with. */
export type Woken =
  | { readonly what: "message" }
  | { readonly what: "notice"; readonly notice: Notice }
  /** Place in the list, and what its object says beside (kernel/ipc/flags.ts). */
  | { readonly what: "object"; readonly index: number; readonly detail: number }
  | { readonly what: "deadline" };

export class Waits extends Lives {
  /** Waits for the first of several things. */
  *wait(options: WaitFor): Step<Woken> {
    const { on = [], deadline = NEVER } = options;
    const scratch = yield* this.scratch();
    if (on.length !== 0) {
      const listed = on.slice(0, LISTED_MAX);
      const list = new Structure(8 * listed.length);
      listed.forEach((capability, index) => {
        list.setU64(8 * index, capability);
      });
      yield* this.store(scratch, list.bytes);
    }
    const flags = (options.mailbox ? WAIT_MAILBOX : 0) | (options.notices ? WAIT_NOTICES : 0);
    const notice = options.notices ? scratch + SCRATCH_NOTICE : 0;
    const reply = yield* this.attempt(
      "WAIT",
      this.self,
      scratch,
      on.length,
      deadline,
      flags,
      notice,
    );
    if (reply.error !== 0) {
      this.refusedBut("wait", reply.error, "TIMED_OUT");
      return { what: "deadline" };
    }
    const index = Number(reply.bits & 0xffff_ffffn);
    if (index === READY_MAILBOX) return { what: "message" };
    if (index !== READY_NOTICE) return { what: "object", index, detail: Number(reply.bits >> 32n) };
    const told = new Structure(yield* this.load(notice, ipc.NOTICE_BYTES));
    return { what: "notice", notice: readNotice(told) };
  }

  /** Waits for the next notice. */
  *notice(): Step<Notice> {
    const woken = yield* this.wait({ notices: true });
    if (woken.what !== "notice") throw new Error(`a wait for notices ended with ${woken.what}`);
    return woken.notice;
  }

  /** Waits for the end of a child; other notices are passed over. */
  *ended(child: number): Step<Notice & { readonly kind: "ended" }> {
    while (true) {
      const notice = yield* this.notice();
      if (notice.kind === "ended" && notice.agent === child) return notice;
    }
  }

  /** Does nothing for so many nanoseconds. */
  *sleep(nanoseconds: Integer): Step<void> {
    yield* this.sleepUntil((yield* this.now()) + BigInt(nanoseconds));
  }

  /** Does nothing until a time, ns. */
  *sleepUntil(time: Integer): Step<void> {
    yield* this.wait({ deadline: time });
  }

  /** Lets others go first whose turn it could be. */
  *yield(): Step<void> {
    yield* this.call("YIELD", this.self);
  }

  /** A timer: expires at `first`, ns, and then each `period`. With `timer` it sets an old one anew. */
  *timer(first: Integer, period: Integer = 0, timer = 0): Step<number> {
    return (yield* this.call("TIMER_SET", this.self, timer, first, period)).value;
  }

  /** Lets an agent run on the caller's time until it sends to the caller, or the deadline. */
  *donate(to: number, deadline: Integer = NEVER): Step<void> {
    yield* this.call("DONATE_TO", to, deadline);
  }
}
