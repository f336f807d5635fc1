/** Images of agents, as entries of a boot bundle (kernel/agent/image_format.ts). */
import {
  IMAGE_CONTENT,
  IMAGE_HEADER_BYTES,
  IMAGE_MAGIC_HIGH,
  IMAGE_MAGIC_LOW,
} from "../../kernel/agent/image_format.ts";
import { programNumber } from "../../sim/host/programs.ts";
import { RUNTIME_HOST, RUNTIME_SYNTHETIC } from "../../sim/spec/user.ts";
import { ImageError } from "./errors.ts";

const SHA256_BYTES = 32;
/** Text of an image: 4,096 pages (kernel/limits.ts). */
export const AGENT_TEXT_BYTES_MAX = 4096 * 4096;

export type AgentImageOptions =
  /** TypeScript that the host runs: a program's name, or its number. */
  | {
      readonly runtime: "host";
      readonly program: string | number;
      readonly text?: Uint8Array;
      /** SHA-256 that says what the program runs. Default zeroes. */
      readonly content?: Uint8Array;
    }
  /** Synthetic instructions (sim/spec/synthetic.ts), which begin at `entry` bytes into the text. */
  | { readonly runtime: "synthetic"; readonly text: Uint8Array; readonly entry?: number };

/**
 * The bytes of an image. Its text is mapped read-only at IMAGE_BASE in every agent that runs it.
 * @throws ImageError agent-image
 */
export function agentImage(options: AgentImageOptions): Uint8Array {
  const text = options.text ?? new Uint8Array();
  const entry = options.runtime === "synthetic" ? (options.entry ?? 0) : 0;
  if (text.length > AGENT_TEXT_BYTES_MAX)
    throw new ImageError(
      "agent-image",
      null,
      `${text.length} bytes of text; ${AGENT_TEXT_BYTES_MAX} at most`,
    );
  if (!Number.isInteger(entry) || entry < 0 || entry > text.length)
    throw new ImageError(
      "agent-image",
      null,
      `entry ${entry} is not in the ${text.length} bytes of text`,
    );
  const image = new Uint8Array(IMAGE_HEADER_BYTES + text.length);
  const header = new DataView(image.buffer);
  header.setUint32(0, IMAGE_MAGIC_LOW, true);
  header.setUint32(4, IMAGE_MAGIC_HIGH, true);
  header.setUint32(8, options.runtime === "host" ? RUNTIME_HOST : RUNTIME_SYNTHETIC, true);
  header.setUint32(12, options.runtime === "host" ? numberOf(options.program) : 0, true);
  header.setBigUint64(16, BigInt(entry), true);
  if (options.runtime === "host" && options.content)
    image.set(contentOf(options.content), IMAGE_CONTENT);
  image.set(text, IMAGE_HEADER_BYTES);
  return image;
}

function contentOf(content: Uint8Array): Uint8Array {
  if (content.length === SHA256_BYTES) return content;
  throw new ImageError("agent-image", null, `a digest of ${content.length} bytes for the content`);
}

function numberOf(program: string | number): number {
  if (typeof program === "string") return programNumber(program);
  if (Number.isInteger(program) && program >= 0 && program <= 0xffff_ffff) return program;
  throw new ImageError("agent-image", null, `program ${program} is no number of 32 bits`);
}
