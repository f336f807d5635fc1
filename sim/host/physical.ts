/** The guest's memory as someone outside sees it. Looking never changes the machine. */
import { type Core, RAM_BASE } from "./core.ts";
import { MachineError } from "./errors.ts";
import type { Input } from "./inputs.ts";

/** RAM is split around the 32-bit PCI hole (sim/core/memory.ts). */
export const LOW_RAM_MAX = 0x8000_0000;
export const HIGH_RAM_BASE = 0x1_0000_0000;
const PAGE_BYTES = 4096;
const NOT_MAPPED = 0xffff_ffff_ffff_ffffn;

const hex = (value: number | bigint) => `0x${value.toString(16)}`;

export class PhysicalMemory {
  private readonly core: Core;
  private readonly give: (input: Input) => bigint;
  /** RAM in bytes. */
  readonly size: number;

  constructor(core: Core, ramBytes: number, give: (input: Input) => bigint) {
    this.core = core;
    this.size = ramBytes;
    this.give = give;
  }

  /**
   * `length` bytes of RAM at physical `address`: a window, not a copy, so it changes as the machine
   * runs. For looking: what is written into it is missing from the journal; use `write`.
   * @throws MachineError bad-address when the span is not all RAM (a device is not RAM)
   */
  bytes(address: number | bigint, length: number): Uint8Array {
    const at = this.linear(Number(address), length);
    this.core.sim.fetchFrames(at, length);
    return this.core.bytes.subarray(at, at + length);
  }

  /** A copy of `length` bytes of RAM. @throws MachineError bad-address */
  read(address: number | bigint, length: number): Uint8Array {
    return this.bytes(address, length).slice();
  }

  /** A number of 1, 2, 4 or 8 bytes in RAM. @throws MachineError bad-address */
  number(address: number | bigint, width: 1 | 2 | 4 | 8): bigint {
    let value = 0n;
    for (const byte of this.read(address, width).reverse()) value = (value << 8n) | BigInt(byte);
    return value;
  }

  /** Changes RAM; a journaled input. @throws MachineError bad-address */
  write(address: number | bigint, bytes: Uint8Array): void {
    const at = this.linear(Number(address), bytes.length);
    this.give({ kind: "memory", at, bytes: bytes.slice() });
  }

  private linear(address: number, length: number): number {
    const low = Math.min(this.size, LOW_RAM_MAX);
    if (
      Number.isSafeInteger(address) &&
      Number.isSafeInteger(length) &&
      address >= 0 &&
      length >= 0
    ) {
      if (address + length <= low) return RAM_BASE + address;
      const offset = address - HIGH_RAM_BASE;
      if (offset >= 0 && offset + length <= this.size - low) return RAM_BASE + low + offset;
    }
    throw new MachineError(
      "bad-address",
      `physical ${hex(address)}, ${length} bytes: not all of it is RAM (${this.size} bytes, split at ${hex(LOW_RAM_MAX)})`,
    );
  }
}

/** Linear addresses as one CPU translates them now, without setting flags or filling its TLB. */
export class VirtualMemory {
  private readonly core: Core;
  private readonly physical: PhysicalMemory;
  private readonly cpu: number;

  constructor(core: Core, physical: PhysicalMemory, cpu: number) {
    this.core = core;
    this.physical = physical;
    this.cpu = cpu;
  }

  /** Physical address behind `address`, or null where nothing is mapped. */
  translate(address: bigint): bigint | null {
    const physical = BigInt.asUintN(64, this.core.sim.peekTranslate(this.cpu, address));
    return physical === NOT_MAPPED ? null : physical;
  }

  /**
   * A copy of `length` bytes at linear `address`.
   * @throws MachineError not-mapped, or bad-address when what is mapped there isn't RAM
   */
  read(address: bigint, length: number): Uint8Array {
    const result = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const at = BigInt.asUintN(64, address + BigInt(done));
      const span = Math.min(length - done, PAGE_BYTES - Number(at & BigInt(PAGE_BYTES - 1)));
      const physical = this.translate(at);
      if (physical === null)
        throw new MachineError("not-mapped", `CPU ${this.cpu}: linear ${hex(at)} is not mapped`);
      result.set(this.physical.bytes(physical, span), done);
      done += span;
    }
    return result;
  }
}
