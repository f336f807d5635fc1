/** Images of agents: built, read and verified. Runs in Node and browsers; node.ts has them in files. */
export { type AgentFile, agentFileSchema, readAgentFile } from "./agent-file.ts";
export {
  type BuildInput,
  type BuiltImage,
  type Bundled,
  type Bundler,
  buildImage,
} from "./build.ts";
export { checkCode, kernelImage } from "./code.ts";
export { OciError, type OciErrorCode } from "./errors.ts";
export { RUNTIMES, type RuntimeKind } from "./media.ts";
export { type AgentImage, readImage, verifyImage } from "./read.ts";
export { type AgentConfig, type AgentLimits, configSchema, type OciManifest } from "./schema.ts";
export { type WriteOptions, type WrittenImage, writeImage } from "./write.ts";
