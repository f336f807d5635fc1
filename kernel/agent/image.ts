/** What an agent executes: text that its pages come from, and where it begins. */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { IMAGE_PAGES_MAX } from "../limits";
import { frameAllocZeroed, frameFree, orderFor, OWNER_AGENT } from "../mm/frames";
import { imageMap } from "../mm/image_tables";
import { KIND_IMAGE } from "../object/kinds";
import { KernelObject, objectAllocate, objectFree } from "../object/slab";
import { Ptr } from "../state";
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
  /** Entry of the window of runtime text at which execution begins (sim/spec/user.ts). */
  runtime: u32;
  /** Number of the program, for the host's runtime. */
  program: u32;
  pages: u32;
  /** Physical address of the text: whole pages, contiguous. */
  text: u64;
  /** Tables that map it (mm/image_tables.ts): the top level, and the one for the first GiB. */
  root: u64;
  directory: u64;
  /** Where the text is mapped, and where it begins. */
  base: u64;
  entry: u64;
  /** Name in the bundle, and the image after it. */
  name: usize;
  nameBytes: u32;
  next: Ptr<Image>;
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
