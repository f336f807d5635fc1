/**
 * What files take: room of an area, and of what an agent may add. A file that has lost its last name while it was open
 * takes its room until it is closed.
 */
import type { Accounts } from "./accounts.ts";
import type { Folder } from "./folder.ts";
import { type Budget, Quota } from "./quota.ts";

/** Whose doing it is, and which file in which area it is done to. */
export interface Change {
  readonly agent: number;
  readonly area: string;
  readonly id: string;
}

interface Nameless extends Change {
  bytes: number;
}

const NAME: Budget = { bytes: 0, files: 1 };
const NOTHING: Budget = { bytes: 0, files: 0 };

export class Space {
  private readonly quota: Quota;
  private readonly accounts: Accounts;
  /** Files without a name that are open, by identity. */
  private readonly nameless = new Map<string, Nameless>();

  /** `open`: the folder of an area. */
  constructor(budget: Budget, open: (area: string) => Promise<Folder>, accounts: Accounts) {
    this.quota = new Quota(budget, open, (area) => this.hidden(area));
    this.accounts = accounts;
  }

  /** Work that makes a name. @throws FileError EDQUOT */
  async name<T>(area: string, work: () => Promise<T>): Promise<T> {
    return await this.quota.change(area, NAME, work);
  }

  /** Work that makes a file longer by so many bytes, or shorter. In the file's turn. @throws FileError EDQUOT */
  async grow<T>({ agent, area, id }: Change, more: number, work: () => Promise<T>): Promise<T> {
    const bytes = Math.max(0, more);
    this.accounts.charge(agent, bytes);
    try {
      return await this.quota.change(area, { bytes, files: 0 }, async () => {
        const done = await work();
        const nameless = this.nameless.get(id);
        if (nameless) nameless.bytes += more;
        this.quota.giveBack(area, bytes - more, 0);
        this.accounts.giveBack(agent, bytes - more);
        return done;
      });
    } catch (error) {
      this.accounts.giveBack(agent, bytes);
      throw error;
    }
  }

  /**
   * Work that takes a name away, and how many bytes go with it unless the file is open by then: who has it open may
   * close it at any time. In the file's turn.
   */
  async remove<T>(
    change: Change,
    { bytes, isOpen }: { bytes: number; isOpen: () => boolean },
    work: () => Promise<T>,
  ): Promise<T> {
    const { agent, area, id } = change;
    return await this.quota.change(area, NOTHING, async () => {
      const done = await work();
      const stays = bytes > 0 && isOpen();
      if (stays) this.nameless.set(id, { ...change, bytes });
      else this.accounts.giveBack(agent, bytes);
      this.quota.giveBack(area, stays ? 0 : bytes, 1);
      return done;
    });
  }

  /** Folders have another name, or none, by their paths in the tree. */
  moved(...folders: readonly string[]): void {
    for (const folder of folders) this.quota.moved(folder);
  }

  /** Nobody has a file open any more. */
  closed(id: string): void {
    const it = this.nameless.get(id);
    if (!it) return;
    this.nameless.delete(id);
    this.quota.giveBack(it.area, it.bytes, 0);
    this.accounts.giveBack(it.agent, it.bytes);
  }

  private hidden(area: string): number {
    let sum = 0;
    for (const it of this.nameless.values()) if (it.area === area) sum += it.bytes;
    return sum;
  }
}
