import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{sim,hal,kernel,services,sdk,bench,docs,examples}/**/*.test.ts"],
    env: { AIOS_BUILD: "debug" },
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
