/** Why an ELF file is refused as an agent's image. Portable; names in elf_error_names.ts. */
export const ELF_OK = 0;
/** Too short for what its headers say: the file header, program headers, sections, a segment. */
export const ELF_TRUNCATED = 1;
export const ELF_NOT_ELF = 2;
/** Not 64 bits, not little endian. */
export const ELF_NOT_64 = 3;
/** A version, ABI, flag, padding or size of a header that isn't the one there is. */
export const ELF_BAD_HEADER = 4;
/** Another processor's. */
export const ELF_NOT_X86_64 = 5;
/** An object file or core; or linked dynamically: there is no linker here. */
export const ELF_NOT_EXECUTABLE = 6;
export const ELF_DYNAMIC = 7;
export const ELF_THREAD_LOCAL = 8;
export const ELF_TOO_MANY_HEADERS = 9;
export const ELF_TOO_MANY_SEGMENTS = 10;
export const ELF_NO_SEGMENT = 11;
/** More bytes in the file than in memory, or an alignment that is none or isn't kept. */
export const ELF_BAD_SEGMENT = 12;
/** Outside of the addresses of images, or around the end of all. */
export const ELF_OUT_OF_RANGE = 13;
/** Not in the order of addresses, or two on one page. */
export const ELF_OVERLAP = 14;
/** A segment that can't be read, or has unknown rights. */
export const ELF_BAD_RIGHTS = 15;
/** Writable and executable, be it a segment or the stack. */
export const ELF_WRITE_EXECUTE = 16;
/** Not in the file's part of an executable segment. */
export const ELF_BAD_ENTRY = 17;
/** More pages than an image may have, or more stack. */
export const ELF_TOO_LARGE = 18;
/** For no address of its own (-pie, -static-pie): something would have to relocate it. */
export const ELF_POSITION_INDEPENDENT = 19;
/** Arguments or environment: the last string doesn't end; too many; too many bytes, or for this stack. */
export const ELF_BAD_ARGUMENTS = 20;
export const ELF_TOO_MANY_ARGUMENTS = 21;
export const ELF_ARGUMENTS_TOO_LARGE = 22;
