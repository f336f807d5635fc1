/**
 * Executables in the Executable and Linkable Format for x86, of both classes: header, segments and
 * notes (System V gABI 4.1, chapters 4 and 5). What a guest's loaders need of them, all checked.
 */
import type { Reader } from "./reader.ts";

export interface ElfSegment {
  /** Physical address of its first byte. */
  readonly physical: number;
  readonly virtual: number;
  /** Bytes in memory; those that the file doesn't have are zero. */
  readonly size: number;
  readonly bytes: Uint8Array;
}

export interface ElfNote {
  readonly owner: string;
  readonly type: number;
  readonly content: Uint8Array;
}

export interface Elf {
  readonly wide: boolean;
  readonly entry: number;
  readonly segments: readonly ElfSegment[];
  readonly notes: readonly ElfNote[];
}

const CLASS_64 = 2;
const TYPE_EXECUTABLE = 2;
const TYPE_SHARED = 3;
const MACHINE_386 = 3;
const MACHINE_X86_64 = 62;
const SEGMENT_LOAD = 1;
const SEGMENT_NOTE = 4;
/** More than any executable has: 0xffff would mean that the count is elsewhere. */
const SEGMENTS_MAX = 1024;

/** Where the fields of one class are; those of the other differ. */
interface Layout {
  readonly word: "u32" | "u64";
  readonly header: number;
  readonly entry: number;
  readonly tableAt: number;
  readonly entryBytes: number;
  readonly count: number;
  readonly rowBytes: number;
  readonly offset: number;
  readonly virtual: number;
  readonly physical: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
}

const ELF32: Layout = {
  word: "u32",
  header: 52,
  entry: 24,
  tableAt: 28,
  entryBytes: 42,
  count: 44,
  rowBytes: 32,
  offset: 4,
  virtual: 8,
  physical: 12,
  fileBytes: 16,
  memoryBytes: 20,
};
const ELF64: Layout = {
  word: "u64",
  header: 64,
  entry: 24,
  tableAt: 32,
  entryBytes: 54,
  count: 56,
  rowBytes: 56,
  offset: 8,
  virtual: 16,
  physical: 24,
  fileBytes: 32,
  memoryBytes: 40,
};

export function isElf(bytes: Uint8Array): boolean {
  return bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

/** @throws MachineError bad-guest that names the field */
export function readElf(file: Reader): Elf {
  const wide = file.u8(4, "EI_CLASS") === CLASS_64;
  const layout = wide ? ELF64 : ELF32;
  checkHeader(file, layout);
  const table = file[layout.word](layout.tableAt, "e_phoff");
  const count = file.u16(layout.count, "e_phnum");
  if (count > SEGMENTS_MAX) throw file.bad(`e_phnum is ${count}; at most ${SEGMENTS_MAX} are read`);
  const segments: ElfSegment[] = [];
  const notes: ElfNote[] = [];
  for (let n = 0; n < count; n++) {
    const at = table + n * layout.rowBytes;
    const type = file.u32(at, `p_type of segment ${n}`);
    if (type === SEGMENT_LOAD) segments.push(readSegment(file, layout, at, n));
    if (type === SEGMENT_NOTE) notes.push(...readNotes(file, layout, at, n));
  }
  if (segments.length === 0) throw file.bad("no segment is to be loaded");
  return { wide, entry: file[layout.word](layout.entry, "e_entry"), segments, notes };
}

function checkHeader(file: Reader, layout: Layout): void {
  file.span(0, layout.header, "the ELF header");
  const expect = (found: number, wanted: readonly number[], field: string) => {
    if (!wanted.includes(found))
      throw file.bad(`${field} is ${found}; it must be ${wanted.join(" or ")}`);
  };
  expect(file.u8(4, "EI_CLASS"), [1, CLASS_64], "EI_CLASS");
  expect(file.u8(5, "EI_DATA"), [1], "EI_DATA");
  expect(file.u8(6, "EI_VERSION"), [1], "EI_VERSION");
  expect(file.u16(16, "e_type"), [TYPE_EXECUTABLE, TYPE_SHARED], "e_type");
  expect(file.u16(18, "e_machine"), [MACHINE_386, MACHINE_X86_64], "e_machine");
  expect(file.u16(layout.entryBytes, "e_phentsize"), [layout.rowBytes], "e_phentsize");
}

function readSegment(file: Reader, layout: Layout, at: number, n: number): ElfSegment {
  const field = (offset: number, name: string) =>
    file[layout.word](at + offset, `${name} of segment ${n}`);
  const fileBytes = field(layout.fileBytes, "p_filesz");
  const size = field(layout.memoryBytes, "p_memsz");
  if (size < fileBytes)
    throw file.bad(`segment ${n}: p_memsz ${size} is less than p_filesz ${fileBytes}`);
  return {
    physical: field(layout.physical, "p_paddr"),
    virtual: field(layout.virtual, "p_vaddr"),
    size,
    bytes: file.span(field(layout.offset, "p_offset"), fileBytes, `segment ${n}`),
  };
}

/** Notes: name size, content size, type, name, content; both padded to four bytes. */
function readNotes(file: Reader, layout: Layout, at: number, n: number): ElfNote[] {
  const where = `the notes of segment ${n}`;
  const from = file[layout.word](at + layout.offset, where);
  const end = from + file[layout.word](at + layout.fileBytes, where);
  const notes: ElfNote[] = [];
  for (let note = from; note + 12 <= end; ) {
    const nameBytes = file.u32(note, where);
    const contentBytes = file.u32(note + 4, where);
    const content = note + 12 + Math.ceil(nameBytes / 4) * 4;
    const name = file.span(note + 12, nameBytes, where);
    notes.push({
      owner: String.fromCharCode(...name.subarray(0, 16)).replace(/\0.*$/s, ""),
      type: file.u32(note + 8, where),
      content: file.span(content, contentBytes, where),
    });
    note = content + Math.ceil(contentBytes / 4) * 4;
  }
  return notes;
}
