/**
 * Notices: what has become of something that an agent started. A notice is a part of the object that
 * it is about, so telling can't fail for want of memory, and an object has one at most: a later one
 * takes the place of one that nobody has taken yet.
 */
import { Agent } from "../agent/agent";
import { Ptr } from "../state";

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

/** Appends the notice to `agent`'s list, or changes it where it waits there. */
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
