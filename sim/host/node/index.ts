/** The entry for Node: all of the portable entry. */
export * from "../index.ts";
