/** The operations on files, as the host does them: paths that were judged, and nothing that waits for ever. */
import { type BigIntStats, constants } from "node:fs";
import {
  type FileHandle,
  link,
  lutimes,
  mkdir,
  open,
  readlink,
  rename,
  rmdir,
  symlink,
  unlink,
} from "node:fs/promises";
import type { FileAnswer, FileOp, FileRequest } from "../messages/files.ts";
import type { Accounts } from "./accounts.ts";
import { FileError } from "./errors.ts";
import { Handles } from "./handles.ts";
import { type Budget, Quota } from "./quota.ts";
import { entriesOf, identityOf, statAt, statOf, typeOf } from "./stat.ts";
import type { Spot, Tree } from "./tree.ts";

type Of<O extends FileOp> = Extract<FileRequest, { op: O }>;
type Open = Of<"read" | "write" | "size" | "fstat" | "ftimes" | "sync" | "list" | "close">;
export type Done = FileAnswer & { readonly bytes?: Uint8Array };

const FILE_MODE = 0o600;
const FOLDER_MODE = 0o700;
const NANOSECONDS = 1e9;
/** No file may be opened that the host would make us wait for, or a link that has come in between. */
const SAFE = constants.O_NOFOLLOW | constants.O_NONBLOCK;

export class Operations {
  readonly tree: Tree;
  private readonly handles = new Handles();
  private readonly quota: Quota;
  private readonly accounts: Accounts;
  /** Changes of a file's size, one after the other. */
  private readonly turns = new Map<string, Promise<unknown>>();

  constructor(tree: Tree, budget: Budget, accounts: Accounts) {
    this.tree = tree;
    this.accounts = accounts;
    this.quota = new Quota(budget, (area) => tree.root(area));
  }

  /** Gives back what it holds of the host; it can be used again. */
  close(): void {
    this.handles.clear();
  }

  /** @throws FileError, and what the host says */
  async run(agent: number, request: FileRequest, bytes: Uint8Array): Promise<Done> {
    switch (request.op) {
      case "open":
        return await this.open(agent, request);
      case "stat":
        return await this.at(request, request.follow, async ({ folder, name }) => ({
          stat: statOf(await statAt(folder, name)),
        }));
      case "readlink":
        return await this.at(request, false, async ({ folder, name }) => ({
          target: await readlink(folder.at(name)),
        }));
      case "list":
        return await this.list(request);
      case "close":
        this.handles.drop(keyOf(agent, request));
        return {};
      case "read":
      case "write":
      case "size":
      case "fstat":
      case "ftimes":
      case "sync":
        return await this.withFile(agent, request, (handle) =>
          this.onFile(agent, handle, request, bytes),
        );
      default:
        return await this.change(agent, request);
    }
  }

  private async at(
    { root, path }: { root: string; path: string },
    follow: boolean,
    work: (spot: Spot) => Promise<Done>,
  ): Promise<Done> {
    return await this.tree.walk(root, path, follow, work);
  }

  // --- names ---

  private async change(
    agent: number,
    request: Of<"times" | "mkdir" | "rmdir" | "unlink" | "symlink" | "link" | "rename">,
  ): Promise<Done> {
    const follow = "follow" in request && request.follow;
    return await this.at(request, follow, async (spot) => {
      if (spot.folder.readOnly) throw new FileError("EROFS");
      const place = spot.folder.at(spot.name);
      switch (request.op) {
        case "times":
          await this.setTimes(await statAt(spot.folder, spot.name), request, (accessed, modified) =>
            lutimes(place, accessed, modified),
          );
          return {};
        case "mkdir":
          await this.added(request.root, spot, () => mkdir(place, { mode: FOLDER_MODE }));
          return {};
        case "symlink":
          requireInside(spot, request.target);
          await this.added(request.root, spot, () => symlink(request.target, place));
          return {};
        case "rmdir":
          if (spot.name === ".") throw new FileError("EINVAL");
          return await this.removed(agent, request.root, spot, () => rmdir(place));
        case "unlink":
          if (spot.mustBeFolder) await this.requireFolder(spot);
          return await this.removed(agent, request.root, spot, () => unlinkFile(spot));
        case "link":
          return await this.toOther(request, async (other) => {
            if (other.mustBeFolder) throw new FileError("ENOENT");
            await this.added(request.root, other, () => link(place, other.folder.at(other.name)));
            return {};
          });
        case "rename":
          return await this.toOther(request, (other) =>
            this.rename(agent, request.root, spot, other),
          );
      }
    });
  }

