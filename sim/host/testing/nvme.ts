/** A test's hands on the NVMe controller: queues in RAM, commands by hand, completions decoded. */
import * as Nvme from "../../spec/nvme.ts";
import { RAM_BASE } from "../core.ts";
import { Machine, type MachineOptions } from "../machine.ts";
import { NvmeController } from "../views.generated.ts";
import { enableBar, pciAddress } from "./pci.ts";

export const NVME_ADDRESS = pciAddress(1, 0);
const MILLISECOND = 1_000_000n;

/** Fields of a command by their names in the specification; absent ones are zero. */
export interface Command {
  readonly opcode: number;
  readonly id?: number;
  readonly flags?: number;
  readonly nsid?: number;
  readonly prp1?: number | bigint;
  readonly prp2?: number | bigint;
  readonly cdw10?: number;
  readonly cdw11?: number;
  readonly cdw12?: number;
  readonly cdw13?: number;
  readonly cdw14?: number;
}

export interface Completion {
  readonly result: number;
  readonly head: number;
  readonly queue: number;
  readonly id: number;
  readonly phase: number;
  /** Status type and code. */
  readonly status: number;
  readonly more: boolean;
  readonly doNotRetry: boolean;
}

interface Queue {
  readonly base: number;
  readonly entries: number;
  position: number;
  phase: number;
}

const queue = (base: number, entries: number): Queue => ({ base, entries, position: 0, phase: 1 });

export class NvmeHost {
  readonly machine: Machine;
  readonly registers: bigint;
  readonly submissions = new Map<number, Queue>();
  readonly completions = new Map<number, Queue>();
  private nextPage = 0x40_0000;
  private nextId = 1;

  private constructor(machine: Machine) {
    this.machine = machine;
    this.registers = enableBar(machine, NVME_ADDRESS);
  }

  /** A machine with the drives, no CPU running, and its controller as it comes out of reset. */
  static async reset(drives: MachineOptions["drives"], memory = 32): Promise<NvmeHost> {
    const options = { start: false, memory: memory * 1024 * 1024, drives: drives ?? [] };
    return new NvmeHost(await Machine.create(options));
  }

  /** The controller of a machine made elsewhere, which has drives and no CPU running. */
  static on(machine: Machine): NvmeHost {
    return new NvmeHost(machine);
  }

  /** As `reset`, but enabled, with an admin queue pair of `entries`. */
  static async enabled(drives: MachineOptions["drives"], entries = 64): Promise<NvmeHost> {
    const host = await NvmeHost.reset(drives);
    host.enable(entries);
    return host;
  }

  get state(): NvmeController {
    return new NvmeController(this.machine.core.data, this.machine.state.nvme);
  }

  read(offset: number, bytes = 4): bigint {
    return BigInt.asUintN(
      64,
      this.machine.core.sim.physicalRead(this.registers + BigInt(offset), bytes),
    );
  }

  write(offset: number, value: number | bigint, bytes = 4): void {
    this.machine.core.sim.physicalWrite(this.registers + BigInt(offset), bytes, BigInt(value));
  }

  /** Lets everything that is scheduled happen, for at most `ms` of virtual time. */
  settle(ms = 100n): void {
    this.machine.run(this.machine.state.now + ms * MILLISECOND);
  }

  enable(entries = 64, configuration = 0x0046_0001): void {
    this.submissions.set(0, queue(this.page(Math.ceil(entries / 64)), entries));
    this.completions.set(0, queue(this.page(Math.ceil(entries / 256)), entries));
    this.write(Nvme.NVME_AQA, ((entries - 1) << 16) | (entries - 1));
    this.write(Nvme.NVME_ASQ, this.submissions.get(0)?.base ?? 0, 8);
    this.write(Nvme.NVME_ACQ, this.completions.get(0)?.base ?? 0, 8);
    this.write(Nvme.NVME_CC, configuration);
    this.settle();
  }

  /** Physical address of fresh zeroed pages. */
  page(count = 1): number {
    const at = this.nextPage;
    this.nextPage += count * 4096;
    return at;
  }

  /** RAM at a physical address. */
  ram(address: number, bytes: number): Uint8Array {
    return this.machine.core.bytes.subarray(RAM_BASE + address, RAM_BASE + address + bytes);
  }

