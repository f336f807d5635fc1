/**
 * What the kernel will refuse of an ELF file (kernel/agent/elf.ts), told before anything runs. A second
 * reading of the same rules: a test compares the two on thousands of damaged files.
 */
import { elfErrorName } from "../../kernel/agent/elf_error_names.ts";
import * as error from "../../kernel/agent/elf_errors.ts";
import * as elf from "../../kernel/agent/elf_format.ts";
import { ImageError } from "./errors.ts";

const PAGE = 4096n;
/** kernel/limits.ts */
const IMAGE_PAGES_MAX = 4096n;

/** @throws ImageError agent-elf, with the reason's name */
export function checkElf(bytes: Uint8Array, name = "file"): void {
  const reason = elfProblem(bytes);
  if (reason === error.ELF_OK) return;
  const what = elfErrorName(reason);
  const hint = reason === error.ELF_POSITION_INDEPENDENT ? "; link it with -static -no-pie" : "";
  throw new ImageError("agent-elf", null, `${name} can't be an agent: ${what}${hint}`);
}

/** ELF_… of elf_errors.ts. */
export function elfProblem(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4 || view.getUint32(0, true) !== elf.ELF_MAGIC) return error.ELF_NOT_ELF;
  if (bytes.length < elf.ELF_HEADER_BYTES) return error.ELF_TRUNCATED;
  return headerProblem(view) || segmentsProblem(view);
}

function headerProblem(view: DataView): number {
  const u8 = (at: number) => view.getUint8(at);
  const u16 = (at: number) => view.getUint16(at, true);
  const u64 = (at: number) => view.getBigUint64(at, true);
  const size = BigInt(view.byteLength);
  const sections = u16(elf.ELF_SHNUM);
  const rules: readonly (readonly [boolean, number])[] = [
    [u8(elf.ELF_CLASS) === elf.CLASS_64, error.ELF_NOT_64],
    [u8(elf.ELF_DATA) === elf.DATA_LITTLE, error.ELF_NOT_64],
    [[elf.ABI_SYSTEM_V, elf.ABI_GNU].includes(u8(elf.ELF_ABI)), error.ELF_BAD_HEADER],
    [u8(elf.ELF_IDENT_VERSION) === elf.VERSION_CURRENT, error.ELF_BAD_HEADER],
    [u64(elf.ELF_ABI_VERSION) === 0n, error.ELF_BAD_HEADER],
    [u16(elf.ELF_MACHINE) === elf.MACHINE_X86_64, error.ELF_NOT_X86_64],
    [u16(elf.ELF_TYPE) !== elf.TYPE_DYN, error.ELF_POSITION_INDEPENDENT],
    [u16(elf.ELF_TYPE) === elf.TYPE_EXEC, error.ELF_NOT_EXECUTABLE],
    [view.getUint32(elf.ELF_VERSION, true) === elf.VERSION_CURRENT, error.ELF_BAD_HEADER],
    [view.getUint32(elf.ELF_FLAGS, true) === 0, error.ELF_BAD_HEADER],
    [u16(elf.ELF_EHSIZE) === elf.ELF_HEADER_BYTES, error.ELF_BAD_HEADER],
    [u16(elf.ELF_PHNUM) !== 0, error.ELF_NO_SEGMENT],
    [u16(elf.ELF_PHNUM) <= elf.PROGRAM_HEADERS_MAX, error.ELF_TOO_MANY_HEADERS],
    [u16(elf.ELF_PHENTSIZE) === elf.PH_BYTES, error.ELF_BAD_HEADER],
    [u64(elf.ELF_PHOFF) >= BigInt(elf.ELF_HEADER_BYTES), error.ELF_BAD_HEADER],
    [u64(elf.ELF_PHOFF) % 8n === 0n, error.ELF_BAD_HEADER],
    [u64(elf.ELF_PHOFF) + BigInt(u16(elf.ELF_PHNUM) * elf.PH_BYTES) <= size, error.ELF_TRUNCATED],
    [sections === 0 || u16(elf.ELF_SHENTSIZE) === elf.SECTION_HEADER_BYTES, error.ELF_BAD_HEADER],
    [sections === 0 || u16(elf.ELF_SHSTRNDX) < sections, error.ELF_BAD_HEADER],
    [
      sections === 0 || u64(elf.ELF_SHOFF) + BigInt(sections * elf.SECTION_HEADER_BYTES) <= size,
      error.ELF_TRUNCATED,
    ],
  ];
  return rules.find(([holds]) => !holds)?.[1] ?? error.ELF_OK;
}

