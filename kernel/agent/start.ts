/** Stage: agents. The tables of the kernel's objects, and the first agent when the bundle has one. */
import { SHA256_BYTES } from "../../sim/lib/sha256";
import { boot, fail, STAGE_DONE } from "../boot/boot";
import { Bundle, BundleEntry } from "../boot/bundle";
import { createAudit } from "../audit/audit";
import { Capability } from "../cap/capability";
import { createEntropy, entropyGather } from "../cap/entropy";
import { createAuthority } from "../cap/authority";
import { print, printLine, printText } from "../console";
import { ERROR_NO_ENTROPY, ERROR_OUT_OF_FRAMES } from "../errors";
import { AGENTS_MAX, CAPABILITIES_MAX, IMAGES_MAX } from "../limits";
import { createMemory, createRootPool } from "../mm/start";
import { Pool } from "../mm/pool";
import { KIND_AGENT, KIND_CAPABILITY, KIND_IMAGE } from "../object/kinds";
import { createSlabs, objectFree, slabInit } from "../object/slab";
import { kernel } from "../state";
import { bytesAre } from "../storage/cpio";
import { createIpc } from "../ipc/start";
import { schedCreate } from "../sched/create";
import { schedReady } from "../sched/scheduler";
import { Agent, AGENT_BYTES } from "./agent";
import { argumentsFind } from "./arguments";
import { createInit } from "./create";
import { isElf } from "./elf";
import { elfErrorName } from "./elf_error_names";
import { ELF_OK } from "./elf_errors";
import { digestOf, Image, IMAGE_BYTES, imageCreate, imageValid, nativeCreate } from "./image";

const INIT = "init";

export function stageAgents(): u32 {
  if (!createObjects(kernel().cpuCount)) return fail(ERROR_OUT_OF_FRAMES);
  if (!entropyGather()) return fail(ERROR_NO_ENTROPY);
  kernel().scheduling = 1;
  return startInit();
}

/** Tables for all kinds of objects, and the pool of all memory; false when RAM is short. */
export function createObjects(shards: u32): bool {
  createSlabs();
  if (
    !slabInit(KIND_AGENT, AGENT_BYTES, AGENTS_MAX, shards) ||
    !slabInit(KIND_CAPABILITY, offsetof<Capability>(), CAPABILITIES_MAX, shards) ||
    !slabInit(KIND_IMAGE, IMAGE_BYTES, IMAGES_MAX, shards) ||
    !createMemory(shards) ||
    !createIpc(shards)
  )
    return false;
  createEntropy();
  createAuthority();
  return createAudit() && schedCreate(kernel().cpuCount) && createRootPool();
}

/** Makes the bundle's images, and starts the one named "init"; without one the machine idles. */
function startInit(): u32 {
  const bundle = changetype<Bundle>(boot().bundle);
  let init: usize = 0;
  for (let index: u32 = 0; index < bundle.entryCount; index++) {
    const entry = changetype<BundleEntry>(bundle.entries + <usize>index * offsetof<BundleEntry>());
    const native = isElf(entry.content, entry.dataBytes);
    if (!native && !imageValid(entry.content, entry.dataBytes)) continue;
    const image = native ? nativeCreate(entry.content, entry.dataBytes) : imageCreate(entry.content, entry.dataBytes);
    if (image == 0) return fail(ERROR_OUT_OF_FRAMES, 1);
    nameImage(entry, changetype<Image>(image));
    if (native) argumentsFind(changetype<Image>(image), bundle);
    if (refused(entry, changetype<Image>(image))) continue;
    listImage(changetype<Image>(image));
    if (bytesAre(entry.name, entry.nameBytes, INIT)) init = image;
  }
  if (init != 0) return runInit(changetype<Image>(init));
  printLine("agents: none, the bundle has no init image");
  return STAGE_DONE;
}

function nameImage(entry: BundleEntry, image: Image): void {
  image.name = entry.name;
  image.nameBytes = entry.nameBytes;
  memory.copy(digestOf(image), entry.digest, SHA256_BYTES);
}

/** Puts an image into the list where ImageOpen looks for its name. */
function listImage(image: Image): void {
  image.next = kernel().images;
  kernel().images = changetype<usize>(image);
}

/** An ELF file that can't be an image is told of, and the boot goes on. */
function refused(entry: BundleEntry, image: Image): bool {
  if (image.refused == ELF_OK) return false;
  print("agents: ");
  printText(entry.name, entry.nameBytes);
  print(" refused: ");
  printLine(elfErrorName(image.refused));
  objectFree(changetype<usize>(image));
  return true;
}

function runInit(image: Image): u32 {
  if (!createInit(image, changetype<Pool>(kernel().pool))) return fail(ERROR_OUT_OF_FRAMES, 2);
  printLine("agents: init started");
  schedReady(changetype<Agent>(kernel().init));
  return STAGE_DONE;
}
