/** Machine code: kernels bare metal, guests, agents. */
import type { Progress, Results } from "../measure.ts";
import { measureNativeAgents } from "./agent.ts";
import { measureBoot } from "./boot.ts";
import { measureKernels } from "./kernels.ts";

export async function measureCpu(results: Results, progress: Progress): Promise<void> {
  await measureKernels(results, progress);
  await measureBoot(results, progress);
  await measureNativeAgents(results, progress);
}
