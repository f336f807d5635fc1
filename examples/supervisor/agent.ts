/**
 * A supervisor and its children, after Erlang's: children that crash are started again, each by itself
 * (one-for-one) or all with it (one-for-all), until there have been too many restarts in too short a time.
 *
 * Children are clones: they begin with what the supervisor has in memory, as a child of fork() does.
 */
import { args, Child, childEnded, clone, End, exit, now, print, sleep } from "../../sdk/assemblyscript/agent";
import { AIOS_END_EXITED, AIOS_END_FAULT } from "../../sdk/assemblyscript/aios";

const MILLISECOND: u64 = 1_000_000;
const CODE_CRASH = 3;
const CODE_GAVE_UP = 1;
const CODE_STOPPED = 15;

class Member {
  child: Child | null = null;
  /** How often it has been started. */
  lives: i32 = 0;
  finished: bool = false;

  constructor(
    readonly name: string,
    /** Its first lives end badly: so many. */
    readonly crashes: i32,
    /** What it does in a life that ends well. */
    readonly work: u64,
  ) {}
}

class Supervisor {
  /** Times of restarts that count still. */
  private restarts: u64[] = [];

  constructor(
    private readonly members: Member[],
    private readonly forAll: bool,
    /** So many restarts in so many nanoseconds are too many. */
    private readonly limit: i32,
    private readonly period: u64,
  ) {}

  run(): void {
    for (let n = 0; n < this.members.length; n++) this.start(this.members[n]);
    while (this.isBusy()) {
      const end = childEnded();
      if (end === null) continue;
      const member = this.memberOf(end);
      if (member !== null) this.ended(member, end);
    }
    print("all have finished");
  }

  private start(member: Member): void {
    member.lives++;
    const child = clone();
    if (child === null) live(member);
    print("start " + member.name + " " + member.lives.toString());
    member.child = child;
  }

  private ended(member: Member, end: End): void {
    member.child = null;
    if (end.reason == AIOS_END_EXITED && end.code == 0) {
      member.finished = true;
      print("finished " + member.name);
      return;
    }
    print((end.reason == AIOS_END_FAULT ? "fault " : "crash ") + member.name);
    if (this.isTooMuch()) this.giveUp();
    if (this.forAll) this.stopAll();
    for (let n = 0; n < this.members.length; n++) {
      const it = this.members[n];
      if (it.child === null && (this.forAll || !it.finished)) {
        it.finished = false;
        this.start(it);
      }
    }
  }

  private stopAll(): void {
    for (let n = 0; n < this.members.length; n++) {
      const child = this.members[n].child;
      if (child === null) continue;
      child.kill(CODE_STOPPED);
      print("stop " + this.members[n].name);
      this.members[n].child = null;
    }
  }

  private isTooMuch(): bool {
    const time = now();
    this.restarts.push(time);
    while (this.restarts[0] + this.period < time) this.restarts.shift();
    return this.restarts.length > this.limit;
  }

  private giveUp(): void {
    print("give up");
    this.stopAll();
    exit(CODE_GAVE_UP);
  }

  /** Null for one that it has stopped itself. */
  private memberOf(end: End): Member | null {
    for (let n = 0; n < this.members.length; n++) {
      const child = this.members[n].child;
      if (child !== null && child.id == end.child) return this.members[n];
    }
    return null;
  }

  private isBusy(): bool {
    for (let n = 0; n < this.members.length; n++) if (!this.members[n].finished) return true;
    return false;
  }
}

/** What a child does; it doesn't come back. Its bad lives end by a trap and by a code in turn. */
function live(member: Member): void {
  sleep(member.work);
  if (member.lives <= member.crashes) {
    if ((member.lives & 1) == 1) unreachable();
    exit(CODE_CRASH);
  }
  exit(0);
}

/** NAME:CRASHES:MILLISECONDS */
function memberFrom(text: string): Member {
  const parts = text.split(":");
  return new Member(parts[0], <i32>parseInt(parts[1]), <u64>parseInt(parts[2]) * MILLISECOND);
}

export function _start(): void {
  const given = args();
  const limit = <i32>parseInt(given[2]);
  const period = <u64>parseInt(given[3]) * MILLISECOND;
  const members: Member[] = [];
  for (let n = 4; n < given.length; n++) members.push(memberFrom(given[n]));
  new Supervisor(members, given[1] == "one-for-all", limit, period).run();
}