interface Loaded {
  readonly start: bigint;
  readonly end: bigint;
  readonly pages: bigint;
  readonly executable: boolean;
}

function segmentsProblem(view: DataView): number {
  const loaded: Loaded[] = [];
  const table = Number(view.getBigUint64(elf.ELF_PHOFF, true));
  for (let index = 0; index < view.getUint16(elf.ELF_PHNUM, true); index++) {
    const problem = programHeaderProblem(view, table + index * elf.PH_BYTES, loaded);
    if (problem !== error.ELF_OK) return problem;
  }
  if (loaded.length === 0) return error.ELF_NO_SEGMENT;
  if (loaded.reduce((sum, { pages }) => sum + pages, 0n) > IMAGE_PAGES_MAX)
    return error.ELF_TOO_LARGE;
  const entry = view.getBigUint64(elf.ELF_ENTRY, true);
  const inside = loaded.some(
    ({ start, pages, executable }) => executable && entry >= start && entry < start + pages * PAGE,
  );
  return inside ? error.ELF_OK : error.ELF_BAD_ENTRY;
}

function programHeaderProblem(view: DataView, at: number, loaded: Loaded[]): number {
  const flags = view.getUint32(at + elf.PH_FLAGS, true);
  switch (view.getUint32(at + elf.PH_TYPE, true)) {
    case elf.PT_LOAD:
      return loadProblem(view, at, flags, loaded);
    case elf.PT_DYNAMIC:
    case elf.PT_INTERP:
    case elf.PT_SHLIB:
      return error.ELF_DYNAMIC;
    case elf.PT_TLS:
      return error.ELF_THREAD_LOCAL;
    case elf.PT_GNU_STACK: {
      if (flags & elf.PF_X) return error.ELF_WRITE_EXECUTE;
      const size = view.getBigUint64(at + elf.PH_MEMSZ, true);
      return size > BigInt(elf.STACK_BYTES_MAX) ? error.ELF_TOO_LARGE : error.ELF_OK;
    }
    default:
      return error.ELF_OK;
  }
}

const upwards = (address: bigint) => ((address + PAGE - 1n) / PAGE) * PAGE;

function loadProblem(view: DataView, at: number, flags: number, loaded: Loaded[]): number {
  const field = (offset: number) => view.getBigUint64(at + offset, true);
  const [offset, address] = [field(elf.PH_OFFSET), field(elf.PH_VADDR)];
  const [filed, size, align] = [field(elf.PH_FILESZ), field(elf.PH_MEMSZ), field(elf.PH_ALIGN)];
  if (filed > size) return error.ELF_BAD_SEGMENT;
  if (size === 0n) return error.ELF_OK;
  if ((align & (align - 1n)) !== 0n) return error.ELF_BAD_SEGMENT;
  if (align > 1n && address % align !== offset % align) return error.ELF_BAD_SEGMENT;
  if (offset + filed > BigInt(view.byteLength)) return error.ELF_TRUNCATED;
  if (address < BigInt(elf.NATIVE_BASE) || address + size > BigInt(elf.NATIVE_END))
    return error.ELF_OUT_OF_RANGE;
  if ((flags & ~(elf.PF_R | elf.PF_W | elf.PF_X)) !== 0 || !(flags & elf.PF_R))
    return error.ELF_BAD_RIGHTS;
  if (flags & elf.PF_W && flags & elf.PF_X) return error.ELF_WRITE_EXECUTE;
  if (loaded.length === elf.SEGMENTS_MAX) return error.ELF_TOO_MANY_SEGMENTS;
  const start = (address / PAGE) * PAGE;
  const filled = flags & elf.PF_W ? filed : size;
  const pages = filled === 0n ? 0n : (upwards(address + filled) - start) / PAGE;
  const before = loaded.at(-1);
  if (before !== undefined && before.end > start) return error.ELF_OVERLAP;
  loaded.push({ start, end: upwards(address + size), pages, executable: !!(flags & elf.PF_X) });
  return error.ELF_OK;
}
