/** A test's hands on the virtio network controller: a split virtqueue driver in plain TypeScript. */

import { PCI_MEMORY_BASE } from "../../spec/platform.ts";
import { HOST_BUFFER, RAM_BASE } from "../core.ts";
import { Machine } from "../machine.ts";
import { advance } from "./clock.ts";
import { configRead, configWrite, enableBar, findCapability, pciAddress } from "./pci.ts";

export const NIC_FUNCTION = pciAddress(0, 2);
export const MAC = [0x52, 0x54, 0x00, 0x12, 0x34, 0x56];
/** Queue n has its descriptors here, its driver ring 1,000h and its device ring 2,000h behind. */
export const QUEUES = 0x20_0000;
const QUEUE_STRIDE = 0x4000;
export const BUFFERS = 0x30_0000;
/** Where MSI-X vector n writes n + 1. */
export const MESSAGES = 0x2f_0000;

export interface Descriptor {
  readonly address: number;
  readonly bytes: number;
  readonly flags?: number;
  readonly next?: number;
}

export class VirtioBench {
  readonly machine: Machine;
  readonly base: bigint;

  constructor(machine: Machine) {
    this.machine = machine;
    enableBar(machine, NIC_FUNCTION, 1, PCI_MEMORY_BASE + 0x10_0000);
    this.base = enableBar(machine, NIC_FUNCTION, 4, PCI_MEMORY_BASE);
  }

  static async create(): Promise<VirtioBench> {
    return new VirtioBench(await Machine.create({ memory: 16 << 20, nic: MAC, start: false }));
  }

  read(offset: number, bytes = 4): number {
    return Number(this.machine.core.sim.physicalRead(this.base + BigInt(offset), bytes));
  }

  write(offset: number, value: number, bytes = 4): void {
    this.machine.core.sim.physicalWrite(this.base + BigInt(offset), bytes, BigInt(value));
  }

  wait(cycles = 1_000_000n): void {
    advance(this.machine, cycles);
  }

  ram(address: number, bytes: number): Uint8Array {
    return this.machine.core.bytes.subarray(RAM_BASE + address, RAM_BASE + address + bytes);
  }

  view(address: number): DataView {
    return new DataView(this.machine.core.memory.buffer, RAM_BASE + address);
  }

  /** MSI-X on: each vector writes its number + 1 into RAM. */
  messages(): void {
    const { sim } = this.machine.core;
    const table = BigInt(PCI_MEMORY_BASE + 0x10_0000);
    for (let n = 0; n < 3; n++) {
      sim.physicalWrite(table + BigInt(n * 16), 4, BigInt(MESSAGES + n * 4));
      sim.physicalWrite(table + BigInt(n * 16 + 4), 4, 0n);
      sim.physicalWrite(table + BigInt(n * 16 + 8), 4, BigInt(n + 1));
      sim.physicalWrite(table + BigInt(n * 16 + 12), 4, 0n);
    }
    const at = findCapability(this.machine, NIC_FUNCTION, 0x11);
    configWrite(this.machine, NIC_FUNCTION, at + 2, 2, 0x8000);
  }

  /** Whether vector n wrote its message since the last time. */
  takeMessage(n: number): boolean {
    const view = this.view(MESSAGES + n * 4);
    const value = view.getUint32(0, true);
    view.setUint32(0, 0, true);
    return value === n + 1;
  }

  /** Negotiates `features` (32 bits of each half) and gives both queues `size` descriptors. */
  start(size = 8, low = 0x0001_0020, high = 3): this {
    this.write(0x14, 0, 1);
    this.write(0x14, 1, 1);
    this.write(0x14, 3, 1);
    this.write(0x08, 0);
    this.write(0x0c, low);
    this.write(0x08, 1);
    this.write(0x0c, high);
    this.write(0x14, 11, 1);
    this.write(0x10, 0, 2);
    for (let n = 0; n < 2; n++) {
      this.ram(QUEUES + n * QUEUE_STRIDE, QUEUE_STRIDE).fill(0);
      this.write(0x16, n, 2);
      this.write(0x18, size, 2);
      this.write(0x1a, n + 1, 2);
      this.write(0x20, QUEUES + n * QUEUE_STRIDE, 8);
      this.write(0x28, QUEUES + n * QUEUE_STRIDE + 0x1000, 8);
      this.write(0x30, QUEUES + n * QUEUE_STRIDE + 0x2000, 8);
      this.write(0x1c, 1, 2);
    }
    this.write(0x14, 15, 1);
    return this;
  }

  describe(
    table: number,
    index: number,
    { address, bytes, flags = 0, next = 0 }: Descriptor,
  ): void {
    const view = this.view(table + index * 16);
    view.setBigUint64(0, BigInt(address), true);
    view.setUint32(8, bytes, true);
    view.setUint16(12, flags, true);
    view.setUint16(14, next, true);
  }

  descriptor(queue: number, index: number, descriptor: Descriptor): void {
    this.describe(QUEUES + queue * QUEUE_STRIDE, index, descriptor);
  }

  /** Makes the chain that begins at `head` available, without a notification. */
  offer(queue: number, head: number, size = 8): void {
    const ring = this.view(QUEUES + queue * QUEUE_STRIDE + 0x1000);
    const index = ring.getUint16(2, true);
    ring.setUint16(4 + (index % size) * 2, head, true);
    ring.setUint16(2, (index + 1) & 0xffff, true);
  }

  notify(queue: number): void {
    this.write(0x3000 + queue * 4, queue, 2);
  }

  usedIndex(queue: number): number {
    return this.view(QUEUES + queue * QUEUE_STRIDE + 0x2000).getUint16(2, true);
  }

  used(queue: number, entry: number): { id: number; bytes: number } {
    const view = this.view(QUEUES + queue * QUEUE_STRIDE + 0x2004 + entry * 8);
    return { id: view.getUint32(0, true), bytes: view.getUint32(4, true) };
  }

  driverRing(queue: number): DataView {
    return this.view(QUEUES + queue * QUEUE_STRIDE + 0x1000);
  }

  deviceRing(queue: number): DataView {
    return this.view(QUEUES + queue * QUEUE_STRIDE + 0x2000);
  }

  /** A frame from outside; whether the controller took it. */
  receive(frame: Uint8Array): boolean {
    const { bytes, sim } = this.machine.core;
    bytes.set(frame, HOST_BUFFER);
    return Boolean(sim.nicReceive(HOST_BUFFER, frame.length));
  }

  /** Vendor capabilities by type: BAR, offset, length and the capability's place. */
  structures(): Map<number, { at: number; bar: number; offset: number; length: number }> {
    const found = new Map<number, { at: number; bar: number; offset: number; length: number }>();
    let at = configRead(this.machine, NIC_FUNCTION, 0x34, 1);
    for (; at !== 0; at = configRead(this.machine, NIC_FUNCTION, at + 1, 1)) {
      if (configRead(this.machine, NIC_FUNCTION, at, 1) !== 9) continue;
      const read = (offset: number, bytes: number) =>
        configRead(this.machine, NIC_FUNCTION, at + offset, bytes);
      found.set(read(3, 1), { at, bar: read(4, 1), offset: read(8, 4), length: read(12, 4) });
    }
    return found;
  }
}

/** An Ethernet frame of `bytes` bytes with recognisable contents. */
export function frame(bytes: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, n) => (n * 7 + seed) & 0xff);
}
