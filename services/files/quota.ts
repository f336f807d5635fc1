/**
 * How much an area may hold: bytes, as files' sizes say, and files. What agents do is added up; people change
 * files as well, so before anything is refused the area is counted again.
 */
import { lstat, readdir } from "node:fs/promises";
import { FileError } from "./errors.ts";
import type { Folder } from "./folder.ts";

export interface Budget {
  readonly bytes: number;
  readonly files: number;
}

export const DEFAULT_BUDGET: Budget = { bytes: 256 * 1024 * 1024, files: 10_000 };

export class Quota {
  private readonly budget: Budget;
  private readonly open: (area: string) => Promise<Folder>;
  private readonly used = new Map<string, { bytes: number; files: number }>();

  constructor(budget: Budget, open: (area: string) => Promise<Folder>) {
    this.budget = budget;
    this.open = open;
  }

  /** @throws FileError EDQUOT */
  async charge(area: string, bytes: number, files: number): Promise<void> {
    const { budget } = this;
    const fits = ({ bytes: had, files: have }: Budget): boolean =>
      (bytes <= 0 || had + bytes <= budget.bytes) && (files <= 0 || have + files <= budget.files);
    const known = this.used.get(area);
    const used = known && fits(known) ? known : await this.count(area);
    if (!fits(used)) throw new FileError("EDQUOT");
    this.used.set(area, { bytes: used.bytes + bytes, files: used.files + files });
  }

  /** A change has not come about. */
  giveBack(area: string, bytes: number, files: number): void {
    const used = this.used.get(area);
    if (used) this.used.set(area, { bytes: used.bytes - bytes, files: used.files - files });
  }

  private async count(area: string): Promise<{ bytes: number; files: number }> {
    const folder = await this.open(area);
    try {
      return await this.below(folder);
    } finally {
      await folder.close();
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
