/**
 * Files that are open on the host. It is a cache: one that isn't here is opened again by its path, and has
 * to be the same file. What it is for is a file without a name: unlinked, it is there as long as it is here.
 */
import type { FileHandle } from "node:fs/promises";

/** Of all agents, and of each. */
const HANDLES_MAX = 1024;
const HANDLES_EACH_MAX = 128;

interface Open {
  readonly agent: number;
  readonly handle: Promise<FileHandle>;
  users: number;
  gone: boolean;
}

export class Handles {
  /** The one that was used last is the last one. */
  private readonly all = new Map<string, Open>();

  /** Does work with a handle, opened by `open` if need be; none is closed while it is used. */
  async use<T>(
    agent: number,
    key: string,
    open: () => Promise<FileHandle>,
    work: (handle: FileHandle) => Promise<T>,
  ): Promise<T> {
    const it = this.all.get(key) ?? { agent, handle: open(), users: 0, gone: false };
    this.all.delete(key);
    this.all.set(key, it);
    it.users++;
    try {
      return await work(await it.handle.catch((error: unknown) => this.failed(key, error)));
    } finally {
      it.users--;
      this.close(it);
      this.shrink(agent);
    }
  }

  /** Takes a handle in. */
  async keep(agent: number, key: string, handle: FileHandle): Promise<void> {
    if (this.all.has(key)) await handle.close();
    else
      await this.use(
        agent,
        key,
        async () => handle,
        async () => undefined,
      );
  }

  drop(key: string): void {
    const it = this.all.get(key);
    if (!it) return;
    this.all.delete(key);
    it.gone = true;
    this.close(it);
  }

  /** Gives back all that isn't in use. */
  clear(): void {
    for (const key of [...this.all.keys()]) this.drop(key);
  }

  private failed(key: string, error: unknown): never {
    this.all.delete(key);
    throw error;
  }

  private shrink(agent: number): void {
    const own = [...this.all].filter(([, it]) => it.agent === agent);
    const [ownOldest] = own;
    if (own.length > HANDLES_EACH_MAX && ownOldest) this.drop(ownOldest[0]);
    const [oldest] = this.all.keys();
    if (this.all.size > HANDLES_MAX && oldest !== undefined) this.drop(oldest);
  }

  private close(it: Open): void {
    if (it.gone && it.users === 0)
      it.handle
        .then((handle) => handle.close())
        // It can't be told to anybody, and nobody has it any more.
        .catch(() => undefined);
  }
}
