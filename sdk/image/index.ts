/** Disk images: GUID partition tables, cpio archives, boot bundles. Runs in Node and browsers. */
export { AGENT_TEXT_BYTES_MAX, type AgentImageOptions, agentImage } from "./agent-image.ts";
export * from "./boot-image.ts";
export {
  BUNDLE_BYTES_MAX,
  BUNDLE_ENTRIES_MAX,
  BUNDLE_MANIFEST,
  BUNDLE_NAME_BYTES_MAX,
  type Bundle,
  type BundleEntry,
  type BundleFoundEntry,
  buildBundle,
  readBundle,
} from "./bundle.ts";
export {
  type CpioArchive,
  type CpioEntry,
  type CpioFoundEntry,
  readCpio,
  writeCpio,
} from "./cpio.ts";
export { ImageError, type ImageErrorCode, type ImagePlace } from "./errors.ts";
export * from "./gpt.ts";
export { guidFromBytes, guidToBytes } from "./guid.ts";
export type { ImageSource } from "./source.ts";
