/** Names and limits of agents' images. OCI image specification 1.1. */

/** Files of an image layout (image-layout.md). */
export const LAYOUT_FILE = "oci-layout";
export const INDEX_FILE = "index.json";
export const BLOBS_FOLDER = "blobs/sha256";
export const LAYOUT_VERSION = "1.0.0";

export const INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
export const MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
/** What the artifact is, and the type of the configuration that says the rest. */
export const ARTIFACT_TYPE = "application/vnd.aios.agent.v1";
export const CONFIG_TYPE = "application/vnd.aios.agent.config.v1+json";

/** Annotations (annotations.md) that other tools show. */
export const ANNOTATION_TITLE = "org.opencontainers.image.title";
export const ANNOTATION_VERSION = "org.opencontainers.image.version";
export const ANNOTATION_CREATED = "org.opencontainers.image.created";
export const ANNOTATION_REF = "org.opencontainers.image.ref.name";

/** Who runs the code, and the type of the layer that holds it. */
export const RUNTIMES = ["wasm", "quickjs", "native", "host"] as const;
export type RuntimeKind = (typeof RUNTIMES)[number];
export const CODE_TYPES: Readonly<Record<RuntimeKind, string>> = {
  wasm: "application/wasm",
  quickjs: "text/javascript",
  native: "application/x-executable",
  // A program of the host is known there by its name: the layer is empty.
  host: "application/vnd.aios.agent.host.v1",
};

/** Code: what the kernel takes as the text of an image (kernel/limits.ts, IMAGE_PAGES_MAX). */
export const CODE_BYTES_MAX = 16 * 1024 * 1024;
/** Each of the JSON documents. */
export const DOCUMENT_BYTES_MAX = 64 * 1024;
/** Entries of the archive: five files, three folders, and room for headers that say nothing. */
export const ARCHIVE_ENTRIES_MAX = 64;
/** Code, three documents, headers and the zeros at the end. */
export const ARCHIVE_BYTES_MAX = CODE_BYTES_MAX + 1024 * 1024;

/** Limits that an agent may ask for (kernel/limits.ts, kernel/sched/entity.ts, services/messages/api.ts). */
export const MEMORY_BYTES_MIN = 64 * 1024;
export const MEMORY_BYTES_MAX = 1024 ** 3;
export const HANDLES_MAX = 1024;
export const MESSAGES_MAX = 256;
export const WEIGHT_MAX = 65_536;
/** Thousandths of a processor: one whole. */
export const MILLI_CPU_MAX = 1000;
export const STORAGE_BYTES_MAX = 1024 ** 4;
/** A name is one that an agent may have as well (services/messages/api.ts). */
export const NAME_CHARACTERS_MAX = 31;
/** Arguments and environment (kernel/agent/elf_format.ts). */
export const STRINGS_MAX = 256;
export const STRING_BYTES_MAX = 16_384;
