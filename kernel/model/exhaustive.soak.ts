/** The walks of exhaustive.test.ts, one level deeper. */
process.env.AIOS_MODEL_DEPTH = "3";
await import("./exhaustive.test.ts");
