/**
 * By how much agents make files longer: those whose limits say so, each over all its lives. What one makes shorter
 * or removes is given back to it, whoever has made it, down to nothing: more than so much is never added.
 */
import { FileError } from "./errors.ts";

/** Agents that are remembered: of those that are over the oldest go. */
const ACCOUNTS_MAX = 65_536;

export class Accounts {
  /** Bytes, by uid; the oldest first. */
  private readonly used = new Map<string, number>();
  private readonly limits = new Map<number, { readonly uid: string; readonly storage: number }>();

  /** From now on; `storage` in bytes, null for an agent that is over. */
  set(agent: number, uid: string, storage: number | null): void {
    if (storage === null) {
      this.limits.delete(agent);
      return;
    }
    this.limits.set(agent, { uid, storage });
    const used = this.used.get(uid) ?? 0;
    this.used.delete(uid);
    this.used.set(uid, used);
    if (this.used.size > ACCOUNTS_MAX) this.forgetOldest();
  }

  /** Bytes by which the agent has made files longer so far. */
  usedBy(uid: string): number {
    return this.used.get(uid) ?? 0;
  }

  private forgetOldest(): void {
    const live = new Set([...this.limits.values()].map(({ uid }) => uid));
    const [oldest] = [...this.used.keys()].filter((uid) => !live.has(uid));
    if (oldest !== undefined) this.used.delete(oldest);
  }

  /** @throws FileError EDQUOT */
  charge(agent: number, bytes: number): void {
    const limit = this.limits.get(agent);
    if (!limit || bytes === 0) return;
    const used = (this.used.get(limit.uid) ?? 0) + bytes;
    if (used > limit.storage) throw new FileError("EDQUOT");
    this.used.set(limit.uid, used);
  }

  giveBack(agent: number, bytes: number): void {
    const limit = this.limits.get(agent);
    if (limit) this.used.set(limit.uid, Math.max(0, (this.used.get(limit.uid) ?? 0) - bytes));
  }
}