  private async requireFolder({ folder, name }: Spot): Promise<void> {
    if (!(await statAt(folder, name)).isDirectory()) throw new FileError("ENOTDIR");
  }

  private async toOther(
    { root, to }: { root: string; to: string },
    work: (other: Spot) => Promise<Done>,
  ): Promise<Done> {
    return await this.at({ root, path: to }, false, async (other) => {
      if (other.folder.readOnly) throw new FileError("EROFS");
      return await work(other);
    });
  }

  private async rename(agent: number, root: string, from: Spot, to: Spot): Promise<Done> {
    if (from.name === "." || to.name === ".") throw new FileError("EBUSY");
    const [area, other] = [this.areaOf(root, from), this.areaOf(root, to)];
    if (area !== other) throw new FileError("EXDEV");
    const moved = await statAt(from.folder, from.name);
    const isFolder = moved.isDirectory();
    if (!isFolder && (from.mustBeFolder || to.mustBeFolder)) throw new FileError("ENOTDIR");
    const replaced = await statAt(to.folder, to.name).catch(() => null);
    await rename(from.folder.at(from.name), to.folder.at(to.name));
    if (replaced && replaced.ino !== moved.ino) this.freed(agent, area, replaced);
    return {};
  }

  private async added<T>(root: string, spot: Spot, work: () => Promise<T>): Promise<T> {
    const area = this.areaOf(root, spot);
    await this.quota.charge(area, 0, 1);
    try {
      return await work();
    } catch (error) {
      this.quota.giveBack(area, 0, 1);
      throw error;
    }
  }

  private async removed(
    agent: number,
    root: string,
    spot: Spot,
    work: () => Promise<unknown>,
  ): Promise<Done> {
    const stat = await statAt(spot.folder, spot.name);
    await work();
    this.freed(agent, this.areaOf(root, spot), stat);
    return {};
  }

  private freed(agent: number, area: string, { size, nlink, ...stat }: BigIntStats): void {
    const isLast = nlink === 1n && (Number(stat.mode) & constants.S_IFMT) === constants.S_IFREG;
    const bytes = isLast ? Number(size) : 0;
    this.quota.giveBack(area, bytes, 1);
    this.accounts.giveBack(agent, bytes);
  }

  private areaOf(root: string, { path }: Spot): string {
    return this.tree.areaOf(path === "." ? root : `${root}/${path}`);
  }

  // --- opening ---

  private async open(agent: number, request: Of<"open">): Promise<Done> {
    const { root, follow, create, exclusive } = request;
    return await this.at(request, follow && !exclusive, async (spot) => {
      const { folder, name } = spot;
      const known = await statAt(folder, name).catch((error: { code?: string }) => {
        if (error.code === "ENOENT") return null;
        throw error;
      });
      if (known) {
        if (create && exclusive) throw new FileError("EEXIST");
        return await this.openKnown(agent, request, spot, known);
      }
      if (!create) throw new FileError("ENOENT");
      if (spot.mustBeFolder || request.folder) throw new FileError("EINVAL");
      if (folder.readOnly) throw new FileError("EROFS");
      const flags = constants.O_CREAT | constants.O_EXCL | SAFE | accessOf(request);
      const handle = await this.added(root, spot, () => open(folder.at(name), flags, FILE_MODE));
      return await this.opened(agent, request, spot, handle);
    });
  }

