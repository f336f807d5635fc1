/** Everything that can enter a running machine. Each is applied between two micro-steps. */
import * as Fault from "../spec/faults.ts";
import type { Core } from "./core.ts";
import { MachineError } from "./errors.ts";
import type { Integer } from "./programs.ts";

/** Width of a single access in bytes. */
export type Width = 1 | 2 | 4 | 8;

export type Input =
  /** A byte arrives at the first serial port. */
  | { readonly kind: "serial"; readonly byte: number }
  /** A frame arrives at the network controller. */
  | { readonly kind: "frame"; readonly bytes: Uint8Array }
  | { readonly kind: "power-button" }
  /** A fault is armed; numbers of sim/spec/faults.ts. */
  | {
      readonly kind: "fault";
      readonly fault: number;
      readonly source: number;
      readonly skip: number;
      readonly argument: bigint;
    }
  /** A bus access: RAM or a memory-mapped register. A read may change the device, too. */
  | { readonly kind: "bus-read"; readonly address: bigint; readonly width: Width }
  | {
      readonly kind: "bus-write";
      readonly address: bigint;
      readonly width: Width;
      readonly value: bigint;
    }
  | { readonly kind: "port-read"; readonly port: number; readonly width: Width }
  | {
      readonly kind: "port-write";
      readonly port: number;
      readonly width: Width;
      readonly value: number;
    }
  /** The next operation of the agent on a CPU that waits for it: a system call (programs.ts). */
  | {
      readonly kind: "agent";
      readonly cpu: number;
      readonly cycles: number;
      readonly call: Integer;
      readonly args: readonly Integer[];
    }
  /** An access to memory as that agent, within one page. */
  | {
      readonly kind: "agent-store";
      readonly cpu: number;
      readonly address: Integer;
      readonly bytes: Uint8Array;
    }
  | {
      readonly kind: "agent-load";
      readonly cpu: number;
      readonly address: Integer;
      readonly length: number;
    }
  /** A store on one page, a chain of calls whose first record is at `chain`, and a load on one page. */
  | {
      readonly kind: "agent-chain";
      readonly cpu: number;
      readonly cycles: number;
      readonly chain: number;
      readonly to: number;
      readonly bytes: Uint8Array;
      readonly from: number;
      readonly length: number;
    }
  /** It has no operation any more: it faults. */
  | { readonly kind: "agent-fault"; readonly cpu: number }
  /** Bytes of linear memory are changed: RAM in bulk, or a field through a typed view. */
  | { readonly kind: "memory"; readonly at: number; readonly bytes: Uint8Array }
  /**
   * The same by a debugger while CPU `cpu` was paused in its turn, at `clock`. The only input within a
   * micro-step: the one that makes the number of steps what it is.
   */
  | {
      readonly kind: "debug";
      readonly cpu: number;
      readonly clock: bigint;
      readonly at: number;
      readonly bytes: Uint8Array;
    };

/** Inputs that a CPU asks for: they come when it does, whatever a run's limit. */
export function isAgentInput({ kind }: Input): boolean {
  return kind.startsWith("agent");
}

/** Whether `given` is the input that `noted` is, whatever it has beside. */
export function sameInput(noted: Input, given: Input): boolean {
  const fields = given as unknown as Record<string, unknown>;
  return Object.entries(noted).every(([name, value]) => sameValue(value, fields[name]));
}

function sameValue(a: unknown, b: unknown): boolean {
  if (a instanceof Uint8Array && b instanceof Uint8Array)
    return a.length === b.length && a.every((byte, n) => byte === b[n]);
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, n) => sameValue(item, b[n]));
  const numbers = isNumber(a) && isNumber(b);
  return numbers ? BigInt.asUintN(64, BigInt(a)) === BigInt.asUintN(64, BigInt(b)) : a === b;
}

const isNumber = (value: unknown): value is Integer =>
  typeof value === "number" || typeof value === "bigint";

/** Names of the faults that a test can arm (sim/spec/faults.ts says what each does). */
export const FAULTS = {
  timeout: Fault.FAULT_TIMEOUT,
  error: Fault.FAULT_ERROR,
  "interrupt-lost": Fault.FAULT_INTERRUPT_LOST,
  "interrupt-spurious": Fault.FAULT_INTERRUPT_SPURIOUS,
  "dma-stray": Fault.FAULT_DMA_STRAY,
  vanish: Fault.FAULT_VANISH,
} as const;
export type FaultName = keyof typeof FAULTS;

/** Gives the input to the machine; what a read found, or 1 when it was taken and 0 when not. */
export function applyInput(core: Core, input: Input): bigint {
  const { sim } = core;
  switch (input.kind) {
    case "serial":
      return BigInt(sim.uartReceive(input.byte));
    case "frame":
      return BigInt(receiveFrame(core, input.bytes));
    case "power-button":
      sim.pressPowerButton();
      return 1n;
    case "fault":
      return BigInt(sim.armFault(input.fault, input.source, input.skip, input.argument));
    case "bus-read":
      return BigInt.asUintN(64, sim.physicalRead(input.address, input.width));
    case "bus-write":
      sim.physicalWrite(input.address, input.width, input.value);
      return 1n;
    case "port-read":
      return BigInt(sim.portRead(input.port, input.width) >>> 0);
    case "port-write":
      sim.portWrite(input.port, input.width, input.value);
      return 1n;
    case "agent":
      return BigInt(core.agents.call(input));
    case "agent-store":
      return BigInt(core.agents.store(input.cpu, input.address, input.bytes));
    case "agent-load":
      return BigInt(core.agents.load(input.cpu, input.address, input.length));
    case "agent-chain":
      return BigInt(core.agents.chain(input));
    case "agent-fault":
      return BigInt(core.agents.fault(input.cpu));
    case "memory":
    case "debug":
      sim.memoryChanged(input.at, input.bytes.length);
      core.bytes.set(input.bytes, input.at);
      return 1n;
  }
}

function receiveFrame(core: Core, bytes: Uint8Array): number {
  const { nicReceive } = core.sim;
  if (!nicReceive) return 0;
  core.bytes.set(bytes, core.hostBuffer);
  return nicReceive(core.hostBuffer, bytes.length) ? 1 : 0;
}

/** An Ethernet frame without its checksum: header 14 bytes, payload at most 9,000 (jumbo). */
export const FRAME_BYTES_MIN = 14;
export const FRAME_BYTES_MAX = 9014;

export function checkFrame(bytes: Uint8Array): void {
  if (bytes.length >= FRAME_BYTES_MIN && bytes.length <= FRAME_BYTES_MAX) return;
  throw new MachineError(
    "bad-argument",
    `frame: ${bytes.length} bytes; an Ethernet frame has ${FRAME_BYTES_MIN} to ${FRAME_BYTES_MAX}`,
  );
}

export function checkWidth(width: number, most: 4 | 8): asserts width is Width {
  if ([1, 2, 4, 8].includes(width) && width <= most) return;
  throw new MachineError(
    "bad-argument",
    `width: ${width}; an access has 1, 2, 4${most === 8 ? " or 8" : ""} bytes`,
  );
}