  view(address: number, bytes: number): DataView {
    const memory = this.ram(address, bytes);
    return new DataView(memory.buffer, memory.byteOffset, bytes);
  }

  /** Puts a command at the queue's tail without telling the controller; returns its identifier. */
  put(number: number, command: Command): number {
    const at = this.submissionQueue(number);
    const view = this.view(at.base + at.position * 64, 64);
    const id = command.id ?? this.nextId++ & 0xffff;
    for (let offset = 0; offset < 64; offset += 4) view.setUint32(offset, 0, true);
    view.setUint32(0, command.opcode | ((command.flags ?? 0) << 8) | (id << 16), true);
    view.setUint32(4, command.nsid ?? 0, true);
    view.setBigUint64(24, BigInt(command.prp1 ?? 0), true);
    view.setBigUint64(32, BigInt(command.prp2 ?? 0), true);
    const words = [command.cdw10, command.cdw11, command.cdw12, command.cdw13, command.cdw14];
    words.forEach((word, index) => {
      view.setUint32(40 + index * 4, word ?? 0, true);
    });
    at.position = (at.position + 1) % at.entries;
    return id;
  }

  ring(number: number): void {
    this.write(0x1000 + number * 8, this.submissionQueue(number).position);
  }

  /** Takes the completions that are there, by their phase tags, and gives their places back. */
  take(number: number, ring = true): Completion[] {
    const at = this.completionQueue(number);
    const taken: Completion[] = [];
    for (;;) {
      const view = this.view(at.base + at.position * 16, 16);
      const last = view.getUint32(12, true);
      if (((last >>> 16) & 1) !== at.phase) break;
      taken.push(decode(view));
      at.position = (at.position + 1) % at.entries;
      if (at.position === 0) at.phase ^= 1;
    }
    if (ring && taken.length > 0) this.write(0x1004 + number * 8, at.position);
    return taken;
  }

  /** Runs one command to its completion. */
  run(number: number, command: Command): Completion {
    const id = this.put(number, command);
    this.ring(number);
    this.settle();
    const found = this.take(this.completionOf(number)).find((entry) => entry.id === id);
    if (!found) throw new Error(`command ${command.opcode} of queue ${number} did not complete`);
    return found;
  }

  admin(command: Command): Completion {
    return this.run(0, command);
  }

  /** Creates I/O queue pair `number`; the completion queue may be another one's. */
  createQueues(number: number, entries = 64, completions = number): Completion {
    const size = ((entries - 1) << 16) | number;
    if (completions === number) {
      this.completions.set(number, queue(this.page(Math.ceil(entries / 256)), entries));
      const base = this.completionQueue(number).base;
      const attributes = (number << 16) | 3;
      this.admin({ opcode: 0x05, prp1: base, cdw10: size, cdw11: attributes });
    }
    this.submissions.set(number, queue(this.page(Math.ceil(entries / 64)), entries));
    this.completionNumbers.set(number, completions);
    const base = this.submissionQueue(number).base;
    return this.admin({
      opcode: 0x01,
      prp1: base,
      cdw10: size,
      cdw11: completions * 65536 + 1,
    });
  }

  private readonly completionNumbers = new Map<number, number>();

  private completionOf(number: number): number {
    return this.completionNumbers.get(number) ?? number;
  }

  private submissionQueue(number: number): Queue {
    const found = this.submissions.get(number);
    if (!found) throw new Error(`no submission queue ${number}`);
    return found;
  }

  private completionQueue(number: number): Queue {
    const found = this.completions.get(number);
    if (!found) throw new Error(`no completion queue ${number}`);
    return found;
  }
}

function decode(view: DataView): Completion {
  const middle = view.getUint32(8, true);
  const last = view.getUint32(12, true);
  return {
    result: view.getUint32(0, true),
    head: middle & 0xffff,
    queue: middle >>> 16,
    id: last & 0xffff,
    phase: (last >>> 16) & 1,
    status: (last >>> 17) & 0x7ff,
    more: ((last >>> 30) & 1) === 1,
    doNotRetry: last >>> 31 === 1,
  };
}
