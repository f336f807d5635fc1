/** The decoder for the host: disassembly, and the tests. Nothing of it is machine state. */
import { decode } from "./decode";
import { Instruction } from "./instruction";
import { HOST_BASE } from "../memory";

/** Where `decodeFor` puts what it finds, in the host window. */
export const DECODED_INSTRUCTION: usize = HOST_BASE + 0x400;

/** Decodes from `at`, an address of the WebAssembly memory; the answer is one of instruction.ts. */
export function decodeFor(at: usize, available: u32, mode: u32): u32 {
  return decode(at, available, mode, changetype<Instruction>(DECODED_INSTRUCTION));
}
