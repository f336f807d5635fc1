/** Notices: what an agent learns of what it has started. */
import * as kinds from "../../kernel/ipc/notice_kinds.ts";
import * as ipc from "../../kernel/syscall/ipc_layouts.ts";
import type { Structure } from "./calls.ts";
import { ENDS, type EndReason } from "./info.ts";

/** What has become of something that the agent started. */
export type Notice =
  | { readonly kind: "started"; readonly agent: number }
  | {
      readonly kind: "ended";
      readonly agent: number;
      readonly reason: EndReason;
      readonly code: bigint;
    }
  | {
      readonly kind: "completed";
      readonly operation: number;
      readonly status: number;
      readonly value: bigint;
    };

export function readNotice(told: Structure): Notice {
  const subject = told.id(ipc.NOTICE_SUBJECT);
  const status = told.id(ipc.NOTICE_STATUS);
  const value = told.u64(ipc.NOTICE_VALUE);
  switch (told.id(ipc.NOTICE_KIND)) {
    case kinds.NOTICE_STARTED:
      return { kind: "started", agent: subject };
    case kinds.NOTICE_ENDED:
      return { kind: "ended", agent: subject, reason: ENDS[status] ?? "none", code: value };
    default:
      return { kind: "completed", operation: subject, status, value };
  }
}
