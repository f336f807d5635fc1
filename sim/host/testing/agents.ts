/** Machines with the kernel of hal/testing/agents.ts, and the table that tells it whom to run. */
import {
  REGISTER_R14,
  REGISTER_R15,
  REGISTER_RBX,
  REGISTER_RDX,
  RUNTIME_BYTES,
  RUNTIME_HOST,
  RUNTIME_SYNTHETIC,
  USER_TEXT,
} from "../../spec/user.ts";
import { Machine, type MachineOptions } from "../machine.ts";
import { loadModules } from "../modules.ts";

const AGENTS = 0x40_0000;
const AGENT_BYTES = 256;
const MEMORY = 0x80_0000;
/** Memory of an agent, which appears page by page as it is touched. */
export const MEMORY_BYTES = 0x4_0000;
const READY = 1;

/** System calls of the kernel. */
export const CALL_YIELD = 0;
export const CALL_ADD = 1;
export const CALL_END = 2;
export const CALL_SPAWN = 3;
export const CALL_ERROR = 4;
export const CALL_INTERRUPT = 5;

export const hostRuntime = USER_TEXT + RUNTIME_HOST * RUNTIME_BYTES;
export const syntheticRuntime = USER_TEXT + RUNTIME_SYNTHETIC * RUNTIME_BYTES;

export async function agentsMachine(options: MachineOptions = {}): Promise<Machine> {
  const modules = options.modules ?? (await loadModules("hal-agents"));
  return Machine.create({ memory: 32 * 1024 * 1024, ...options, modules });
}

/** Linear address of the memory of the agent in `slot`. */
export const memoryOf = (slot: number) => 0x4000_0000 + slot * 0x20_0000;
/** Where that is in RAM. */
export const physicalOf = (slot: number) => MEMORY + slot * MEMORY_BYTES;

/** Makes an agent ready: as the kernel's system call does it, but from outside. Its ID is slot + 1. */
export function addAgent(
  machine: Machine,
  slot: number,
  rip: number,
  registers: Readonly<Record<number, number>> = {},
): void {
  const view = new DataView(new ArrayBuffer(AGENT_BYTES));
  view.setUint32(0, READY, true);
  view.setBigUint64(8, BigInt(rip), true);
  view.setBigUint64(16, 0x202n, true);
  const set = (register: number, value: number) =>
    view.setBigUint64(24 + 8 * register, BigInt(value), true);
  set(REGISTER_R14, slot + 1);
  for (const [register, value] of Object.entries(registers)) set(Number(register), value);
  machine.physical.write(AGENTS + slot * AGENT_BYTES, new Uint8Array(view.buffer));
}

/** An agent whose program, with this number, is TypeScript. */
export function addHostAgent(machine: Machine, slot: number, program: number, argument = 0): void {
  addAgent(machine, slot, hostRuntime, { [REGISTER_R15]: program, [REGISTER_RDX]: argument });
}

/** An agent of synthetic instructions, which are at the beginning of its memory. */
export function addSyntheticAgent(
  machine: Machine,
  slot: number,
  program: readonly Uint8Array[],
): void {
  for (const [n, code] of program.entries())
    machine.physical.write(physicalOf(slot) + 32 * n, code);
  addAgent(machine, slot, syntheticRuntime, { [REGISTER_RBX]: memoryOf(slot) });
}

/** State of the agent in a slot, and the vector that has ended it, or null. */
export function agentState(
  machine: Machine,
  slot: number,
): { readonly state: number; readonly vector: number | null } {
  const at = AGENTS + slot * AGENT_BYTES;
  const exception = Number(machine.physical.number(at + 4, 4));
  return {
    state: Number(machine.physical.number(at, 4)),
    vector: exception === 0 ? null : exception - 1,
  };
}
