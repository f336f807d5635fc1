/** Names of the reasons in elf_errors.ts. */
import * as errors from "./elf_errors";

export function elfErrorName(error: u32): string {
  switch (error) {
    case errors.ELF_OK:
      return "ok";
    case errors.ELF_TRUNCATED:
      return "truncated";
    case errors.ELF_NOT_ELF:
      return "not-elf";
    case errors.ELF_NOT_64:
      return "not-64-bit";
    case errors.ELF_BAD_HEADER:
      return "bad-header";
    case errors.ELF_NOT_X86_64:
      return "not-x86-64";
    case errors.ELF_NOT_EXECUTABLE:
      return "not-executable";
    case errors.ELF_DYNAMIC:
      return "dynamic";
    case errors.ELF_THREAD_LOCAL:
      return "thread-local";
    case errors.ELF_TOO_MANY_HEADERS:
      return "too-many-headers";
    case errors.ELF_TOO_MANY_SEGMENTS:
      return "too-many-segments";
    case errors.ELF_NO_SEGMENT:
      return "no-segment";
    case errors.ELF_BAD_SEGMENT:
      return "bad-segment";
    case errors.ELF_OUT_OF_RANGE:
      return "out-of-range";
    case errors.ELF_OVERLAP:
      return "overlap";
    case errors.ELF_BAD_RIGHTS:
      return "bad-rights";
    case errors.ELF_WRITE_EXECUTE:
      return "write-and-execute";
    case errors.ELF_BAD_ENTRY:
      return "bad-entry";
    case errors.ELF_TOO_LARGE:
      return "too-large";
    case errors.ELF_POSITION_INDEPENDENT:
      return "position-independent";
    case errors.ELF_BAD_ARGUMENTS:
      return "bad-arguments";
    case errors.ELF_TOO_MANY_ARGUMENTS:
      return "too-many-arguments";
    case errors.ELF_ARGUMENTS_TOO_LARGE:
      return "arguments-too-large";
    default:
      return "unknown";
  }
}