  private async openKnown(
    agent: number,
    request: Of<"open">,
    spot: Spot,
    known: BigIntStats,
  ): Promise<Done> {
    const { root, ...wants } = request;
    const type = typeOf(known);
    if (type === "link") throw new FileError("ELOOP");
    if (type === "folder") {
      if (wants.write || wants.truncate) throw new FileError("EISDIR");
      return { id: identityOf(known), path: spot.path, type };
    }
    if (wants.folder || spot.mustBeFolder) throw new FileError("ENOTDIR");
    // Devices, FIFOs and sockets are not looked into: opening one can do things or wait.
    if (type !== "file") throw new FileError("EACCES");
    if ((wants.write || wants.truncate) && spot.folder.readOnly) throw new FileError("EROFS");
    const flags = accessOf(wants) | SAFE | (wants.truncate ? constants.O_TRUNC : 0);
    const handle = await open(spot.folder.at(spot.name), flags);
    if (wants.truncate) {
      this.quota.giveBack(this.areaOf(root, spot), Number(known.size), 0);
      this.accounts.giveBack(agent, Number(known.size));
    }
    return await this.opened(agent, request, spot, handle);
  }

  private async opened(
    agent: number,
    request: Of<"open">,
    { path }: Spot,
    handle: FileHandle,
  ): Promise<Done> {
    const stat = await handle.stat({ bigint: true });
    if (!stat.isFile()) {
      await handle.close();
      throw new FileError("EACCES");
    }
    const id = identityOf(stat);
    await this.handles.keep(agent, keyOf(agent, { ...request, id }), handle);
    return { id, path, type: "file" };
  }

  // --- what is open ---

  /** A handle for what was opened: from the cache, or by its path if that names the same file. */
  private async withFile(
    agent: number,
    request: Open,
    work: (handle: FileHandle) => Promise<Done>,
  ): Promise<Done> {
    const reopen = () =>
      this.sameFile(request, async ({ folder, name }) => {
        if (request.write && folder.readOnly) throw new FileError("EROFS");
        return await open(folder.at(name), accessOf(request) | SAFE);
      });
    return await this.handles.use(agent, keyOf(agent, request), reopen, work);
  }

  private async sameFile(
    { root, path, id }: Open,
    openIt: (spot: Spot) => Promise<FileHandle>,
  ): Promise<FileHandle> {
    const found = await this.tree.walk(root, path, false, async (spot) => {
      const named = await statAt(spot.folder, spot.name);
      return identityOf(named) === id && named.isFile() ? await openIt(spot) : null;
    });
    const opened = await found?.stat({ bigint: true });
    if (found && opened && identityOf(opened) === id) return found;
    await found?.close();
    throw new FileError("ESTALE");
  }

  private async onFile(
    agent: number,
    handle: FileHandle,
    request: Of<"read" | "write" | "size" | "fstat" | "ftimes" | "sync">,
    bytes: Uint8Array,
  ): Promise<Done> {
    switch (request.op) {
      case "read": {
        const room = new Uint8Array(request.bytes);
        const { bytesRead } = await handle.read(room, 0, room.length, request.offset);
        return { bytes: room.subarray(0, bytesRead) };
      }
      case "write":
        return await this.inTurn(request.id, () => this.write(agent, handle, request, bytes));
      case "size":
        return await this.inTurn(request.id, () => this.resize(agent, handle, request));
      case "fstat":
        return { stat: statOf(await handle.stat({ bigint: true })) };
      case "ftimes":
        await this.setTimes(await handle.stat({ bigint: true }), request, (accessed, modified) =>
          handle.utimes(accessed, modified),
        );
        return {};
      case "sync":
        await (request.data ? handle.datasync() : handle.sync());
        return {};
    }
  }

