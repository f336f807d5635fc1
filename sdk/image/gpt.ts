/** GUID partition tables (UEFI 2.10, 5.3): reading and writing. */
export {
  BLOCK_BYTES_SUPPORTED,
  type GptPartition,
  LINUX_FILESYSTEM_GUID,
} from "./gpt-format.ts";
export { detectBlockBytes, type Gpt, readGpt } from "./gpt-read.ts";
export {
  type GptPartitionRequest,
  type GptWriteOptions,
  PARTITION_ALIGNMENT_BYTES,
  usableRange,
  writeGpt,
} from "./gpt-write.ts";
