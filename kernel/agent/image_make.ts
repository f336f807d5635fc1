/**
 * Images that agents make of bytes: created with a size, filled piece by piece, sealed. What is sealed is
 * what the kernel has hashed and checked, and nobody can change it any more.
 *
 *   block of frames:   0  context of the SHA-256      4032  the file      …  zeroes to the page's end
 *
 * So the text of an image that is not native, behind a header of 64 bytes, lies on pages of its own, and is
 * mapped where it is. A native image's segments are copied, and the block is given back.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { sha256Begin, sha256End, sha256Update } from "../../sim/lib/sha256";
import { capabilityLookup, capabilityNamed } from "../cap/authorize";
import { RIGHT_ALLOCATE } from "../cap/rights";
import { IMAGE_APPEND_MAX, IMAGE_BYTES_MAX } from "../limits";
import { codeWritten } from "../mm/code";
import { frameAlloc, frameFree, framesPromise, framesRelease, orderFor, OWNER_AGENT } from "../mm/frames";
import { Pool, poolCharge, poolHold, poolRelease } from "../mm/pool";
import { copyFromUser, userCheck } from "../mm/user";
import { KIND_IMAGE, KIND_POOL } from "../object/kinds";
import { objectAllocate, objectShortage } from "../object/slab";
import { Call, callerOf } from "../syscall/call";
import { nameObject, roomForObject } from "../syscall/name";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_BAD_IMAGE,
  STATUS_NO_MEMORY,
  STATUS_OK,
  STATUS_QUOTA,
  STATUS_TOO_LARGE,
  STATUS_WRONG_STATE,
} from "../syscall/status";
import { elfRead, isElf } from "./elf";
import { ELF_OK } from "./elf_errors";
import { digestOf, elfOf, Image, IMAGE_BYTES, imageDescribe, imageValid, nativeLoad } from "./image";
import { IMAGE_HEADER_BYTES } from "./image_format";
import { argumentsStatus } from "./arguments";

const FILE_OFFSET: usize = <usize>PAGE_BYTES - IMAGE_HEADER_BYTES;
/** Tables above those for single pages, and one more of these than whole ones would do (mm/image_tables.ts). */
const TABLES_MORE: u64 = 4;
const TABLE_PAGES: u64 = 512;

@inline
function blockBytes(image: Image): u64 {
  return PAGE_BYTES << orderFor(FILE_OFFSET + image.fileBytes);
}

@inline
function fileOf(image: Image): usize {
  return pointer(image.file) + FILE_OFFSET;
}

/** ImageCreate(kernel, pool, bytes): a capability to an image that is to have so many bytes, and has none. */
export function imageMake(call: Call): u32 {
  if (call.a1 == 0 || call.a2 == 0) return STATUS_BAD_ARGUMENT;
  const found = capabilityLookup(callerOf(call), call.a1, 1 << KIND_POOL, RIGHT_ALLOCATE);
  if (found != STATUS_OK) return found;
  if (call.a2 > IMAGE_BYTES_MAX) return STATUS_TOO_LARGE;
  const pool = changetype<Pool>(capabilityNamed(call.a1).target);
  const order = orderFor(FILE_OFFSET + call.a2);
  const charge = (PAGE_BYTES << order) + IMAGE_BYTES;
  const room = roomForObject(call, pool, charge);
  if (room != STATUS_OK) return room;
  if (!poolCharge(pool, charge)) return STATUS_QUOTA;
  const file = frameAlloc(order, OWNER_AGENT);
  const slot: usize = file == 0 ? <usize>0 : objectAllocate(KIND_IMAGE, callerOf(call).cpu);
  if (slot == 0) {
    if (file != 0) frameFree(file);
    poolRelease(pool, charge);
    return objectShortage(KIND_IMAGE);
  }
  const image = changetype<Image>(slot);
  image.building = 1;
  image.pool = changetype<usize>(pool);
  poolHold(pool);
  image.charged = charge;
  image.file = file;
  image.fileBytes = call.a2;
  begin(image);
  nameObject(call, KIND_IMAGE, slot);
  return STATUS_OK;
}

