/** The entry for Node: all of the portable entry, and disk images in files. */
export * from "../index.ts";
export { type FileDriveOptions, fileDrive } from "./file.ts";
