import { defineConfig } from "vitest/config";

/** Long runs of the property tests and sweeps: `npm run soak`. */
export default defineConfig({
  test: {
    include: ["{sim,hal,kernel,services,sdk,bench,docs}/**/*.soak.ts"],
    env: { AIOS_BUILD: "debug" },
    testTimeout: 1_800_000,
    hookTimeout: 120_000,
  },
});
