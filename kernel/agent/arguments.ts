/**
 * Arguments and environment of a native image: the bundle's entries NAME.args and NAME.env beside NAME,
 * strings that each end with a zero byte. All agents of the image find them (stack.ts).
 */
import { Bundle, BundleEntry } from "../boot/bundle";
import { bytesAre } from "../storage/cpio";
import { ARGUMENT_BYTES_MAX, ARGUMENTS_MAX, STACK_END } from "./elf_format";
import { ELF_ARGUMENTS_TOO_LARGE, ELF_BAD_ARGUMENTS, ELF_OK, ELF_TOO_MANY_ARGUMENTS } from "./elf_errors";
import { elfOf, Image } from "./image";
import { stackPointer } from "./stack";

const ARGUMENTS = ".args";
const ENVIRONMENT = ".env";

/** Looks for both in the bundle; an image that was good is `refused` if they are not. */
export function argumentsFind(image: Image, bundle: Bundle): void {
  if (image.refused != ELF_OK) return;
  for (let index: u32 = 0; index < bundle.entryCount; index++) {
    const entry = changetype<BundleEntry>(bundle.entries + <usize>index * offsetof<BundleEntry>());
    if (isBeside(entry, image, ARGUMENTS)) {
      image.arguments = entry.content;
      image.argumentBytes = entry.dataBytes;
    }
    if (isBeside(entry, image, ENVIRONMENT)) {
      image.environment = entry.content;
      image.environmentBytes = entry.dataBytes;
    }
  }
  image.refused = argumentsStatus(image);
}

/** Whether the entry's name is the image's with `suffix`. */
function isBeside(entry: BundleEntry, image: Image, suffix: string): bool {
  const bytes = image.nameBytes;
  if (entry.nameBytes <= bytes || memory.compare(entry.name, image.name, bytes) != 0) return false;
  return bytesAre(entry.name + bytes, entry.nameBytes - bytes, suffix);
}

export function argumentsStatus(image: Image): u32 {
  if (<u64>image.argumentBytes + image.environmentBytes > <u64>ARGUMENT_BYTES_MAX) return ELF_ARGUMENTS_TOO_LARGE;
  if (!ends(image.arguments, image.argumentBytes)) return ELF_BAD_ARGUMENTS;
  if (!ends(image.environment, image.environmentBytes)) return ELF_BAD_ARGUMENTS;
  image.argumentCount = stringCount(image.arguments, image.argumentBytes);
  image.environmentCount = stringCount(image.environment, image.environmentBytes);
  if (max(image.argumentCount, image.environmentCount) > <u32>ARGUMENTS_MAX) return ELF_TOO_MANY_ARGUMENTS;
  // Half of the stack is the agent's own.
  return <u64>STACK_END - stackPointer(image) > elfOf(image).stackBytes >> 1 ? ELF_ARGUMENTS_TOO_LARGE : ELF_OK;
}

function ends(at: usize, bytes: u32): bool {
  return bytes == 0 || load<u8>(at + bytes - 1) == 0;
}

function stringCount(at: usize, bytes: u32): u32 {
  let count: u32 = 0;
  for (let index: u32 = 0; index < bytes; index++) count += load<u8>(at + index) == 0 ? 1 : 0;
  return count;
}