/** Of what was in the frames before, nothing can be seen in the first page and in the file's last one. */
function begin(image: Image): void {
  const end = FILE_OFFSET + <usize>image.fileBytes;
  const last = (end - 1) & ~(<usize>PAGE_BYTES - 1);
  memory.fill(pointer(image.file), 0, <usize>PAGE_BYTES);
  memory.fill(pointer(image.file) + last, 0, <usize>PAGE_BYTES);
  codeWritten(pointer(image.file), <u32>blockBytes(image));
  sha256Begin(pointer(image.file));
}

/** ImageAppend(image, address, bytes): the next bytes of the file; how many it has. */
export function imageAppend(call: Call): u32 {
  const image = changetype<Image>(call.object);
  if (image.building == 0) return STATUS_WRONG_STATE;
  if (call.a2 == 0) return STATUS_BAD_ARGUMENT;
  if (call.a2 > <u64>IMAGE_APPEND_MAX || call.a2 > image.fileBytes - image.filled) return STATUS_TOO_LARGE;
  const bytes = <u32>call.a2;
  const to = fileOf(image) + <usize>image.filled;
  const status = userCheck(callerOf(call), call.a1, bytes, false) || copyFromUser(callerOf(call), call.a1, to, bytes);
  if (status != STATUS_OK) return status;
  sha256Update(pointer(image.file), to, bytes);
  image.filled += bytes;
  call.value = image.filled;
  return STATUS_OK;
}

/**
 * ImageSeal(image): from now on it can be run, and not be changed. Bytes that are none of an image's are
 * refused with BAD_IMAGE, and for an ELF file the value says why (elf_errors.ts).
 */
export function imageSeal(call: Call): u32 {
  const image = changetype<Image>(call.object);
  if (image.building == 0 || image.filled != image.fileBytes) return STATUS_WRONG_STATE;
  const at = fileOf(image);
  const native = isElf(at, image.fileBytes);
  const status = native ? sealNative(call, image, at) : sealText(image, at);
  if (status != STATUS_OK) return status;
  image.building = 0;
  if (native) releaseFile(image);
  return STATUS_OK;
}

/** The text stays where it is. */
function sealText(image: Image, at: usize): u32 {
  if (!imageValid(at, image.fileBytes)) return STATUS_BAD_IMAGE;
  const textBytes = image.fileBytes - <u64>IMAGE_HEADER_BYTES;
  const pages = (textBytes + PAGE_BYTES - 1) / PAGE_BYTES;
  const tables = pages == 0 ? <u64>0 : (pages + TABLE_PAGES - 1) / TABLE_PAGES + TABLES_MORE;
  if (!framesPromise(<u32>tables)) return STATUS_NO_MEMORY;
  framesRelease(<u32>tables);
  if (!poolCharge(changetype<Pool>(image.pool), tables * PAGE_BYTES)) return STATUS_QUOTA;
  image.text = image.file + PAGE_BYTES;
  const mapped = imageDescribe(image, at, textBytes);
  assert(mapped, "imageSeal: there were frames for tables");
  image.charged += tables * PAGE_BYTES;
  sha256End(pointer(image.file), digestOf(image));
  return STATUS_OK;
}

function sealNative(call: Call, image: Image, at: usize): u32 {
  const summary = elfOf(image);
  let refused = elfRead(at, image.fileBytes, summary);
  if (refused == ELF_OK) refused = argumentsStatus(image);
  if (refused != ELF_OK) {
    call.value = refused;
    return STATUS_BAD_IMAGE;
  }
  const charge = PAGE_BYTES << orderFor(<u64>summary.pages * PAGE_BYTES);
  if (!poolCharge(changetype<Pool>(image.pool), charge)) return STATUS_QUOTA;
  if (!nativeLoad(image, at)) {
    poolRelease(changetype<Pool>(image.pool), charge);
    return STATUS_NO_MEMORY;
  }
  image.charged += charge;
  sha256End(pointer(image.file), digestOf(image));
  return STATUS_OK;
}

/** Nobody needs the file of a native image any more. */
function releaseFile(image: Image): void {
  const bytes = blockBytes(image);
  frameFree(image.file);
  image.file = 0;
  image.charged -= bytes;
  poolRelease(changetype<Pool>(image.pool), bytes);
}
