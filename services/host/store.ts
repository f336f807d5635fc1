/**
 * The state directory: what outlives the process. A database of small records (LevelDB, of which a second
 * process can't have it at the same time), and large objects as files that are named by their SHA-256.
 * What has been written is on the disk when the promise is kept; a batch is there whole or not at all.
 *
 * After a batch that the disk hasn't taken no other one is: what has come of it stands at the end of LevelDB's
 * log, and everything behind that would be lost when the log is read (fsync(2) doesn't say what is there after
 * an error either). The directory can be opened again, and has what was acknowledged. An object that finds no
 * room is refused, and nothing else.
 */
import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { access, mkdir, open, readdir, readFile, rename, rm, stat, utimes } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { ClassicLevel } from "classic-level";
import { RequestError } from "../messages/errors.ts";

const SYNC = { sync: true } as const;

/** One write of a batch; without a value the record goes. */
export interface Write {
  readonly key: string;
  readonly value?: unknown;
}

export class Store {
  readonly directory: string;
  private readonly records: ClassicLevel<string, unknown>;
  private temporary = 0;
  /** What is to be in the next batch, and who waits for it. */
  private next: { writes: Write[]; done: Promise<void> } | null = null;
  private writing: Promise<unknown> = Promise.resolve();
  /** Called when no record can be written any more. */
  onFailure: () => void = () => {};
  /** Why no record can be written any more; null as long as they can. */
  failure: RequestError | null = null;

  private constructor(directory: string, records: ClassicLevel<string, unknown>) {
    this.directory = directory;
    this.records = records;
  }

  /** @throws RequestError unavailable: another process has it, or it can't be read */
  static async open(directory: string): Promise<Store> {
    await mkdir(join(directory, "objects"), { recursive: true, mode: 0o700 });
    const records = new ClassicLevel<string, unknown>(join(directory, "records"), {
      valueEncoding: "json",
    });
    try {
      await records.open();
    } catch (error) {
      const { cause } = error as { cause?: { code?: string; message?: string } };
      const why =
        cause?.code === "LEVEL_LOCKED"
          ? "another instance uses it"
          : (cause?.message ?? `${error}`);
      throw new RequestError("unavailable", `state directory ${directory}: ${why}`);
    }
    await removeDrafts(join(directory, "objects"));
    return new Store(directory, records);
  }

  async close(): Promise<void> {
    await this.records.close();
  }

  async get(key: string): Promise<unknown> {
    return await this.records.get(key);
  }

  /** Records whose key begins with a prefix, in the order of their keys. */
  async list(
    prefix: string,
    { from = prefix, limit = -1, reverse = false } = {},
  ): Promise<[string, unknown][]> {
    const range = { gte: from, lt: `${prefix}\uffff`, limit, reverse };
    return await this.records.iterator(range).all();
  }

  /**
   * Writes all of it or nothing. What is asked for while a batch is on its way to the disk goes there
   * together in the next one: any number of writers share a sync.
   * @throws RequestError unavailable: the disk doesn't take it, or hasn't taken one before
   */
  write(writes: readonly Write[]): Promise<void> {
    if (this.next) {
      this.next.writes.push(...writes);
      return this.next.done;
    }
    const batch = [...writes];
    const done = this.writing.then(() => {
      this.next = null;
      return this.batch(batch);
    });
    this.next = { writes: batch, done };
    this.writing = done.catch(() => {});
    return done;
  }

  private async batch(writes: readonly Write[]): Promise<void> {
    const operations = writes.map(({ key, value }) =>
      value === undefined
        ? ({ type: "del", key } as const)
        : ({ type: "put", key, value } as const),
    );
    if (this.failure) throw this.failure;
    try {
      await this.records.batch(operations, SYNC);
    } catch (error) {
      this.failure = cantBeWritten(this.directory, error);
      this.onFailure();
      throw this.failure;
    }
  }

  /**
   * Keeps bytes under their digest; "sha256:…". One that is there is as if it had been written now.
   * @throws RequestError unavailable: the disk doesn't take it
   */
  async putObject(bytes: Uint8Array): Promise<string> {
    const digest = createHash("sha256").update(bytes).digest("hex");
    const path = this.path(digest);
    const folder = dirname(path);
    const draft = join(this.directory, "objects", `${DRAFT}${process.pid}-${this.temporary++}`);
    try {
      if (!(await touched(path))) {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeSynced(draft, bytes);
        await rename(draft, path);
      }
      // Whoever has written it may not have come to this.
      await syncFolder(folder);
      await syncFolder(dirname(folder));
    } catch (error) {
      await rm(draft, { force: true });
      throw cantBeWritten(this.directory, error);
    }
    return `sha256:${digest}`;
  }

  /** @throws RequestError not-found, internal: it isn't what its name says */
  async getObject(digest: string): Promise<Uint8Array> {
    const hex = digest.replace(/^sha256:/, "");
    const bytes = await readFile(this.path(hex)).catch(() => null);
    if (!bytes) throw new RequestError("not-found", `there is no object ${digest}`);
    if (createHash("sha256").update(bytes).digest("hex") !== hex)
      throw new RequestError("internal", `object ${digest} has been changed on the disk`);
    return bytes;
  }

  async hasObject(digest: string): Promise<boolean> {
    return await exists(this.path(digest.replace(/^sha256:/, "")));
  }

  /** Digests of all objects. */
  async objects(): Promise<string[]> {
    const found = await readdir(join(this.directory, "objects"), { recursive: true });
    return found
      .map((path) => basename(path))
      .flatMap((it) => (HEX.test(it) ? `sha256:${it}` : []));
  }

  /** When an object was put last, ms since 1970. */
  async writtenAt(digest: string): Promise<number> {
    return (await stat(this.path(digest.replace(/^sha256:/, "")))).mtimeMs;
  }

  /** Removes an object; whoever asks knows that nothing names it. */
  async removeObject(digest: string): Promise<void> {
    await rm(this.path(digest.replace(/^sha256:/, "")), { force: true });
  }

  private path(hex: string): string {
    return join(this.directory, "objects", hex.slice(0, 2), hex);
  }
}

function cantBeWritten(directory: string, error: unknown): RequestError {
  const why = error instanceof Error ? error.message : String(error);
  return new RequestError("unavailable", `state directory ${directory} can't be written: ${why}`);
}

const DRAFT = "draft-";
const HEX = /^[0-9a-f]{64}$/;

/** Objects that a process that was killed had begun to write. */
async function removeDrafts(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.startsWith(DRAFT)) await rm(join(folder, name), { force: true });
}

/** Gives a file the present time; whether there is one. */
async function touched(path: string): Promise<boolean> {
  const now = new Date();
  return await utimes(path, now, now).then(
    () => true,
    () => false,
  );
}

async function exists(path: string): Promise<boolean> {
  return await access(path, constants.F_OK).then(
    () => true,
    () => false,
  );
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "w", 0o600);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The new name is on the disk as well. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
