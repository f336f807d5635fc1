/** A test's hands on a block driver: hal-testing.wasm serves a controller, the test gives it work. */
import {
  BlockBox,
  BlockController,
  type BlockDevice,
  BlockRequest,
} from "../../../hal/testing/views.generated.ts";
import * as Pci from "../../spec/pci.ts";
import { RAM_BASE } from "../core.ts";
import type { DriveOptions } from "../drives.ts";
import { Machine } from "../machine.ts";
import { loadModules } from "../modules.ts";
import { configRead, configWrite, enableBar, findCapability, pciAddress } from "./pci.ts";

const BOX = 0xe000;
/** "BLOK" */
const ACTIVE = 0x4b4f_4c42;
const WORDS = 0xf000;
const REQUESTS = 0x20_0000;
export const BUFFERS = 0x40_0000;
const DRIVER_MEMORY = 0x30_0000;
const MILLISECOND = 1_000_000n;
const START = 1;
const SUBMIT = 2;
const STOP = 3;

export const READ = 0;
export const WRITE = 1;
export const FLUSH = 2;
export const ZEROES = 3;
export const DISCARD = 4;

/** How the shared tests reach one driver's controller. */
export interface BlockDriver {
  readonly name: "nvme" | "ahci";
  /** BLOCK_DRIVER_ constant. */
  readonly driver: number;
  readonly address: number;
  readonly bar: number;
  /** Queues it can have. */
  readonly queues: number;
}

export const NVME: BlockDriver = {
  name: "nvme",
  driver: 1,
  address: pciAddress(1, 0),
  bar: 0,
  queues: 4,
};

export const AHCI: BlockDriver = {
  name: "ahci",
  driver: 2,
  address: pciAddress(0, 31, 2),
  bar: 5,
  queues: 1,
};

export interface Request {
  readonly operation: number;
  readonly lba?: number | bigint;
  readonly blocks?: number;
  /** Offset of the buffer from BUFFERS. */
  readonly buffer?: number;
}

export interface BenchOptions {
  readonly drives?: readonly DriveOptions[];
  /** Messages instead of polling. Default true. */
  readonly interrupts?: boolean;
  /** Time for a command. Default 1 ms. */
  readonly timeoutNs?: bigint;
  readonly queues?: number;
}

export class BlockBench {
  readonly machine: Machine;
  readonly target: BlockDriver;
  private submitted = 0;

  private constructor(machine: Machine, target: BlockDriver) {
    this.machine = machine;
    this.target = target;
  }

  /** A machine whose controller the driver has been told to start; `run` brings it up. */
  static async create(target: BlockDriver, options: BenchOptions = {}): Promise<BlockBench> {
    const drives = (options.drives ?? [{ data: new Uint8Array(1024 * 1024) }]).map((drive) => ({
      ...drive,
      interface: target.name,
    }));
    const modules = await loadModules("hal-testing");
    const machine = await Machine.create({ memory: 16 * 1024 * 1024, drives, modules });
    const bench = new BlockBench(machine, target);
    const { box } = bench;
    box.active = ACTIVE;
    box.driver = target.driver;
    box.registers = enableBar(machine, target.address, target.bar);
    box.memory = BigInt(DRIVER_MEMORY);
    box.requests = BigInt(REQUESTS);
    box.words = BigInt(WORDS);
    box.timeoutNs = options.timeoutNs ?? MILLISECOND;
    box.queues = options.queues ?? target.queues;
    box.vectors = options.interrupts === false ? 0 : bench.routeInterrupts();
    box.command = START;
    return bench;
  }

  /** The same, ready. */
  static async ready(target: BlockDriver, options: BenchOptions = {}): Promise<BlockBench> {
    const bench = await BlockBench.create(target, options);
    bench.runUntil(() => bench.controller.state !== 0 && bench.controller.state !== 1);
    return bench;
  }

  get box(): BlockBox {
    return new BlockBox(this.machine.core.data, RAM_BASE + BOX);
  }

  get controller(): BlockController {
    return new BlockController(this.machine.core.data, RAM_BASE + DRIVER_MEMORY);
  }

