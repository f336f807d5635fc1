/**
 * Page tables of the kernel against the same in C, agents' memory against the bytes that nobody is
 * spared, and a TLB hit against a plain load.
 */
import type { Progress, Results } from "../measure.ts";
import { measureAgents } from "./agents.ts";
import { measurePaging } from "./paging.ts";
import { measureTlb } from "./tlb.ts";

export async function measureMemory(results: Results, progress: Progress): Promise<void> {
  await measurePaging(results, progress);
  await measureAgents(results, progress);
  await measureTlb(results, progress);
}
