/**
 * What a program finds on its stack when it begins (x86-64 psABI 1.0, 3.4.1 and figure 3.9).
 *
 *   RSP  argc = 1 | argv[0], 0 | 0, the end of envp | auxiliary vector | the image's name
 *
 * RSP is a multiple of 16. Every agent of an image finds the same.
 */
import { PAGE_BYTES } from "../../hal/memory";
import { copyToUser } from "../mm/user";
import { kernelCpu } from "../cpu/cpu";
import { kernel } from "../state";
import { STATUS_OK } from "../syscall/status";
import { Agent } from "./agent";
import { PH_BYTES, STACK_END } from "./elf_format";
import { elfOf, Image } from "./image";

/** Types of the auxiliary vector's entries (psABI figure 3.10). */
const AT_NULL: u64 = 0;
const AT_PHDR: u64 = 3;
const AT_PHENT: u64 = 4;
const AT_PHNUM: u64 = 5;
const AT_PAGESZ: u64 = 6;
const AT_ENTRY: u64 = 9;
/** argc, argv and envp are four words, the vector has six entries of two. */
const WORDS: u64 = 4 + 6 * 2;

@inline
function nameAddress(image: Image): u64 {
  return <u64>STACK_END - ((<u64>image.nameBytes + 16) & ~15);
}

/** RSP with which an agent of the image begins. */
export function stackPointer(image: Image): u64 {
  return nameAddress(image) - WORDS * 8;
}

/** Fills the stack's top, which is mapped and writable. */
export function stackBuild(agent: Agent, image: Image): void {
  const at = kernelCpu(kernel().entered).scratch + BUILD_AT;
  const elf = elfOf(image);
  memory.fill(at, 0, <usize>WORDS * 8);
  store<u64>(at, 1);
  store<u64>(at, nameAddress(image), 8);
  entry(at, 0, AT_PHDR, elf.headers);
  entry(at, 1, AT_PHENT, PH_BYTES);
  entry(at, 2, AT_PHNUM, elf.headers == 0 ? 0 : elf.headerCount);
  entry(at, 3, AT_PAGESZ, PAGE_BYTES);
  entry(at, 4, AT_ENTRY, elf.entry);
  entry(at, 5, AT_NULL, 0);
  let status = copyToUser(agent, stackPointer(image), at, <u32>WORDS * 8);
  assert(status == STATUS_OK, "stackBuild: the stack is mapped");
  // The byte behind the name is 0: the page is fresh.
  status = copyToUser(agent, nameAddress(image), image.name, image.nameBytes);
  assert(status == STATUS_OK, "stackBuild: the stack is mapped");
}

/** Behind what a call has in the scratch (birth.ts). */
const BUILD_AT: usize = 1024;

@inline
function entry(at: usize, index: usize, type: u64, value: u64): void {
  store<u64>(at + (4 + 2 * index) * 8, type);
  store<u64>(at + (5 + 2 * index) * 8, value);
}
