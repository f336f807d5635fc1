/** Folders of the host in the tree of files, as the owner of a system names them; held against mistakes. */
import { realpathSync, statSync } from "node:fs";
import { resolve, sep } from "node:path";
import type { Mount } from "../files/tree.ts";
import { RequestError } from "../messages/errors.ts";
import { Mount as AgentMount } from "../messages/mounts.ts";

/**
 * With absolute paths of the host. A folder with the state directory in it would give agents the owner's token.
 * @throws RequestError bad-request, which names the mount
 */
export function hostFolders(mounts: readonly Mount[], state: string): Mount[] {
  const places = new Set<string>();
  return mounts.map((mount) => {
    const refuse = (why: string) =>
      new RequestError("bad-request", `mount ${mount.host}:${mount.at}: ${why}`);
    const host = resolve(mount.host);
    const named = AgentMount.shape.source.safeParse(mount.at);
    if (!named.success) throw refuse(named.error.issues[0]?.message ?? "no folder");
    if (mount.at === "/") throw refuse("a folder below / is meant, like /projects/demo");
    if (places.has(mount.at)) throw refuse(`there are two at ${mount.at}`);
    places.add(mount.at);
    if (!statSync(host, { throwIfNoEntry: false })?.isDirectory())
      throw refuse("there is no such folder");
    if (
      isWithin(realpathSync(state), realpathSync(host)) ||
      isWithin(realpathSync(host), realpathSync(state))
    )
      throw refuse(`the state directory, ${state}, is nothing for agents`);
    return { ...mount, host };
  });
}

const isWithin = (path: string, folder: string): boolean =>
  `${path}${sep}`.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`);
