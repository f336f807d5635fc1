/** The sequences of random.test.ts, many more of them and from another seed. */
process.env.AIOS_MODEL_RUNS ??= "100";
process.env.AIOS_MODEL_SEED ??= "500000";
await import("./random.test.ts");
