/** The operations on files, as the host does them: paths that were judged, and nothing that waits for ever. */
import { type BigIntStats, constants } from "node:fs";
import { type FileHandle, open, readlink } from "node:fs/promises";
import type { FileAnswer, FileOp, FileRequest } from "../messages/files.ts";
import type { Accounts } from "./accounts.ts";
import { FileError } from "./errors.ts";
import { type Of as HandleOf, Handles } from "./handles.ts";
import { NameChanges } from "./name-changes.ts";
import type { Budget } from "./quota.ts";
import { Space } from "./space.ts";
import { entriesOf, identityOf, setTimes, statAt, statOf, typeOf } from "./stat.ts";
import type { Spot, Tree } from "./tree.ts";
import { Turns } from "./turns.ts";

type Of<O extends FileOp> = Extract<FileRequest, { op: O }>;
type Open = Of<"read" | "write" | "size" | "fstat" | "ftimes" | "sync" | "list" | "close">;
export type Done = FileAnswer & { readonly bytes?: Uint8Array };

const FILE_MODE = 0o600;
/** No file may be opened that the host would make us wait for, or a link that has come in between. */
const SAFE = constants.O_NOFOLLOW | constants.O_NONBLOCK;

export class Operations {
  readonly tree: Tree;
  private readonly handles: Handles;
  private readonly space: Space;
  /** Of files, for changes of their sizes and of the number of their names. */
  private readonly turns = new Turns();
  private readonly names: NameChanges;

  constructor(tree: Tree, budget: Budget, accounts: Accounts) {
    this.tree = tree;
    this.space = new Space(budget, (area) => tree.root(area), accounts);
    this.handles = new Handles((id) => this.space.closed(id));
    const { handles, space, turns } = this;
    this.names = new NameChanges({ tree, handles, space, turns });
  }

  /** Gives back what it holds of the host, and holds nothing from then on. */
  async close(): Promise<void> {
    await this.handles.end();
  }

  /** Agents for which files are open. */
  holders(): Set<number> {
    return this.handles.agents();
  }

  /** An agent is over, or may no more. */
  closeAll(agent: number): void {
    this.handles.dropAll(agent);
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
        this.handles.dropKey(keyOf(agent, request));
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
        return await this.names.run(agent, request);
    }
  }

  private async at(
    { root, path }: { root: string; path: string },
    follow: boolean,
    work: (spot: Spot) => Promise<Done>,
  ): Promise<Done> {
    return await this.tree.walk(root, path, follow, work);
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
      const flags = constants.O_CREAT | constants.O_EXCL | SAFE | accessToOpen(request);
      const handle = await this.names.named(root, spot, () =>
        open(folder.at(name), flags, FILE_MODE),
      );
      return await this.opened(agent, request, spot, handle);
    });
  }

  private async openKnown(
    agent: number,
    request: Of<"open">,
    spot: Spot,
    known: BigIntStats,
  ): Promise<Done> {
    const { root: _, ...wants } = request;
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
    // It is made empty in its turn: what others add meanwhile is counted before or after.
    const flags = accessToOpen(wants) | SAFE;
    const handle = await open(spot.folder.at(spot.name), flags);
    return await this.opened(agent, request, spot, handle);
  }

  private async opened(
    agent: number,
    request: Of<"open">,
    { path }: Spot,
    handle: FileHandle,
  ): Promise<Done> {
    const { root, truncate } = request;
    let isKept = false;
    try {
      const stat = await handle.stat({ bigint: true });
      if (!stat.isFile()) throw new FileError("EACCES");
      const id = identityOf(stat);
      await this.turns.take(id, async () => {
        const { nlink, size } = await handle.stat({ bigint: true });
        // Somebody has removed it meanwhile.
        if (nlink === 0n) throw new FileError("ENOENT");
        const change = { agent, area: this.tree.areaOf(`${root}/${path}`), id };
        if (truncate) await this.space.grow(change, -Number(size), () => handle.truncate(0));
        isKept = true;
        await this.handles.keep(handleOf(agent, { ...request, id }), handle);
      });
      return { id, path, type: "file" };
    } finally {
      if (!isKept) await handle.close();
    }
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
    return await this.handles.use(handleOf(agent, request), reopen, work);
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
        return await this.turns.take(request.id, () => this.write(agent, handle, request, bytes));
      case "size":
        return await this.turns.take(request.id, () => this.resize(agent, handle, request));
      case "fstat":
        return { stat: statOf(await handle.stat({ bigint: true })) };
      case "ftimes":
        await setTimes(await handle.stat({ bigint: true }), request, (accessed, modified) =>
          handle.utimes(accessed, modified),
        );
        return {};
      case "sync":
        await (request.data ? handle.datasync() : handle.sync());
        return {};
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

  private async growing<T>(
    agent: number,
    { root, path, id }: Open,
    more: number,
    work: () => Promise<T>,
  ): Promise<T> {
    const area = this.tree.areaOf(`${root}/${path}`);
    return await this.space.grow({ agent, area, id }, more, work);
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

/** Who empties a file writes to it once. */
const accessToOpen = ({ write, truncate }: { write: boolean; truncate: boolean }): number =>
  accessOf({ write: write || truncate });

/** By the root as well: a handle is good for those who may do so much in that folder, and for no others. */
function keyOf(agent: number, { root, id, write }: Pick<Open, "root" | "id" | "write">): string {
  return `${agent} ${id} ${write} ${root}`;
}

const handleOf = (agent: number, of: Pick<Open, "root" | "id" | "write">): HandleOf => ({
  ...{ agent, id: of.id },
  key: keyOf(agent, of),
});
