/** Writes ELF64 executables: what tests need of a linker. */
import * as elf from "../../kernel/agent/elf_format.ts";

export interface ElfSegment {
  readonly address: number;
  readonly bytes: Uint8Array;
  /** Bytes in memory: zeroes follow what the file has. */
  readonly size?: number;
  /** PF_…; default readable and executable. */
  readonly flags?: number;
}

export interface ElfOptions {
  readonly segments: readonly ElfSegment[];
  /** Default the first segment's begin. */
  readonly entry?: number;
  /** Bytes of stack that the file asks for; default it says nothing. */
  readonly stack?: number;
}

const PAGE = 4096;

/** The file: headers, then each segment where its offset agrees with its address, in pages. */
export function elfFile({ segments, entry, stack }: ElfOptions): Uint8Array {
  const headers = segments.length + (stack === undefined ? 0 : 1);
  let end = elf.ELF_HEADER_BYTES + headers * elf.PH_BYTES;
  const offsets = segments.map(({ address, bytes }) => {
    const offset = end + ((((address - end) % PAGE) + PAGE) % PAGE);
    end = offset + bytes.length;
    return offset;
  });
  const file = new Uint8Array(end);
  const view = new DataView(file.buffer);
  writeHeader(view, entry ?? segments[0]?.address ?? 0, headers);
  segments.forEach((segment, index) => {
    const offset = offsets[index] ?? 0;
    file.set(segment.bytes, offset);
    writeProgramHeader(view, index, elf.PT_LOAD, offset, segment);
  });
  if (stack !== undefined)
    writeProgramHeader(view, segments.length, elf.PT_GNU_STACK, 0, {
      address: 0,
      bytes: new Uint8Array(),
      size: stack,
      flags: elf.PF_R | elf.PF_W,
    });
  return file;
}

function writeHeader(view: DataView, entry: number, headers: number): void {
  view.setUint32(0, elf.ELF_MAGIC, true);
  view.setUint8(elf.ELF_CLASS, elf.CLASS_64);
  view.setUint8(elf.ELF_DATA, elf.DATA_LITTLE);
  view.setUint8(elf.ELF_IDENT_VERSION, elf.VERSION_CURRENT);
  view.setUint16(elf.ELF_TYPE, elf.TYPE_EXEC, true);
  view.setUint16(elf.ELF_MACHINE, elf.MACHINE_X86_64, true);
  view.setUint32(elf.ELF_VERSION, elf.VERSION_CURRENT, true);
  view.setBigUint64(elf.ELF_ENTRY, BigInt(entry), true);
  view.setBigUint64(elf.ELF_PHOFF, BigInt(elf.ELF_HEADER_BYTES), true);
  view.setUint16(elf.ELF_EHSIZE, elf.ELF_HEADER_BYTES, true);
  view.setUint16(elf.ELF_PHENTSIZE, elf.PH_BYTES, true);
  view.setUint16(elf.ELF_PHNUM, headers, true);
}

function writeProgramHeader(
  view: DataView,
  index: number,
  type: number,
  offset: number,
  { address, bytes, size = bytes.length, flags = elf.PF_R | elf.PF_X }: ElfSegment,
): void {
  const at = elf.ELF_HEADER_BYTES + index * elf.PH_BYTES;
  view.setUint32(at + elf.PH_TYPE, type, true);
  view.setUint32(at + elf.PH_FLAGS, flags, true);
  view.setBigUint64(at + elf.PH_OFFSET, BigInt(offset), true);
  view.setBigUint64(at + elf.PH_VADDR, BigInt(address), true);
  view.setBigUint64(at + elf.PH_VADDR + 8, BigInt(address), true);
  view.setBigUint64(at + elf.PH_FILESZ, BigInt(bytes.length), true);
  view.setBigUint64(at + elf.PH_MEMSZ, BigInt(size), true);
  view.setBigUint64(at + elf.PH_ALIGN, BigInt(type === elf.PT_LOAD ? PAGE : 16), true);
}
