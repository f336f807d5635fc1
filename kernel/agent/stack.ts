/**
 * What a program finds on its stack when it begins (x86-64 psABI 1.0, 3.4.1 and figure 3.9).
 *
 *   RSP  argc | argv[0] …, 0 | envp[0] …, 0 | auxiliary vector | up to 15 bytes of padding | strings
 *
 * RSP is a multiple of 16. argv[0] is the image's name; its strings are the last on the stack, in the
 * order name, arguments, environment. Every agent of an image finds the same.
 */
import { PAGE_BYTES } from "../../hal/memory";
import { copyToUser } from "../mm/user";
import { kernelCpu } from "../cpu/cpu";
import { kernel } from "../state";
import { STATUS_OK } from "../syscall/status";
import { Agent } from "./agent";
import { AUXILIARY_ENTRIES, PH_BYTES, STACK_END } from "./elf_format";
import { elfOf, Image } from "./image";

/** Types of the auxiliary vector's entries (psABI figure 3.10); the last is Linux's, a program's name. */
const AT_NULL: u64 = 0;
const AT_PHDR: u64 = 3;
const AT_PHENT: u64 = 4;
const AT_PHNUM: u64 = 5;
const AT_PAGESZ: u64 = 6;
const AT_ENTRY: u64 = 9;
const AT_EXECFN: u64 = 31;
/** argc, argv[0] and the ends of argv and envp. */
const FIXED_WORDS: u64 = 4;
const WORD: u64 = 8;

@inline
function nameAddress(image: Image): u64 {
  const strings = <u64>image.nameBytes + 1 + image.argumentBytes + image.environmentBytes;
  return <u64>STACK_END - ((strings + 15) & ~15);
}

/** RSP with which an agent of the image begins. */
export function stackPointer(image: Image): u64 {
  const words = FIXED_WORDS + image.argumentCount + image.environmentCount + 2 * <u64>AUXILIARY_ENTRIES;
  return (nameAddress(image) - words * WORD) & ~15;
}

/** Fills the stack's top, which is mapped and writable; its pages are fresh, so ends are there. */
export function stackBuild(agent: Agent, image: Image): void {
  const name = nameAddress(image);
  const args = name + image.nameBytes + 1;
  const environment = args + image.argumentBytes;
  put(agent, name, image.name, image.nameBytes);
  put(agent, args, image.arguments, image.argumentBytes);
  put(agent, environment, image.environment, image.environmentBytes);
  let at = stackPointer(image);
  at = word(agent, at, 1 + <u64>image.argumentCount);
  at = word(agent, at, name);
  at = pointers(agent, at, image.arguments, image.argumentBytes, args);
  at = pointers(agent, at, image.environment, image.environmentBytes, environment);
  auxiliary(agent, at, image);
}

function auxiliary(agent: Agent, start: u64, image: Image): void {
  const elf = elfOf(image);
  let at = pair(agent, start, AT_PHDR, elf.headers);
  at = pair(agent, at, AT_PHENT, PH_BYTES);
  at = pair(agent, at, AT_PHNUM, elf.headers == 0 ? 0 : elf.headerCount);
  at = pair(agent, at, AT_PAGESZ, PAGE_BYTES);
  at = pair(agent, at, AT_ENTRY, elf.entry);
  at = pair(agent, at, AT_EXECFN, nameAddress(image));
  at = pair(agent, at, AT_NULL, 0);
  assert(at - start == 2 * AUXILIARY_ENTRIES * WORD, "stackBuild: stackPointer has counted other entries");
}

/** The addresses of the strings at `strings`, which the agent finds at `there`, and a zero. */
function pointers(agent: Agent, start: u64, strings: usize, bytes: u32, there: u64): u64 {
  let at = start;
  for (let index: u32 = 0; index < bytes; index++)
    if (index == 0 || load<u8>(strings + index - 1) == 0) at = word(agent, at, there + index);
  return word(agent, at, 0);
}

function pair(agent: Agent, at: u64, type: u64, value: u64): u64 {
  return word(agent, word(agent, at, type), value);
}

/** Behind what a call has in the scratch (birth.ts). */
const BUILD_AT: usize = 1024;

function word(agent: Agent, at: u64, value: u64): u64 {
  const from = kernelCpu(kernel().entered).scratch + BUILD_AT;
  store<u64>(from, value);
  put(agent, at, from, <u32>WORD);
  return at + WORD;
}

function put(agent: Agent, at: u64, from: usize, bytes: u32): void {
  const status = copyToUser(agent, at, from, bytes);
  assert(status == STATUS_OK, "stackBuild: the stack is mapped");
}