  device(index = 0): BlockDevice {
    return this.controller.devicesAt(index);
  }

  request(index = 0): BlockRequest {
    return new BlockRequest(
      this.machine.core.data,
      RAM_BASE + REQUESTS + index * BlockRequest.size,
    );
  }

  buffer(offset: number, bytes: number): Uint8Array {
    const at = RAM_BASE + BUFFERS + offset;
    return this.machine.core.bytes.subarray(at, at + bytes);
  }

  /** Runs in small steps until the condition holds; fails after `ms` of virtual time. */
  runUntil(condition: () => boolean, ms = 5000n): void {
    const end = this.machine.state.now + ms * MILLISECOND;
    while (!condition()) {
      if (this.machine.state.now >= end) throw new Error("the condition did not come true in time");
      this.machine.run(this.machine.state.now + 50_000n);
    }
  }

  /** Hands requests to the driver without waiting for them. */
  submit(requests: readonly Request[], device = 0, cpu = 0): void {
    this.submitAt(0, requests, device, cpu);
  }

  /** The same, with structures from number `first` on, while the driver still has earlier ones. */
  submitAt(first: number, requests: readonly Request[], device = 0, cpu = 0): void {
    requests.forEach((request, index) => {
      const view = this.request(first + index);
      view.operation = request.operation;
      view.lba = BigInt(request.lba ?? 0);
      view.blocks = request.blocks ?? 0;
      view.buffer = BigInt(BUFFERS + (request.buffer ?? 0));
      view.status = 254;
      view.token = BigInt(index);
    });
    const { box } = this;
    box.requests = BigInt(REQUESTS + first * BlockRequest.size);
    box.count = requests.length;
    box.device = device;
    box.cpu = cpu;
    box.command = SUBMIT;
    this.submitted += requests.length;
    this.runUntil(() => this.box.command === 0);
  }

  /** Runs until all requests are finished; their statuses. */
  finish(count: number, ms = 5000n): number[] {
    this.runUntil(() => this.box.finished === this.submitted, ms);
    return Array.from({ length: count }, (_, index) => this.request(index).status);
  }

  /** Carries the requests out; their statuses. */
  do(requests: readonly Request[], device = 0): number[] {
    this.submit(requests, device);
    return this.finish(requests.length);
  }

  /** Tells the driver to stop, without waiting for the end. */
  requestStop(): void {
    this.box.command = STOP;
    this.runUntil(() => this.box.command === 0);
  }

  stop(): void {
    this.requestStop();
    this.runUntil(() => this.controller.state === 5 || this.controller.state === 6);
  }

  /** Sends the controller's messages to words in RAM; returns how many vectors there are. */
  private routeInterrupts(): number {
    const { machine, target } = this;
    const msix = findCapability(machine, target.address, 0x11);
    if (msix === 0) return this.routeMsi();
    const table = configRead(machine, target.address, msix + Pci.PCI_MSIX_TABLE, 4) & ~7;
    const base = this.box.registers + BigInt(table);
    for (let vector = 0; vector <= target.queues; vector++) {
      const entry = base + BigInt(vector * 16);
      machine.core.sim.physicalWrite(entry, 8, BigInt(WORDS + vector * 4));
      machine.core.sim.physicalWrite(entry + 8n, 4, 1n);
      machine.core.sim.physicalWrite(entry + 12n, 4, 0n);
    }
    const control = msix + Pci.PCI_MSIX_CONTROL;
    configWrite(machine, target.address, control, 2, Pci.PCI_MSIX_ENABLE);
    return target.queues + 1;
  }

  private routeMsi(): number {
    const { machine, target } = this;
    const msi = findCapability(machine, target.address, 0x05);
    configWrite(machine, target.address, msi + 4, 4, WORDS);
    configWrite(machine, target.address, msi + 12, 2, 1);
    configWrite(machine, target.address, msi + Pci.PCI_MSI_CONTROL, 2, Pci.PCI_MSI_ENABLE);
    return 1;
  }
}
