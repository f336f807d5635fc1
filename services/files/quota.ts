/**
 * How much an area may hold: bytes, as files' sizes say, and files. What agents do is added up; people change
 * files as well, so before anything is refused the area is counted again.
 */
import { lstat, readdir } from "node:fs/promises";
import { FileError } from "./errors.ts";
import type { Folder } from "./folder.ts";

export interface Budget {
  bytes: number;
  files: number;
}

export const DEFAULT_BUDGET: Budget = { bytes: 256 * 1024 * 1024, files: 10_000 };

interface Area {
  /** Null before it has been counted. */
  used: Budget | null;
  /** Changes whose room is taken, and that may not be in the folder yet. */
  changes: number;
  /** It is being counted, while nothing is changed. */
  counting: Promise<void> | null;
  idle: () => void;
  /** Its folder has become another one since it was begun to be counted. */
  isOther: boolean;
}

const isNothing = ({ bytes, files }: Budget): boolean => bytes === 0 && files === 0;

export class Quota {
  private readonly budget: Budget;
  private readonly open: (area: string) => Promise<Folder>;
  private readonly hidden: (area: string) => number;
  private readonly areas = new Map<string, Area>();

  /** `open` an area's folder; `hidden`: bytes that are the area's and have no name in it. */
  constructor(
    budget: Budget,
    open: (area: string) => Promise<Folder>,
    hidden: (area: string) => number,
  ) {
    this.budget = budget;
    this.open = open;
    this.hidden = hidden;
  }

  /** Does work that adds so much; what it takes away it gives back itself. @throws FileError EDQUOT */
  async change<T>(area: string, more: Budget, work: () => Promise<T>): Promise<T> {
    const it = await this.begin(area, more);
    try {
      return await work();
    } catch (error) {
      this.giveBack(area, more.bytes, more.files);
      throw error;
    } finally {
      if (--it.changes === 0) it.idle();
    }
  }

  giveBack(area: string, bytes: number, files: number): void {
    const used = this.areas.get(area)?.used;
    if (!used) return;
    used.bytes -= bytes;
    used.files -= files;
  }

  /** Takes the room. What is counted is counted without changes under way, or one of them could be missed. */
  private async begin(area: string, more: Budget): Promise<Area> {
    const it = this.areaOf(area);
    for (let counted = false; ; counted = true) {
      while (it.counting) await it.counting;
      if (isNothing(more) || (it.used && this.fits(it.used, more))) break;
      if (counted) throw new FileError("EDQUOT");
      it.counting = this.count(area, it).finally(() => {
        it.counting = null;
      });
    }
    it.changes++;
    if (it.used) {
      it.used.bytes += more.bytes;
      it.used.files += more.files;
    }
    return it;
  }

  private areaOf(area: string): Area {
    const known = this.areas.get(area);
    if (known) return known;
    const it: Area = { used: null, changes: 0, counting: null, idle: () => {}, isOther: false };
    this.areas.set(area, it);
    return it;
  }

  private fits(used: Budget, more: Budget): boolean {
    const { bytes, files } = this.budget;
    return (
      (more.bytes <= 0 || used.bytes + more.bytes <= bytes) &&
      (more.files <= 0 || used.files + more.files <= files)
    );
  }

  private async count(area: string, it: Area): Promise<void> {
    if (it.changes > 0)
      await new Promise<void>((resolve) => {
        it.idle = resolve;
      });
    do {
      it.isOther = false;
      const folder = await this.open(area);
      try {
        const { bytes, files } = await this.below(folder);
        it.used = { bytes: bytes + this.hidden(area), files };
      } finally {
        await folder.close();
      }
    } while (it.isOther);
  }

  /** What was a folder's may be another's now, with all below it: it is counted again. */
  moved(folder: string): void {
    for (const [area, it] of this.areas) {
      if (area !== folder && !area.startsWith(`${folder}/`)) continue;
      it.used = null;
      it.isOther = true;
    }
  }

  private async below(folder: Folder): Promise<{ bytes: number; files: number }> {
    const sum = { bytes: 0, files: 0 };
    for (const entry of await readdir(folder.at("."), { withFileTypes: true })) {
      sum.files++;
      // Between two looks things may have gone: they count no more.
      if (entry.isFile())
        sum.bytes += await lstat(folder.at(entry.name)).then(
          ({ size }) => size,
          () => 0,
        );
      if (!entry.isDirectory()) continue;
      const inner = await folder.folder(entry.name).catch(() => null);
      if (!inner) continue;
      const more = await this.below(inner).finally(() => inner.close());
      sum.bytes += more.bytes;
      sum.files += more.files;
    }
    return sum;
  }
}
