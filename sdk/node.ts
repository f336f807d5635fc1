/** The package `aios` in Node: all of the portable entry, and disk images in files. */
export * from "../sim/host/node/index.ts";
export * from "./agent/index.ts";
export * from "./image/index.ts";
