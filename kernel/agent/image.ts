/** What an agent executes: text that its pages come from, and where it begins. */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { RUNTIME_NATIVE } from "../../sim/spec/user";
import { IMAGE_PAGES_MAX } from "../limits";
import { frameAllocZeroed, frameFree, orderFor, OWNER_AGENT } from "../mm/frames";
import { imageMap } from "../mm/image_tables";
import { KIND_IMAGE } from "../object/kinds";
import { KernelObject, objectAllocate, objectFree } from "../object/slab";
import { kernel, Ptr } from "../state";
import { Agent } from "./agent";
import { ELF_SUMMARY_BYTES, elfLoad, elfRead, ElfSummary, summarySegment } from "./elf";
import { ELF_OK } from "./elf_errors";
import {
  IMAGE_BASE,
  IMAGE_HEADER_BYTES,
  IMAGE_MAGIC_HIGH,
  IMAGE_MAGIC_LOW,
} from "./image_format";

@unmanaged
export class Image extends KernelObject {
  /** Agents that run it, and the boot bundle that holds it. */
  references: u32;
  /** RUNTIME_… of sim/spec/user.ts. */
  runtime: u32;
  /** Number of the program, for the host's runtime. */
  program: u32;
  pages: u32;
  /** ELF_… of elf_errors.ts: why it can't be run. */
  refused: u32;
  /** Physical address of the text: whole pages, contiguous. */
  text: u64;
  /** Tables that map it (mm/image_tables.ts): the top level, and the one for the first GiB. */
  root: u64;
  directory: u64;
  /** Where the text is mapped, and where it begins. */
  base: u64;
  entry: u64;
  /** What its agents find on their stacks (arguments.ts): strings with their ends, one after the other. */
  arguments: usize;
  argumentBytes: u32;
  argumentCount: u32;
  environment: usize;
  environmentBytes: u32;
  environmentCount: u32;
  /** Name in the bundle, and the image after it. */
  name: usize;
  nameBytes: u32;
  next: Ptr<Image>;
}

/** Bytes of an image's slot: the record, and what an ELF file says. */
export const IMAGE_BYTES: u32 = ((offsetof<Image>() + 7) & ~7) + <u32>ELF_SUMMARY_BYTES;

/** The segments of a native image. */
@inline
export function elfOf(image: Image): ElfSummary {
  return changetype<ElfSummary>(changetype<usize>(image) + ((offsetof<Image>() + 7) & ~7));
}

/** Whether the agent is machine code. */
@inline
export function isNative(agent: Agent): bool {
  return changetype<Image>(agent.image).runtime == RUNTIME_NATIVE;
}

/** What stands at the begin of an image's bytes. */
@unmanaged
class ImageHeader {
  magicLow: u32;
  magicHigh: u32;
  runtime: u32;
  program: u32;
  entry: u64;
}

/** Number of runtimes that an image may ask for. */
const RUNTIMES: u32 = 2;

/** Whether the `bytes` bytes at linear address `at` are an image. */
export function imageValid(at: usize, bytes: u64): bool {
  if (bytes < <u64>IMAGE_HEADER_BYTES) return false;
  const header = changetype<ImageHeader>(at);
  const text = bytes - <u64>IMAGE_HEADER_BYTES;
  return (
    header.magicLow == IMAGE_MAGIC_LOW &&
    header.magicHigh == IMAGE_MAGIC_HIGH &&
    header.runtime < RUNTIMES &&
    header.entry <= text &&
    text <= <u64>IMAGE_PAGES_MAX * PAGE_BYTES
  );
}

/** Makes an image of the valid `bytes` bytes at `at`; 0 when the table is full or RAM is short. */
export function imageCreate(at: usize, bytes: u64): usize {
  const slot = objectAllocate(KIND_IMAGE, 0);
  if (slot == 0) return 0;
  const image = changetype<Image>(slot);
  const header = changetype<ImageHeader>(at);
  const textBytes = bytes - <u64>IMAGE_HEADER_BYTES;
  image.pages = <u32>((textBytes + PAGE_BYTES - 1) / PAGE_BYTES);
  if (image.pages != 0) {
    image.text = frameAllocZeroed(orderFor(textBytes), OWNER_AGENT);
    if (image.text == 0) {
      objectFree(slot);
      return 0;
    }
    memory.copy(pointer(image.text), at + IMAGE_HEADER_BYTES, <usize>textBytes);
  }
  image.runtime = header.runtime;
  image.program = header.program;
  image.base = IMAGE_BASE;
  image.entry = <u64>IMAGE_BASE + header.entry;
  if (!imageMap(image)) {
    frameFree(image.text);
    objectFree(slot);
    return 0;
  }
  image.references = 1;
  return slot;
}

/** Reads the `bytes` bytes at `at`, an ELF file, into a new image: 0, and the reason in `elfError`. */
export function nativeCreate(at: usize, bytes: u64): usize {
  const slot = objectAllocate(KIND_IMAGE, 0);
  if (slot == 0) return 0;
  const image = changetype<Image>(slot);
  const summary = elfOf(image);
  image.refused = elfRead(at, bytes, summary);
  if (image.refused != ELF_OK) return slot;
  image.runtime = RUNTIME_NATIVE;
  image.entry = summary.entry;
  image.text = frameAllocZeroed(orderFor(<u64>summary.pages * PAGE_BYTES), OWNER_AGENT);
  if (image.text == 0) {
    objectFree(slot);
    return 0;
  }
  let frame = image.text;
  for (let index: u32 = 0; index < summary.count; index++) {
    const segment = summarySegment(summary, index);
    segment.frames = frame;
    frame += <u64>segment.pages * PAGE_BYTES;
  }
  elfLoad(at, summary);
  kernel().machineCode = 1;
  image.references = 1;
  return slot;
}
