/**
 * The package `aios`, the same in Node and browsers: the machine, its kernel's structures, and
 * the images it boots from. In Node, `aios/node` has disk images in files besides.
 */
export * from "../sim/host/index.ts";
export * from "./agent/index.ts";
export * from "./image/index.ts";
