/** An agent's descriptors: plain data, so that its state is. */
import * as wasi from "./wasi_constants.ts";
import { Refusal } from "./wasi_memory.ts";

interface Rights {
  readonly rights: bigint;
  /** What is opened through it can have no others. */
  readonly inheriting: bigint;
  readonly flags: number;
}

export interface Stream extends Rights {
  readonly kind: "stream";
  /** 0 to 2: its place in what the agent was given. */
  readonly stream: number;
}

/** A file or a folder: the scope's folder, the path below that, and which file that was. */
export interface Opened extends Rights {
  readonly kind: "file" | "folder";
  readonly root: string;
  readonly path: string;
  readonly id: string;
  readonly offset: number;
  /** It may be written to. */
  readonly write: boolean;
  /** For a folder that the agent has from its birth: its name. */
  readonly preopened: string | null;
}

export type Descriptor = Stream | Opened;

const DESCRIPTORS_MAX = 1024;
/** Programs look for what they have been given from here on. */
const FIRST_OPENED = 3;

export class Table {
  private all: (Descriptor | null)[];

  constructor(all: readonly (Descriptor | null)[]) {
    this.all = [...all];
  }

  get state(): readonly (Descriptor | null)[] {
    return [...this.all];
  }

  set state(all: readonly (Descriptor | null)[]) {
    this.all = [...all];
  }

  /** @throws Refusal BADF */
  get(fd: number): Descriptor {
    const it = this.all[fd];
    if (!it) throw new Refusal(wasi.ERRNO_BADF);
    return it;
  }

  /** A file or folder that may be used for it. @throws Refusal BADF, NOTCAPABLE, `ofStream` */
  opened(fd: number, needed: bigint, ofStream: number = wasi.ERRNO_NOTCAPABLE): Opened {
    const it = this.get(fd);
    if (it.kind === "stream") throw new Refusal(ofStream);
    return allowed(it, needed);
  }

  /** @throws Refusal BADF, NOTDIR, NOTCAPABLE */
  folder(fd: number, needed: bigint): Opened {
    const it = this.get(fd);
    if (it.kind !== "folder") throw new Refusal(wasi.ERRNO_NOTDIR);
    return allowed(it, needed);
  }

  set(fd: number, it: Descriptor | null): void {
    this.all[fd] = it;
  }

  /** The lowest number that is free. @throws Refusal MFILE */
  free(): number {
    let fd = FIRST_OPENED;
    while (this.all[fd]) fd++;
    if (fd >= DESCRIPTORS_MAX) throw new Refusal(wasi.ERRNO_MFILE);
    return fd;
  }

  /** Whether another descriptor is of the same file. */
  shares(fd: number, { id, root, write }: Opened): boolean {
    return this.all.some(
      (it, other) =>
        other !== fd &&
        it?.kind === "file" &&
        it.id === id &&
        it.root === root &&
        it.write === write,
    );
  }
}

export function allowed<D extends Descriptor>(it: D, needed: bigint): D {
  if ((it.rights & needed) !== needed) throw new Refusal(wasi.ERRNO_NOTCAPABLE);
  return it;
}
