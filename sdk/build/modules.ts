/** The WebAssembly modules of the project. */
import type { Module } from "./compile.ts";

export const MODULES: readonly Module[] = [
  { name: "sim", entry: "sim/core/index.ts", views: "sim/host/views.generated.ts" },
  { name: "kernel", entry: "kernel/index.ts", views: "kernel/host/views.generated.ts" },
  {
    name: "hal-testing",
    entry: "hal/testing/index.ts",
    views: "hal/testing/views.generated.ts",
    testing: true,
  },
  { name: "hal-agents", entry: "hal/testing/agents.ts", testing: true },
  { name: "kernel-testing", entry: "kernel/testing/index.ts", testing: true },
  { name: "kernel-reads", entry: "kernel/testing/reads.ts", testing: true },
  { name: "sim-testing", entry: "sim/core/testing.ts", testing: true },
];