  private async inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = this.turns.get(id) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.turns.set(id, mine);
    try {
      return await mine;
    } finally {
      if (this.turns.get(id) === mine) this.turns.delete(id);
    }
  }

  private async write(
    agent: number,
    handle: FileHandle,
    request: Of<"write">,
    bytes: Uint8Array,
  ): Promise<Done> {
    const size = Number((await handle.stat({ bigint: true })).size);
    const offset = request.offset ?? size;
    const more = Math.max(0, offset + bytes.length - size);
    const { bytesWritten } = await this.growing(agent, request, more, () =>
      handle.write(bytes, 0, bytes.length, offset),
    );
    return { written: bytesWritten, end: offset + bytesWritten };
  }

  private async resize(agent: number, handle: FileHandle, request: Of<"size">): Promise<Done> {
    const size = Number((await handle.stat({ bigint: true })).size);
    if (request.grow && request.size <= size) return {};
    await this.growing(agent, request, request.size - size, () => handle.truncate(request.size));
    return {};
  }

  /** A file becomes longer by so many bytes, or shorter: if whoever asks may add them, and there is room. */
  private async growing<T>(
    agent: number,
    { root, path }: Open,
    more: number,
    work: () => Promise<T>,
  ): Promise<T> {
    const area = this.tree.areaOf(`${root}/${path}`);
    const added = Math.max(0, more);
    this.accounts.charge(agent, added);
    try {
      const done = await this.charged(area, more, work);
      this.accounts.giveBack(agent, added - more);
      return done;
    } catch (error) {
      this.accounts.giveBack(agent, added);
      throw error;
    }
  }

  private async charged<T>(area: string, more: number, work: () => Promise<T>): Promise<T> {
    await this.quota.charge(area, more, 0);
    try {
      return await work();
    } catch (error) {
      this.quota.giveBack(area, more, 0);
      throw error;
    }
  }

  /** To a microsecond or so: the host takes times as floating-point seconds. */
  private async setTimes(
    { atimeNs, mtimeNs }: BigIntStats,
    { accessed, modified }: { accessed: string | null; modified: string | null },
    set: (accessed: number, modified: number) => Promise<void>,
  ): Promise<void> {
    const seconds = (text: string | null, kept: bigint) => Number(text ?? kept) / NANOSECONDS;
    await set(seconds(accessed, atimeNs), seconds(modified, mtimeNs));
  }

  private async list(request: Of<"list">): Promise<Done> {
    return await this.at(request, false, async ({ folder, name }) => {
      const inner = await folder.folder(name);
      try {
        if (identityOf(await statAt(inner, ".")) !== request.id) throw new FileError("ESTALE");
        return { entries: await entriesOf(inner, BigInt(request.cookie), request.bytes) };
      } finally {
        await inner.close();
      }
    });
  }
}

/** Those that write share a handle, and some of them read: that is judged with each request. */
const accessOf = ({ write }: { write: boolean }): number =>
  write ? constants.O_RDWR : constants.O_RDONLY;

/** By the root as well: a handle is good for those who may do so much in that folder, and for no others. */
function keyOf(
  agent: number,
  { root, id, write }: { root: string; id: string; write: boolean },
): string {
  return `${agent} ${id} ${write} ${root}`;
}

/** A link that is made here leads nowhere outside of the root, whatever is put in its way later. */
function requireInside({ path }: Spot, target: string): void {
  if (target === "") throw new FileError("ENOENT");
  if (target.startsWith("/") || target.includes("\0")) throw new FileError("ENOTCAPABLE");
  let depth = path.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    depth += part === ".." ? -1 : 1;
    if (depth < 0) throw new FileError("ENOTCAPABLE");
  }
}

async function unlinkFile({ folder, name }: Spot): Promise<void> {
  if ((await statAt(folder, name)).isDirectory()) throw new FileError("EISDIR");
  await unlink(folder.at(name));
}
