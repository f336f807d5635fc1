/** A test's hands on the AHCI controller: registers, command lists and frames, byte by byte. */
import { RAM_BASE } from "../core.ts";
import type { DriveOptions } from "../drives.ts";
import { Machine } from "../machine.ts";
import { advance } from "./clock.ts";
import { configWrite, enableBar, findCapability, pciAddress } from "./pci.ts";

export const AHCI_FUNCTION = pciAddress(0, 31, 2);
/** Where the test keeps its structures in RAM; data lie from DATA on. */
export const LIST = 0x20_0000;
export const FRAMES = 0x20_1000;
export const TABLES = 0x20_2000;
export const DATA = 0x40_0000;
/** Room for a command table with 248 PRDT entries. */
const TABLE_BYTES = 0x1000;
const MESSAGE = 0x20_1800;

export interface Entry {
  readonly address: number;
  readonly bytes: number;
  readonly interrupt?: boolean;
}

export interface Command {
  readonly opcode: number;
  readonly lba?: number;
  readonly count?: number;
  readonly features?: number;
  readonly device?: number;
  readonly write?: boolean;
  readonly entries?: readonly Entry[];
}

/** Bytes of a register FIS, host to device (Serial ATA, 10.5.5). */
export function registerFis(command: Command): Uint8Array {
  const { lba = 0, count = 0, features = 0 } = command;
  const byte = (value: number, n: number) => Math.floor(value / 256 ** n) & 0xff;
  return Uint8Array.from([
    ...[0x27, 0x80, command.opcode, byte(features, 0)],
    ...[byte(lba, 0), byte(lba, 1), byte(lba, 2), command.device ?? 0x40],
    ...[byte(lba, 3), byte(lba, 4), byte(lba, 5), byte(features, 1)],
    ...[byte(count, 0), byte(count, 1), 0, 0],
    ...[0, 0, 0, 0],
  ]);
}

export class AhciBench {
  readonly machine: Machine;
  readonly base: bigint;

  constructor(machine: Machine) {
    this.machine = machine;
    this.base = enableBar(machine, AHCI_FUNCTION, 5);
  }

  static async create(...drives: DriveOptions[]): Promise<AhciBench> {
    const attached = drives.map((drive) => ({ interface: "ahci" as const, ...drive }));
    const machine = await Machine.create({ memory: 16 << 20, drives: attached, start: false });
    return new AhciBench(machine);
  }

  /** Links up, engines running, interrupts of the port enabled. */
  start(): this {
    this.wait();
    this.clearErrors();
    this.write(0x100, LIST);
    this.write(0x104, 0);
    this.write(0x108, FRAMES);
    this.write(0x10c, 0);
    this.write(0x114, 0xffff_ffff);
    this.write(0x118, 0x11);
    this.wait(10_000n);
    return this;
  }

  clearErrors(): void {
    this.write(0x130, 0xffff_ffff);
    this.write(0x110, 0xffff_ffff);
    this.write(0x08, 0xffff_ffff);
  }

  read(offset: number, bytes = 4): number {
    return Number(this.machine.core.sim.physicalRead(this.base + BigInt(offset), bytes));
  }

  write(offset: number, value: number, bytes = 4): void {
    this.machine.core.sim.physicalWrite(this.base + BigInt(offset), bytes, BigInt(value));
  }

  /** Lets time pass: 50 ms unless said otherwise. */
  wait(cycles = 50_000_000n): void {
    advance(this.machine, cycles);
  }

  ram(address: number, bytes: number): Uint8Array {
    return this.machine.core.bytes.subarray(RAM_BASE + address, RAM_BASE + address + bytes);
  }

  ram32(address: number): number {
    return this.machine.core.data.getUint32(RAM_BASE + address, true);
  }

  setRam32(address: number, value: number): void {
    this.machine.core.data.setUint32(RAM_BASE + address, value, true);
  }

  /** Puts a command into `slot` of the list without issuing it. */
  prepare(slot: number, command: Command): void {
    const entries = command.entries ?? [];
    const table = TABLES + slot * TABLE_BYTES;
    const header = LIST + slot * 32;
    this.ram(header, 32).fill(0);
    this.setRam32(header, 5 | (command.write ? 0x40 : 0) | (entries.length << 16));
    this.setRam32(header + 8, table);
    this.ram(table, 128).fill(0);
    this.ram(table, 20).set(registerFis(command));
    entries.forEach(({ address, bytes, interrupt }, n) => {
      const entry = table + 0x80 + n * 16;
      this.setRam32(entry, address);
      this.setRam32(entry + 4, 0);
      this.setRam32(entry + 8, 0);
      this.setRam32(entry + 12, ((bytes - 1) | (interrupt ? 0x8000_0000 : 0)) >>> 0);
    });
  }

  /** Issues a command in slot 0, waits, and returns the task file. */
  execute(command: Command): { status: number; error: number } {
    this.prepare(0, command);
    this.write(0x138, 1);
    this.wait();
    const taskFile = this.read(0x120);
    return { status: taskFile & 0xff, error: taskFile >> 8 };
  }

  /** Clears ST, waits for CR, sets ST again: what software does after an error (6.2.2). */
  restart(): void {
    this.write(0x118, 0x10);
    this.wait(10_000n);
    this.clearErrors();
    this.write(0x118, 0x11);
    this.wait(10_000n);
  }

  /** MSI into a word of RAM, and GHC.IE; returns a function that takes the message, or 0. */
  messages(): () => number {
    const at = findCapability(this.machine, AHCI_FUNCTION, 0x05);
    configWrite(this.machine, AHCI_FUNCTION, at + 4, 4, MESSAGE);
    configWrite(this.machine, AHCI_FUNCTION, at + 12, 2, 0x1234);
    configWrite(this.machine, AHCI_FUNCTION, at + 2, 2, 1);
    this.write(0x04, 2);
    return () => {
      const value = this.ram32(MESSAGE);
      this.setRam32(MESSAGE, 0);
      return value;
    };
  }
}

/** A drive's bytes, each different from its neighbours. */
export function pattern(bytes: number): Uint8Array {
  const image = new Uint8Array(bytes);
  for (let n = 0; n < bytes; n++) image[n] = n * 31 + (n >> 9) * 7;
  return image;
}
