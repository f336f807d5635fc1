/** What an agent executes: text that its pages come from, and where it begins. */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { RUNTIME_NATIVE } from "../../sim/spec/user";
import { IMAGE_PAGES_MAX } from "../limits";
import { codeWritten } from "../mm/code";
import { frameAllocZeroed, frameFree, orderFor, OWNER_AGENT } from "../mm/frames";
import { imageMap, imageUnmap } from "../mm/image_tables";
import { Pool, poolDrop, poolRelease } from "../mm/pool";
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
  /** Agents that run it, and the boot bundle that holds it; capabilities that name it. */
  references: u32;
  names: u32;
  /** 1 as long as an agent makes it: nobody can run it. */
  building: u32;
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
  /** SHA-256 of its bytes. */
  digest0: u64;
  digest1: u64;
  digest2: u64;
  digest3: u64;
  /** For one that an agent has made (image_make.ts): who pays, and how much; 0 for the bundle's. */
  pool: Ptr<Pool>;
  charged: u64;
  /** Its file: physical address of the block of frames, bytes that it is to have, and that it has. */
  file: u64;
  fileBytes: u64;
  filled: u64;
}

/** Address of its digest's 32 bytes. */
@inline
export function digestOf(image: Image): usize {
  return changetype<usize>(image) + offsetof<Image>("digest0");
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
  const textBytes = bytes - <u64>IMAGE_HEADER_BYTES;
  if (textBytes != 0) {
    image.text = frameAllocZeroed(orderFor(textBytes), OWNER_AGENT);
    if (image.text == 0) {
      objectFree(slot);
      return 0;
    }
    memory.copy(pointer(image.text), at + IMAGE_HEADER_BYTES, <usize>textBytes);
  }
  if (!imageDescribe(image, at, textBytes)) {
    frameFree(image.text);
    objectFree(slot);
    return 0;
  }
  image.references = 1;
  return slot;
}

/** Takes what the valid header at `at` says, and maps the text; false without frames for tables. */
export function imageDescribe(image: Image, at: usize, textBytes: u64): bool {
  const header = changetype<ImageHeader>(at);
  image.pages = <u32>((textBytes + PAGE_BYTES - 1) / PAGE_BYTES);
  image.runtime = header.runtime;
  image.program = header.program;
  image.base = IMAGE_BASE;
  image.entry = <u64>IMAGE_BASE + header.entry;
  return imageMap(image);
}

/** Reads the `bytes` bytes at `at`, an ELF file, into a new image: 0, and the reason in `elfError`. */
export function nativeCreate(at: usize, bytes: u64): usize {
  const slot = objectAllocate(KIND_IMAGE, 0);
  if (slot == 0) return 0;
  const image = changetype<Image>(slot);
  const summary = elfOf(image);
  image.refused = elfRead(at, bytes, summary);
  if (image.refused != ELF_OK) return slot;
  if (!nativeLoad(image, at)) {
    objectFree(slot);
    return 0;
  }
  image.references = 1;
  return slot;
}

/** Copies the segments of the file at `at`, which `elfRead` has accepted; false without frames. */
export function nativeLoad(image: Image, at: usize): bool {
  const summary = elfOf(image);
  const bytes = <u64>summary.pages * PAGE_BYTES;
  image.text = frameAllocZeroed(orderFor(bytes), OWNER_AGENT);
  if (image.text == 0) return false;
  image.runtime = RUNTIME_NATIVE;
  image.entry = summary.entry;
  let frame = image.text;
  for (let index: u32 = 0; index < summary.count; index++) {
    const segment = summarySegment(summary, index);
    segment.frames = frame;
    frame += <u64>segment.pages * PAGE_BYTES;
  }
  elfLoad(at, summary);
  kernel().machineCode = 1;
  codeWritten(pointer(image.text), <u32>bytes);
  return true;
}

/** An agent, or what an upgrade keeps, runs the image no longer. */
export function imageRelease(image: Image): void {
  image.references -= 1;
  imageUnused(image);
}

/** A capability that named the image is gone. */
export function imageUnname(image: Image): void {
  image.names -= 1;
  imageUnused(image);
}

/** One that an agent has made ends when nobody can run it any more. No TLB knows its tables or frames then. */
function imageUnused(image: Image): void {
  if (image.pool == 0 || image.names != 0 || image.references != 0) return;
  const pool = changetype<Pool>(image.pool);
  imageUnmap(image);
  if (image.runtime == RUNTIME_NATIVE) frameFree(image.text);
  if (image.file != 0) frameFree(image.file);
  poolRelease(pool, image.charged);
  objectFree(changetype<usize>(image));
  poolDrop(pool);
}
