/** Makes a guest that fails smaller while it still fails: fewer records, less code, no patches. */
import type { HostileGuest } from "./draw.ts";
import type { Kernel } from "./kernel.ts";

const HLT = 0xf4;

export async function shrink(
  guest: HostileGuest,
  fails: (smaller: HostileGuest) => Promise<boolean>,
): Promise<HostileGuest> {
  let best = guest;
  const attempt = async (kernel: Kernel): Promise<boolean> => {
    const smaller = { ...best, kernel };
    if (!(await fails(smaller))) return false;
    best = smaller;
    return true;
  };
  for (let size = Math.ceil(best.kernel.records.length / 2); size >= 1; size = Math.floor(size / 2))
    for (let from = 0; from < best.kernel.records.length; ) {
      const records = best.kernel.records.filter((_, n) => n < from || n >= from + size);
      if (!(await attempt({ ...best.kernel, records }))) from += size;
    }
  await attempt({ ...best.kernel, patches: [] });
  for (let size = best.kernel.code.length / 2; size >= 1; size = Math.floor(size / 2))
    for (let from = 0; from < best.kernel.code.length; from += size) {
      const { code } = best.kernel;
      if (code.subarray(from, from + size).every((byte) => byte === HLT)) continue;
      const changed = code.slice();
      changed.fill(HLT, from, from + size);
      await attempt({ ...best.kernel, code: changed });
    }
  return best;
}
