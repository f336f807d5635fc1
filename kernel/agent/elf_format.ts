/**
 * ELF64 executables, as far as the kernel loads them, little endian (System V gABI 4.3, chapters 4 and
 * 5; x86-64 psABI 1.0, 4.1). Portable.
 *
 *   file header, 64 bytes                          program header, 56 bytes
 *    0  magic, class, data, version, ABI            0  type      u32      4  flags    u32
 *   16  type      u16     18  machine   u16         8  offset    u64     16  vaddr    u64
 *   20  version   u32     24  entry     u64        24  paddr     u64     32  filesz   u64
 *   32  phoff     u64     40  shoff     u64        40  memsz     u64     48  align    u64
 *   48  flags     u32     52  ehsize    u16
 *   54  phentsize u16     56  phnum     u16
 *   58  shentsize u16     60  shnum     u16
 *   62  shstrndx  u16
 */
/** Class, byte order, version, ABI and its version, and the padding behind: magic is 4 bytes before. */
export const ELF_MAGIC = 0x464c_457f;
export const ELF_CLASS = 4;
export const ELF_DATA = 5;
export const ELF_IDENT_VERSION = 6;
export const ELF_ABI = 7;
export const ELF_ABI_VERSION = 8;
export const ELF_TYPE = 16;
export const ELF_MACHINE = 18;
export const ELF_VERSION = 20;
export const ELF_ENTRY = 24;
export const ELF_PHOFF = 32;
export const ELF_SHOFF = 40;
export const ELF_FLAGS = 48;
export const ELF_EHSIZE = 52;
export const ELF_PHENTSIZE = 54;
export const ELF_PHNUM = 56;
export const ELF_SHENTSIZE = 58;
export const ELF_SHNUM = 60;
export const ELF_SHSTRNDX = 62;
export const ELF_HEADER_BYTES = 64;

export const PH_TYPE = 0;
export const PH_FLAGS = 4;
export const PH_OFFSET = 8;
export const PH_VADDR = 16;
export const PH_FILESZ = 32;
export const PH_MEMSZ = 40;
export const PH_ALIGN = 48;
export const PH_BYTES = 56;
export const SECTION_HEADER_BYTES = 64;

export const CLASS_64 = 2;
export const DATA_LITTLE = 1;
export const VERSION_CURRENT = 1;
/** System V, and GNU: what GCC says of a file with GNU extensions of symbols. */
export const ABI_SYSTEM_V = 0;
export const ABI_GNU = 3;
export const TYPE_EXEC = 2;
export const TYPE_DYN = 3;
export const MACHINE_X86_64 = 62;

export const PT_NULL = 0;
export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_SHLIB = 5;
export const PT_TLS = 7;
export const PT_GNU_STACK = 0x6474_e551;

export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

/** Program headers that a file may have, and segments among them. */
export const PROGRAM_HEADERS_MAX = 64;
export const SEGMENTS_MAX = 8;
/** Segments lie from here, so that a null pointer with an offset faults … */
export const NATIVE_BASE = 0x1_0000;
/** … to here; above are the stack's guard and the stack, whose end is the end of the first GiB. */
export const NATIVE_END = 0x3f00_0000;
export const STACK_END = 0x4000_0000;
/** What the file asks for by the size of PT_GNU_STACK is between these; a size of 0 is the default. */
export const STACK_BYTES_DEFAULT = 0x1_0000;
export const STACK_BYTES_MAX = 0x80_0000;
/** Arguments, and strings of the environment, and bytes of both together with their ends. */
export const ARGUMENTS_MAX = 256;
export const ARGUMENT_BYTES_MAX = 16384;
/** Entries of the auxiliary vector. */
export const AUXILIARY_ENTRIES = 7;
