/**
 * The tree of files as agents see it: the state directory's folder `files`, and folders of the host that
 * have been put into it. A path is walked a name at a time, with each folder on the way held open; links
 * are read and walked, too, and none leads out of the root that the walk has begun at.
 */
import { lstat, mkdir, readlink } from "node:fs/promises";
import { join } from "node:path";
import { FileError } from "./errors.ts";
import { Folder } from "./folder.ts";

/** A folder of the host in the tree. */
export interface Mount {
  /** Where it is in the tree, /projects/demo. */
  readonly at: string;
  /** Where it is on the host. */
  readonly host: string;
  readonly readOnly: boolean;
}

const LINKS_MAX = 32;
const FOLDER_MODE = 0o700;

/** A name in a folder; "." is the folder itself. There may be nothing of this name. */
export interface Spot {
  readonly folder: Folder;
  readonly name: string;
  /** From the root, without links. */
  readonly path: string;
  readonly mustBeFolder: boolean;
}

const namesOf = (path: string): string[] => path.split("/").filter((part) => part !== "");
const isNothing = (part: string): boolean => part === "" || part === ".";

export class Tree {
  private readonly base: string;
  private readonly mounts: Map<string, Mount>;

  constructor(base: string, mounts: readonly Mount[]) {
    this.base = base;
    this.mounts = new Map(mounts.map((mount) => [`/${namesOf(mount.at).join("/")}`, mount]));
  }

  /** The folders that mounts cover are there to be listed. */
  async prepare(): Promise<void> {
    await mkdir(this.base, { recursive: true, mode: FOLDER_MODE });
    for (const at of this.mounts.keys())
      await mkdir(join(this.base, ...namesOf(at)), { recursive: true, mode: FOLDER_MODE });
  }

  /** What has a budget of its own and the path is in: a mount, or a project's folder. */
  areaOf(path: string): string {
    const names = namesOf(path);
    for (let count = names.length - 1; count > 0; count--) {
      const at = `/${names.slice(0, count).join("/")}`;
      if (this.mounts.has(at)) return at;
    }
    return `/${names.slice(0, Math.min(2, names.length - 1)).join("/")}`;
  }

  /** The folder of a scope; one in the state directory is made if it isn't there. */
  async root(path: string): Promise<Folder> {
    let folder = await Folder.root(this.base, false);
    const names: string[] = [];
    for (const name of namesOf(path)) {
      names.push(name);
      const inside = folder;
      try {
        folder = await this.rootStep(inside, name, `/${names.join("/")}`);
      } finally {
        await inside.close();
      }
    }
    return folder;
  }

  private async rootStep(folder: Folder, name: string, at: string): Promise<Folder> {
    const mount = this.mounts.get(at);
    if (mount) return await Folder.root(mount.host, mount.readOnly);
    if (!folder.readOnly)
      await mkdir(folder.at(name), { mode: FOLDER_MODE }).catch((error: { code?: string }) => {
        if (error.code !== "EEXIST") throw error;
      });
    return await folder.folder(name);
  }

  /** Walks a path, and gives what it leads to to `work`. @throws FileError and what the host says */
  async walk<T>(
    root: string,
    path: string,
    follow: boolean,
    work: (spot: Spot) => Promise<T>,
  ): Promise<T> {
    const walk = new Walk(this.mounts, root, await this.root(root));
    try {
      return await work(await walk.to(path, follow));
    } finally {
      await walk.close();
    }
  }
}

class Walk {
  private readonly mounts: ReadonlyMap<string, Mount>;
  private readonly root: readonly string[];
  /** From the root down, and their names. */
  private readonly folders: Folder[];
  private readonly names: string[] = [];
  private links = 0;

  constructor(mounts: ReadonlyMap<string, Mount>, root: string, folder: Folder) {
    this.mounts = mounts;
    this.root = namesOf(root);
    this.folders = [folder];
  }

  async to(path: string, follow: boolean): Promise<Spot> {
    if (path === "") throw new FileError("ENOENT");
    if (path.includes("\0")) throw new FileError("EINVAL");
    if (path.startsWith("/")) throw new FileError("ENOTCAPABLE");
    let parts = path.split("/");
    const mustBeFolder = isNothing(parts.at(-1) ?? "");
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
      if (isNothing(part)) continue;
      const isLast = parts.every(isNothing);
      if (part === "..") await this.up();
      else {
        const target = await this.linkAt(part, !isLast || follow || mustBeFolder);
        if (target !== null) parts = [...this.linked(target), ...parts];
        else if (isLast && !this.mountAt(part)) return this.spot(part, mustBeFolder);
        else await this.down(part);
      }
    }
    return this.spot(".", true);
  }

  async close(): Promise<void> {
    for (const folder of this.folders.splice(0)) await folder.close();
  }

  private get top(): Folder {
    const top = this.folders.at(-1);
    if (!top) throw new FileError("ENOTCAPABLE");
    return top;
  }

  private spot(name: string, mustBeFolder: boolean): Spot {
    const names = name === "." ? this.names : [...this.names, name];
    return { folder: this.top, name, path: names.join("/") || ".", mustBeFolder };
  }

  private mountAt(name: string): Mount | undefined {
    return this.mounts.get(`/${[...this.root, ...this.names, name].join("/")}`);
  }

  /** Where a link leads; null for what is none or isn't to be followed. */
  private async linkAt(name: string, follow: boolean): Promise<string | null> {
    if (!follow || this.mountAt(name)) return null;
    const place = this.top.at(name);
    const found = await lstat(place).catch((error: { code?: string }) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    return found?.isSymbolicLink() ? await readlink(place) : null;
  }

  private linked(target: string): string[] {
    if (++this.links > LINKS_MAX) throw new FileError("ELOOP");
    if (target.startsWith("/")) throw new FileError("ENOTCAPABLE");
    return target.split("/");
  }

  private async down(name: string): Promise<void> {
    const mount = this.mountAt(name);
    const next = mount
      ? await Folder.root(mount.host, mount.readOnly)
      : await this.top.folder(name);
    this.folders.push(next);
    this.names.push(name);
  }

  private async up(): Promise<void> {
    if (this.names.length === 0) throw new FileError("ENOTCAPABLE");
    this.names.pop();
    await this.folders.pop()?.close();
  }
}
