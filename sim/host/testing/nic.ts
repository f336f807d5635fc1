/** A test's hands on a network driver: hal-testing.wasm serves a controller, the test sends frames. */
import { NicBox, NicController } from "../../../hal/testing/views.generated.ts";
import { ECAM_BASE, PCI_MEMORY_BASE } from "../../spec/platform.ts";
import { HOST_BUFFER, RAM_BASE } from "../core.ts";
import { Machine } from "../machine.ts";
import { loadModules } from "../modules.ts";
import { configWrite, enableBar, findCapability, pciAddress } from "./pci.ts";

export const NIC_FUNCTION = pciAddress(0, 2);
const BOX = 0xc000;
const WORDS = 0xd000;
const FRAME = 0x20_0000;
const RECEIVED = 0x30_0000;
const DRIVER_MEMORY = 0x28_0000;
const SLOT_BYTES = 2048;
const MILLISECOND = 1_000_000n;
const START = 1;
const SEND = 2;

export class NicBench {
  readonly machine: Machine;

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  /** A machine with a controller of this MAC that the driver has been told to start. */
  static async create(nic: readonly number[], interrupts = true): Promise<NicBench> {
    const modules = await loadModules("hal-testing");
    const bench = new NicBench(await Machine.create({ memory: 16 << 20, nic, modules }));
    const { box, machine } = bench;
    enableBar(machine, NIC_FUNCTION, 1, PCI_MEMORY_BASE + 0x10_0000);
    enableBar(machine, NIC_FUNCTION, 4, PCI_MEMORY_BASE);
    box.active = 1;
    box.driver = 1;
    box.configuration = BigInt(ECAM_BASE + NIC_FUNCTION * 4096);
    box.memory = BigInt(DRIVER_MEMORY);
    box.frame = BigInt(FRAME);
    box.received = BigInt(RECEIVED);
    box.words = BigInt(WORDS);
    box.vectors = interrupts ? 3 : 0;
    if (interrupts) bench.routeInterrupts();
    box.command = START;
    return bench;
  }

  /** The same, ready. */
  static async ready(nic: readonly number[], interrupts = true): Promise<NicBench> {
    const bench = await NicBench.create(nic, interrupts);
    bench.runUntil(() => bench.controller.state > 1);
    return bench;
  }

  get box(): NicBox {
    return new NicBox(this.machine.core.data, RAM_BASE + BOX);
  }

  get controller(): NicController {
    return new NicController(this.machine.core.data, RAM_BASE + DRIVER_MEMORY);
  }

  /** MSI-X: vector n writes a one into word n. */
  private routeInterrupts(): void {
    const table = BigInt(PCI_MEMORY_BASE + 0x10_0000);
    const write = (offset: number, value: number) =>
      this.machine.core.sim.physicalWrite(table + BigInt(offset), 4, BigInt(value));
    for (let n = 0; n < 3; n++) {
      write(n * 16, WORDS + n * 4);
      write(n * 16 + 4, 0);
      write(n * 16 + 8, 1);
      write(n * 16 + 12, 0);
    }
    const at = findCapability(this.machine, NIC_FUNCTION, 0x11);
    configWrite(this.machine, NIC_FUNCTION, at + 2, 2, 0x8000);
  }

  /** Runs in small steps until the condition holds; fails after `ms` of virtual time. */
  runUntil(condition: () => boolean, ms = 20_000n): void {
    const end = this.machine.state.now + ms * MILLISECOND;
    while (!condition()) {
      if (this.machine.state.now >= end) throw new Error("the condition did not come true in time");
      this.machine.run(this.machine.state.now + 50_000n);
    }
  }

  run(cycles: bigint): void {
    this.machine.run(this.machine.state.now + cycles);
  }

  /** Sends a frame; returns what the driver said. */
  send(frame: Uint8Array): number {
    this.machine.core.bytes.set(frame, RAM_BASE + FRAME);
    this.box.bytes = frame.length;
    this.box.command = SEND;
    this.runUntil(() => this.box.command === 0);
    return this.box.result;
  }

  /** A frame from outside; whether the controller took it. */
  deliver(frame: Uint8Array): boolean {
    this.machine.core.bytes.set(frame, HOST_BUFFER);
    return Boolean(this.machine.core.sim.nicReceive(HOST_BUFFER, frame.length));
  }

  /** Frames that the driver received so far. */
  received(): Uint8Array[] {
    return Array.from({ length: this.box.count }, (_, n) => {
      const at = RAM_BASE + RECEIVED + n * SLOT_BYTES;
      const bytes = this.machine.core.data.getUint32(at, true);
      return this.machine.core.bytes.slice(at + 4, at + 4 + bytes);
    });
  }
}
