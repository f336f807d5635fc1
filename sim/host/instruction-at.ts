/** The instruction at an address of a machine's CPU, for reports. Looking never changes the machine. */
import { CODE_16, CODE_32, CODE_64, Decoder } from "./decoder.ts";
import { type Disassembled, disassemble } from "./disassemble.ts";
import { MachineError } from "./errors.ts";
import type { Machine } from "./machine.ts";
import type { VirtualMemory } from "./physical.ts";
import type { Cpu } from "./views.generated.ts";

const EFER_LMA = 0x400n;
/** Of a code segment's attributes: 64-bit code, and 32-bit code if it isn't (Intel SDM 3A, 5.2.1). */
const ATTRIBUTE_L = 0x200;
const ATTRIBUTE_D = 0x400;
const SEGMENT_CS = 1;
const INSTRUCTION_BYTES_MAX = 15;

/** Size of the code that a CPU executes. */
function codeMode(cpu: Cpu): number {
  const { attributes } = cpu.segmentsAt(SEGMENT_CS);
  if ((cpu.efer & EFER_LMA) !== 0n && (attributes & ATTRIBUTE_L) !== 0) return CODE_64;
  return (attributes & ATTRIBUTE_D) !== 0 ? CODE_32 : CODE_16;
}

/**
 * The instruction at `rip` in CPU `cpu`'s code segment, in the mode in which the CPU is now; null
 * where nothing is mapped, or no RAM is.
 */
export function instructionAt(machine: Machine, cpu: number, rip: bigint): Disassembled | null {
  const state = machine.state.cpusAt(cpu);
  const mode = codeMode(state);
  const base = mode === CODE_64 ? 0n : state.segmentsAt(SEGMENT_CS).base;
  const code = readable(machine.virtual(cpu), base + rip);
  if (code.length === 0) return null;
  return disassemble(new Decoder(machine.core), code, mode, rip);
}

/** The bytes from `address` on that can be read, fifteen at most. */
function readable(memory: VirtualMemory, address: bigint): Uint8Array {
  const whole = tryRead(memory, address, INSTRUCTION_BYTES_MAX);
  if (whole !== null) return whole;
  // The rest of the page: the next one isn't there.
  const rest = 4096 - Number(address & 4095n);
  return tryRead(memory, address, Math.min(rest, INSTRUCTION_BYTES_MAX)) ?? new Uint8Array();
}

function tryRead(memory: VirtualMemory, address: bigint, bytes: number): Uint8Array | null {
  try {
    return memory.read(address, bytes);
  } catch (error) {
    if (error instanceof MachineError) return null;
    throw error;
  }
}
