/**
 * Lag of the fair class, measured from outside: w(V - v) for an agent of weight w whose virtual time
 * is v, in a queue whose virtual time is V (Stoica, Abdel-Wahab 1995, section 2). One queue a
 * processor; agents of a group have a queue of their own there, whose time is the service that the
 * group gets, so that their lag says how fair the group is inside.
 *
 * As in the kernel, but in its own arithmetic: who leaves having had too much stays in W until V has
 * reached its v; who leaves having had too little leaves at once; when nobody is eligible, V jumps
 * to the least v.
 */

interface Member {
  readonly agent: number;
  weight: number;
  v: number;
  runnable: boolean;
}

class Queue {
  private virtual = 0;
  private weight = 0;
  private runnable = 0;
  private readonly members = new Map<number, Member>();
  /** Those that left ahead of V, by their v. */
  private ghosts: Member[] = [];

  /** @param ahead what it has had too much elsewhere, ns of service */
  join(agent: number, weight: number, ahead = 0): void {
    const known = this.members.get(agent);
    if (known?.runnable) return;
    if (known) {
      this.ghosts = this.ghosts.filter((ghost) => ghost !== known);
      this.weight -= known.weight;
    }
    const v = Math.max(known?.v ?? 0, this.virtual + ahead / weight);
    this.members.set(agent, { agent, weight, v, runnable: true });
    this.runnable += 1;
    this.weight += weight;
  }

  leave(agent: number): void {
    const member = this.members.get(agent);
    if (!member?.runnable) return;
    member.runnable = false;
    this.runnable -= 1;
    if (member.v > this.virtual) {
      const at = this.ghosts.findIndex((ghost) => ghost.v > member.v);
      this.ghosts.splice(at < 0 ? this.ghosts.length : at, 0, member);
    } else this.forget(member);
  }

  /** Goes to another queue: what it has had too much, which stays in W here as well. */
  moveOut(agent: number): number {
    const ahead = Math.max(0, -this.lag(agent));
    this.leave(agent);
    this.members.delete(agent);
    return ahead;
  }

  /** Keeps the lag: what it is owed doesn't change with its weight. */
  reweigh(agent: number, weight: number): void {
    const member = this.members.get(agent);
    if (!member) return;
    const lag = member.weight * (this.virtual - member.v);
    this.weight += weight - member.weight;
    member.weight = weight;
    member.v = this.virtual - lag / weight;
  }

  /** `agent` is to run: if it isn't eligible, nobody is. */
  pick(agent: number): void {
    const member = this.members.get(agent);
    if (!member || member.v <= this.virtual) return;
    let least = member.v;
    for (const each of this.members.values()) if (each.runnable) least = Math.min(least, each.v);
    if (least > this.virtual) this.moveTo(least);
  }

  /** `agent` has run for `service`; whoever ran, the group's time passed. */
  charge(agent: number, service: number): void {
    const member = this.members.get(agent);
    if (!member) return;
    member.v += service / member.weight;
    let left = service;
    // Each ghost that V reaches leaves W, and V goes faster from there.
    for (let ghost = this.ghosts[0]; ghost; ghost = this.ghosts[0]) {
      const until = (ghost.v - this.virtual) * this.weight;
      if (until > left) break;
      left -= Math.max(0, until);
      this.moveTo(Math.max(ghost.v, this.virtual));
    }
    if (this.weight > 0) this.virtual += left / this.weight;
    // Alone it is chosen again at each request's end, which nobody else sees.
    if (this.runnable === 1 && member.runnable && member.v > this.virtual) this.moveTo(member.v);
  }

  /** In ns of service; positive when the agent is owed some. */
  lag(agent: number): number {
    const member = this.members.get(agent);
    return member ? member.weight * (this.virtual - member.v) : 0;
  }

  private moveTo(virtual: number): void {
    this.virtual = virtual;
    for (let ghost = this.ghosts[0]; ghost && ghost.v <= virtual; ghost = this.ghosts[0]) {
      this.ghosts.shift();
      this.forget(ghost);
    }
  }

  private forget(member: Member): void {
    if (this.members.get(member.agent) === member) this.members.delete(member.agent);
    this.weight -= member.weight;
  }
}

/** The queues of all processors and groups. */
export class LagMeter {
  private readonly queues = new Map<string, Queue>();

  queue(cpu: number, group: string): Queue {
    const key = `${cpu}${group}`;
    const known = this.queues.get(key);
    if (known) return known;
    const queue = new Queue();
    this.queues.set(key, queue);
    return queue;
  }
}
