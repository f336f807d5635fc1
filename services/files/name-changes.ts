/** Names in folders: made, moved and taken away, and what that gives and takes of an area. */
import { type BigIntStats, constants } from "node:fs";
import { link, lutimes, mkdir, rename, rmdir, symlink } from "node:fs/promises";
import type { FileAnswer, FileOp, FileRequest } from "../messages/files.ts";
import { FileError } from "./errors.ts";
import type { Handles } from "./handles.ts";
import { requireFolder, requireInside, unlinkFile } from "./names.ts";
import type { Space } from "./space.ts";
import { identityOf, setTimes, statAt } from "./stat.ts";
import type { Spot, Tree } from "./tree.ts";
import type { Turns } from "./turns.ts";

type Of<O extends FileOp> = Extract<FileRequest, { op: O }>;
type NameRequest = Of<"times" | "mkdir" | "rmdir" | "unlink" | "symlink" | "link" | "rename">;
type Done = FileAnswer;

const FOLDER_MODE = 0o700;
/** How often a name may become another file's, between two looks, before whoever asked is told to wait. */
const LOOKS_MAX = 16;

interface Parts {
  readonly tree: Tree;
  readonly handles: Handles;
  readonly space: Space;
  /** Of files. */
  readonly turns: Turns;
}

export class NameChanges {
  private readonly tree: Tree;
  private readonly handles: Handles;
  private readonly space: Space;
  private readonly turns: Turns;

  constructor({ tree, handles, space, turns }: Parts) {
    this.tree = tree;
    this.handles = handles;
    this.space = space;
    this.turns = turns;
  }

  /** @throws FileError, and what the host says */
  async run(agent: number, request: NameRequest): Promise<Done> {
    const follow = "follow" in request && request.follow;
    return await this.tree.walk(request.root, request.path, follow, async (spot) => {
      if (spot.folder.readOnly) throw new FileError("EROFS");
      const place = spot.folder.at(spot.name);
      switch (request.op) {
        case "times":
          await setTimes(await statAt(spot.folder, spot.name), request, (accessed, modified) =>
            lutimes(place, accessed, modified),
          );
          return {};
        case "mkdir":
          await this.named(request.root, spot, () => mkdir(place, { mode: FOLDER_MODE }));
          return {};
        case "symlink":
          requireInside(spot, request.target);
          await this.named(request.root, spot, () => symlink(request.target, place));
          return {};
        case "rmdir":
          if (spot.name === ".") throw new FileError("EINVAL");
          return await this.removed(agent, request.root, spot, () => rmdir(place));
        case "unlink":
          if (spot.mustBeFolder) await requireFolder(spot);
          return await this.removed(agent, request.root, spot, () => unlinkFile(spot));
        case "link":
          return await this.toOther(request, (other) => this.link(request.root, spot, other));
        case "rename":
          return await this.toOther(request, (other) =>
            this.rename(agent, request.root, spot, other),
          );
      }
    });
  }

  private async toOther(
    { root, to }: { root: string; to: string },
    work: (other: Spot) => Promise<Done>,
  ): Promise<Done> {
    return await this.tree.walk(root, to, false, async (other) => {
      if (other.folder.readOnly) throw new FileError("EROFS");
      return await work(other);
    });
  }

  private async link(root: string, from: Spot, to: Spot): Promise<Done> {
    if (to.mustBeFolder) throw new FileError("ENOENT");
    const make = () => link(from.folder.at(from.name), to.folder.at(to.name));
    return await this.alone(from, async () => {
      await this.named(root, to, make);
      return {};
    });
  }

  private async rename(agent: number, root: string, from: Spot, to: Spot): Promise<Done> {
    if (from.name === "." || to.name === ".") throw new FileError("EBUSY");
    const [area, other] = [this.areaOf(root, from), this.areaOf(root, to)];
    if (area !== other) throw new FileError("EXDEV");
    const moved = await statAt(from.folder, from.name);
    if (!moved.isDirectory() && (from.mustBeFolder || to.mustBeFolder))
      throw new FileError("ENOTDIR");
    const move = () => rename(from.folder.at(from.name), to.folder.at(to.name));
    const replaced = await statAt(to.folder, to.name).catch(() => null);
    if (!replaced || identityOf(replaced) === identityOf(moved)) await move();
    else
      await this.removed(agent, root, to, move).catch((error: { code?: string }) => {
        // What was to be replaced has gone, or what was to be moved: the host says which.
        if (error.code === "ENOENT") return move();
        throw error;
      });
    if (moved.isDirectory()) this.space.moved(this.placeOf(root, from), this.placeOf(root, to));
    return {};
  }

  /** Another name in an area. */
  async named<T>(root: string, spot: Spot, work: () => Promise<T>): Promise<T> {
    return await this.space.name(this.areaOf(root, spot), work);
  }

  /** By `work` what has a name loses it. */
  private async removed(
    agent: number,
    root: string,
    spot: Spot,
    work: () => Promise<unknown>,
  ): Promise<Done> {
    const area = this.areaOf(root, spot);
    return await this.alone(spot, async ({ size, nlink, ...stat }, id) => {
      const isLast = nlink === 1n && (Number(stat.mode) & constants.S_IFMT) === constants.S_IFREG;
      const file = { bytes: isLast ? Number(size) : 0, isOpen: () => this.handles.isOpen(id) };
      await this.space.remove({ agent, area, id }, file, work);
      return {};
    });
  }

  /** Work on what has a name, while it keeps that, its size and its other names, as far as agents are concerned. */
  private async alone<T>(
    { folder, name }: Spot,
    work: (stat: BigIntStats, id: string) => Promise<T>,
  ): Promise<T> {
    for (let looks = 0; looks < LOOKS_MAX; looks++) {
      const id = identityOf(await statAt(folder, name));
      const done = await this.turns.take(id, async () => {
        const stat = await statAt(folder, name);
        return identityOf(stat) === id ? { result: await work(stat, id) } : null;
      });
      if (done) return done.result;
    }
    throw new FileError("EBUSY");
  }

  private areaOf(root: string, spot: Spot): string {
    return this.tree.areaOf(this.placeOf(root, spot));
  }

  /** In the tree. */
  private placeOf(root: string, { path }: Spot): string {
    const names = [...root.split("/"), ...path.split("/")];
    return `/${names.filter((name) => name !== "" && name !== ".").join("/")}`;
  }
}
