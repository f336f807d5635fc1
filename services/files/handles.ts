/**
 * Files that are open on the host. It is a cache: one that isn't here is opened again by its path, and has
 * to be the same file. What it is for is a file without a name: unlinked, it is there as long as it is here.
 */
import type { FileHandle } from "node:fs/promises";

/** Of all agents, and of each. */
const HANDLES_MAX = 1024;
const HANDLES_EACH_MAX = 128;

/** Whose handle it is, for which file, and by which key it is found. */
export interface Of {
  readonly agent: number;
  readonly id: string;
  readonly key: string;
}

interface Open extends Of {
  readonly handle: Promise<FileHandle>;
  users: number;
  gone: boolean;
}

export class Handles {
  /** The one that was used last is the last one. */
  private readonly all = new Map<string, Open>();
  private readonly onClosed: (id: string) => void;
  /** Those that are being closed. */
  private readonly closing = new Set<Promise<void>>();
  private isOver = false;

  /** `onClosed` hears when the last handle of a file goes. */
  constructor(onClosed: (id: string) => void) {
    this.onClosed = onClosed;
  }

  /** Does work with a handle, opened by `open` if need be; none is closed while it is used. */
  async use<T>(
    of: Of,
    open: () => Promise<FileHandle>,
    work: (handle: FileHandle) => Promise<T>,
  ): Promise<T> {
    const { key } = of;
    const it = this.all.get(key) ?? { ...of, handle: open(), users: 0, gone: false };
    this.all.delete(key);
    this.all.set(key, it);
    it.users++;
    try {
      return await work(await it.handle);
    } catch (error) {
      await it.handle.catch(() => this.drop(it));
      throw error;
    } finally {
      it.users--;
      this.close(it);
      if (this.isOver) this.drop(it);
      this.shrink(of.agent);
    }
  }

  /** Takes a handle in. */
  async keep(of: Of, handle: FileHandle): Promise<void> {
    if (this.all.has(of.key)) await handle.close();
    else
      await this.use(
        of,
        async () => handle,
        async () => undefined,
      );
  }

  isOpen(id: string): boolean {
    for (const it of this.all.values()) if (it.id === id) return true;
    return false;
  }

  /** Agents that have some. */
  agents(): Set<number> {
    return new Set([...this.all.values()].map(({ agent }) => agent));
  }

  dropKey(key: string): void {
    const it = this.all.get(key);
    if (it) this.drop(it);
  }

  /** An agent needs its handles no more. */
  dropAll(agent: number): void {
    for (const it of [...this.all.values()]) if (it.agent === agent) this.drop(it);
  }

  /** Gives back all of them, those in use as soon as they aren't, and keeps none from then on. */
  async end(): Promise<void> {
    this.isOver = true;
    for (const it of [...this.all.values()]) this.drop(it);
    await Promise.all(this.closing);
  }

  private drop(it: Open): void {
    if (it.gone) return;
    if (this.all.get(it.key) === it) this.all.delete(it.key);
    it.gone = true;
    this.close(it);
  }

  private shrink(agent: number): void {
    const own = [...this.all.values()].filter((it) => it.agent === agent);
    const [ownOldest] = own;
    if (own.length > HANDLES_EACH_MAX && ownOldest) this.drop(ownOldest);
    const [oldest] = this.all.values();
    if (this.all.size > HANDLES_MAX && oldest) this.drop(oldest);
  }

  private close(it: Open): void {
    if (!it.gone || it.users > 0) return;
    const closed: Promise<void> = it.handle
      .then((handle) => handle.close())
      // It can't be told to anybody, and nobody has it any more.
      .catch(() => undefined)
      .then(() => {
        this.closing.delete(closed);
        if (!this.isOpen(it.id)) this.onClosed(it.id);
      });
    this.closing.add(closed);
  }
}
