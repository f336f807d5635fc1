/** `machine.input`: what a person or a test does to a machine from outside. All is journaled. */
import { UART_LSR_BREAK, UART_LSR_FRAMING } from "../spec/uart.ts";
import { ADDRESS_NAMES, deviceAddress } from "./devices.ts";
import type { Engine } from "./engine.ts";
import { MachineError } from "./errors.ts";
import { checkFrame, checkWidth, FAULTS, type FaultName, type Width } from "./inputs.ts";
import { checkSeed } from "./options.ts";
import { RecordingDataView } from "./recording.ts";
import { Machine as MachineState, Rdseed } from "./views.generated.ts";

/** Bytes that may wait for the serial port. */
const SERIAL_WAITING_MAX = 1024 * 1024;
/** Numbers of 64 bits in a block of the key stream (sim/core/cpu/rdseed.ts). */
const DRAWS_A_BLOCK = 8n;
/** A byte of zeroes with break and framing error noted above it (sim/core/devices/uart.ts). */
const SERIAL_BREAK = (UART_LSR_BREAK | UART_LSR_FRAMING) << 8;

export class InputPort {
  private readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  /**
   * Types on the first serial port. Bytes for which the port has no room wait on the line, up to
   * 1 MiB, and go in as the guest reads.
   * @throws MachineError bad-argument when more than that would wait
   */
  serial(data: string | Uint8Array): void {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    const { engine } = this;
    if (engine.serial.length + bytes.length > SERIAL_WAITING_MAX)
      throw new MachineError(
        "bad-argument",
        `serial: ${bytes.length} bytes more than the 1 MiB that may wait for the port`,
      );
    for (const byte of bytes) engine.serial.push(byte);
    engine.feedSerial();
  }

  /** The first serial port's line is held in the break condition; false when it has no room. */
  serialBreak(): boolean {
    return this.engine.give({ kind: "serial", byte: SERIAL_BREAK }) !== 0n;
  }

  /** An Ethernet frame arrives; false when the controller has no buffer for it and drops it. */
  frame(bytes: Uint8Array): boolean {
    checkFrame(bytes);
    return this.engine.give({ kind: "frame", bytes: bytes.slice() }) !== 0n;
  }

  /**
   * New entropy, 32 bytes, for what RDSEED and RDRAND give from now on: without, copies of a machine that
   * get the same inputs draw the same numbers.
   * @throws MachineError bad-seed
   */
  reseed(seed: Uint8Array): void {
    checkSeed(seed);
    const { engine } = this;
    const recording = new RecordingDataView(engine.core.memory.buffer, (at, bytes) =>
      engine.give({ kind: "memory", at, bytes }),
    );
    const state = new MachineState(recording, engine.state.address);
    const words = new DataView(seed.buffer, seed.byteOffset);
    state.entropy0 = words.getBigUint64(0, true);
    state.entropy1 = words.getBigUint64(8, true);
    state.entropy2 = words.getBigUint64(16, true);
    state.entropy3 = words.getBigUint64(24, true);
    // What is left of the key stream's present block is still of the old seed.
    const source = new Rdseed(recording, engine.state.rdseed);
    source.drawn = (source.drawn + DRAWS_A_BLOCK - 1n) & -DRAWS_A_BLOCK;
  }

  powerButton(): void {
    this.engine.give({ kind: "power-button" });
  }

  /**
   * Arms a fault on a device: "nvme", "ahci", "nic", a place like "01:00.0" or its number.
   * `skip`: occasions that pass first; `argument`: a status or an address, as the fault has it.
   * @throws MachineError bad-argument for an unknown device, faults-full when 64 are armed
   */
  fault(
    fault: FaultName,
    device: string | number,
    options: { readonly skip?: number; readonly argument?: number | bigint } = {},
  ): void {
    const number = FAULTS[fault];
    if (number === undefined)
      throw new MachineError(
        "bad-argument",
        `fault: "${fault}"; there are ${Object.keys(FAULTS).join(", ")}`,
      );
    const source = typeof device === "number" ? device : deviceAddress(device);
    if (source === null)
      throw new MachineError(
        "bad-argument",
        `fault: no device "${device}"; names are ${ADDRESS_NAMES.join(", ")} and places like 01:00.0`,
      );
    const armed = this.engine.give({
      kind: "fault",
      fault: number,
      source: source & 0xffff,
      skip: options.skip ?? 0,
      argument: BigInt(options.argument ?? 0),
    });
    if (armed === 0n) throw new MachineError("faults-full", "fault: 64 faults are armed already");
  }

  /** Writes to physical memory as a bus access: RAM or a device's register. */
  poke(address: number | bigint, width: Width, value: number | bigint): void {
    checkWidth(width, 8);
    const input = { kind: "bus-write", address: BigInt(address), width, value: BigInt(value) };
    this.engine.give(input as { kind: "bus-write"; address: bigint; width: Width; value: bigint });
  }

  /** Reads physical memory as a bus access; a device may change by it, so this is an input. */
  peek(address: number | bigint, width: Width): bigint {
    checkWidth(width, 8);
    return this.engine.give({ kind: "bus-read", address: BigInt(address), width });
  }

  /** OUT. */
  pokePort(port: number, width: Width, value: number): void {
    checkWidth(width, 4);
    this.engine.give({ kind: "port-write", port: port & 0xffff, width, value: value >>> 0 });
  }

  /** IN; a device may change by it, so this is an input. */
  peekPort(port: number, width: Width): number {
    checkWidth(width, 4);
    return Number(this.engine.give({ kind: "port-read", port: port & 0xffff, width }));
  }
}
