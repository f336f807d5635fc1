/** What is asked of names before the host is. */
import { unlink } from "node:fs/promises";
import { FileError } from "./errors.ts";
import { statAt } from "./stat.ts";
import type { Spot } from "./tree.ts";

/** A link that is made here leads nowhere outside of the root, whatever is put in its way later. */
export function requireInside({ path }: Spot, target: string): void {
  if (target === "") throw new FileError("ENOENT");
  if (target.startsWith("/") || target.includes("\0")) throw new FileError("ENOTCAPABLE");
  let depth = path.split("/").length - 1;
  for (const part of target.split("/")) {
    if (part === "" || part === ".") continue;
    depth += part === ".." ? -1 : 1;
    if (depth < 0) throw new FileError("ENOTCAPABLE");
  }
}

export async function unlinkFile({ folder, name }: Spot): Promise<void> {
  if ((await statAt(folder, name)).isDirectory()) throw new FileError("EISDIR");
  await unlink(folder.at(name));
}

export async function requireFolder({ folder, name }: Spot): Promise<void> {
  if (!(await statAt(folder, name)).isDirectory()) throw new FileError("ENOTDIR");
}
