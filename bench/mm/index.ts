/** Page tables of the kernel against the same in C, and a TLB hit against a plain load. */
import type { Progress, Results } from "../measure.ts";
import { measurePaging } from "./paging.ts";
import { measureTlb } from "./tlb.ts";

export async function measureMemory(results: Results, progress: Progress): Promise<void> {
  await measurePaging(results, progress);
  await measureTlb(results, progress);
}
