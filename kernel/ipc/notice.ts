/**
 * Notices: what has become of something that an agent started. A notice is a part of the object that
 * it is about, so telling can't fail for want of memory, and an object has one at most: a later one
 * takes the place of one that nobody has taken yet.
 */
import { Agent } from "../agent/agent";
import { agentReap } from "../agent/end";
import { KIND_AGENT, KIND_OPERATION } from "../object/kinds";
import { objectFind } from "../object/slab";
import { copyToUser } from "../mm/user";
import { Ptr } from "../state";
import * as Layout from "../syscall/ipc_layouts";
import { STATUS_OK } from "../syscall/status";
import { READY_NOTICE, WAIT_NOTICES } from "./flags";
import { NOTICE_COMPLETED, NOTICE_ENDED } from "./notice_kinds";
import { Operation, operationFree } from "./operation";
import { ipc } from "./state";
import { WAIT_PARKED } from "./wait_set";
import { waitEnd } from "./wake";

@unmanaged
export class Notice {
  next: Ptr<Notice>;
  previous: Ptr<Notice>;
  /** The agent in whose list it is; 0 when it is in none. */
  agent: Ptr<Agent>;
  /** NOTICE_… of notice_kinds.ts. */
  kind: u32;
  /** Identifier of the object that it is about. */
  subject: u64;
  /** STARTED: 0; ENDED: END_… of agent/states.ts; COMPLETED: the operation's status. */
  status: u64;
  /** ENDED: the end's code; COMPLETED: the operation's result. */
  value: u64;
}

/** Appends the notice to `agent`'s list, or changes it where it is; one that waits for it is woken. */
export function noticePost(agent: Agent, notice: Notice, kind: u32, status: u64, value: u64): void {
  notice.kind = kind;
  notice.status = status;
  notice.value = value;
  if (notice.agent != 0) return;
  const at = changetype<usize>(notice);
  notice.agent = changetype<usize>(agent);
  notice.next = 0;
  notice.previous = agent.noticeLast;
  if (agent.noticeLast == 0) agent.noticeFirst = at;
  else changetype<Notice>(agent.noticeLast).next = at;
  agent.noticeLast = at;
  agent.noticeCount += 1;
  if ((agent.waitFlags & (WAIT_NOTICES | WAIT_PARKED)) == WAIT_NOTICES)
    waitEnd(agent, noticeRead(agent, READY_NOTICE, agent.waitNotice), READY_NOTICE);
}

/**
 * What an agent whose wait has the value `ready` is told: when that is a notice, and it has said
 * where it wants it, the first one is written there and is gone. Refused, the notice stays.
 */
export function noticeRead(agent: Agent, ready: u64, address: u64): u32 {
  if (ready != READY_NOTICE || address == 0) return STATUS_OK;
  const notice = changetype<Notice>(agent.noticeFirst);
  const record = ipc().list;
  store<u64>(record + Layout.NOTICE_KIND, notice.kind);
  store<u64>(record + Layout.NOTICE_SUBJECT, notice.subject);
  store<u64>(record + Layout.NOTICE_STATUS, notice.status);
  store<u64>(record + Layout.NOTICE_VALUE, notice.value);
  const status = copyToUser(agent, address, record, Layout.NOTICE_BYTES);
  if (status != STATUS_OK) return status;
  noticeRemove(notice);
  noticeTaken(notice);
  return STATUS_OK;
}

/** What is left of the object that the notice was about ends with it. */
function noticeTaken(notice: Notice): void {
  if (notice.kind == NOTICE_COMPLETED)
    operationFree(changetype<Operation>(objectFind(KIND_OPERATION, notice.subject)));
  else if (notice.kind == NOTICE_ENDED) agentReap(changetype<Agent>(objectFind(KIND_AGENT, notice.subject)));
}

/** Takes a notice out of the list that it is in, if any: it was read, or its object goes. */
export function noticeRemove(notice: Notice): void {
  if (notice.agent == 0) return;
  const agent = changetype<Agent>(notice.agent);
  if (notice.previous == 0) agent.noticeFirst = notice.next;
  else changetype<Notice>(notice.previous).next = notice.next;
  if (notice.next == 0) agent.noticeLast = notice.previous;
  else changetype<Notice>(notice.next).previous = notice.previous;
  notice.agent = 0;
  agent.noticeCount -= 1;
}
