/**
 * The machine's inner paths, in nanoseconds, and how they grow with processors and queues: events,
 * accesses to registers, interrupts, NVMe commands. Peers: a call from WebAssembly to the function
 * of the machine interface that does least, and a call from JavaScript.
 */

import type { SimExports } from "../sim/host/core.ts";
import { Machine } from "../sim/host/machine.ts";
import { loadModule } from "../sim/host/modules.ts";
import { NvmeHost } from "../sim/host/testing/nvme.ts";
import { HPET_BASE, LAPIC_BASE } from "../sim/spec/platform.ts";
import { bootedMachine, testingModules } from "./machines.ts";
import {
  interleave,
  nsEach,
  type Progress,
  pairedRow,
  plainRow,
  type Results,
  warmUp,
} from "./measure.ts";

const MIB = 1024 * 1024;
const COUNT = 200_000;
const RUNS = 9;
const CPUS = [1, 2, 4, 8, 16, 32, 64];
const QUEUES = [1, 2, 4, 8, 16, 32, 64, 128, 256];
const PENDING = [1, 4, 16, 64, 256, 1024, 4096];
/** A vector that the kernel acknowledges and does nothing for (kernel/cpu/vector_numbers.ts). */
const VECTOR_WAKE = 0xf0;
const MESSAGES = 0xfee0_0000n;

interface Loops extends SimExports {
  loopCpu(cpu: number): void;
  loopEventsSetUp(wanted: number): number;
  loopEvents(count: number): void;
  loopMessages(address: bigint, data: number, count: number): void;
  loopCommands(
    doorbells: bigint,
    queues: number,
    entries: number,
    start: number,
    count: number,
  ): number;
}

interface KernelLoops {
  mmioReadMany(address: bigint, count: number): number;
  mmioWriteMany(address: bigint, value: number, count: number): void;
  portReadMany(port: number, count: number): number;
  callMany(count: number): bigint;
}

/** What a path costs undisturbed: shown in plots of growth, where one disturbed point misleads. */
const fastest = (samples: readonly number[]) => Math.min(...samples);

const loopsOf = (machine: Machine) => machine.core.sim as Loops;

/** Samples of nanoseconds an operation. */
async function sampled(runs: number, count: number, work: () => unknown): Promise<number[]> {
  await warmUp(work);
  return Array.from({ length: runs }, () => nsEach(count, work));
}

async function events(results: Results, progress: Progress): Promise<void> {
  progress("event queue");
  const points: [number, number][] = [];
  for (const wanted of PENDING) {
    const machine = await Machine.create({
      modules: await testingModules(),
      memory: 4 * MIB,
      start: false,
    });
    const loops = loopsOf(machine);
    const pending = loops.loopEventsSetUp(wanted);
    const samples = await sampled(RUNS, COUNT, () => loops.loopEvents(COUNT));
    points.push([pending, fastest(samples)]);
    if (pending !== 1 && pending < 1000) continue;
    const name = `event dispatched and rescheduled, ${pending} pending`;
    results.rows.push(plainRow({ group: "machine", name, unit: "ns" }, samples));
  }
  results.series.push({
    file: "events",
    title: "Event queue: dispatch the earliest, schedule it anew",
    x: "events pending",
    unit: "ns",
    lines: [{ name: "an event", points }],
  });
}

/** A kernel's loops over the registers of a machine whose CPUs stand still. */
async function kernelLoops(machine: Machine): Promise<KernelLoops> {
  const { memory } = machine.core;
  const env = { memory, abort: () => undefined };
  const machineInterface = machine.core.sim as unknown as WebAssembly.ModuleImports;
  const module = await loadModule("kernel-testing");
  const instance = new WebAssembly.Instance(module, { env, machine: machineInterface });
  return instance.exports as unknown as KernelLoops;
}

interface Access {
  readonly name: string;
  readonly work: (loops: KernelLoops) => unknown;
}

async function accesses(results: Results, progress: Progress): Promise<void> {
  const lines = new Map<string, [number, number][]>();
  for (const cpus of CPUS) {
    progress(`registers, ${cpus} CPUs`);
    const modules = await testingModules();
    const drives = [{ data: new Uint8Array(MIB) }];
    const options = { modules, cpus, memory: 16 * MIB, start: false, drives };
    const host = await NvmeHost.on(await Machine.create(options));
    const loops = await kernelLoops(host.machine);
    loopsOf(host.machine).loopCpu(cpus - 1);
    const call = () => nsEach(COUNT, () => loops.callMany(COUNT));
    for (const { name, work } of accessList(host.registers)) {
      await warmUp(() => work(loops));
      const ours = () => nsEach(COUNT, () => work(loops));
      const samples = await interleave(RUNS, ours, call);
      lines.set(name, [...(lines.get(name) ?? []), [cpus, fastest(samples.ours)]]);
      if (cpus !== 1) continue;
      const about = {
        group: "machine",
        name,
        unit: "ns",
        peerName: "call of timestamp()",
      } as const;
      results.rows.push(pairedRow(about, samples));
    }
  }
  results.series.push({
    file: "registers",
    title: "An access to a device's register, by processors",
    x: "CPUs",
    unit: "ns",
    lines: [...lines].map(([name, points]) => ({ name, points })),
  });
}

const accessList = (nvme: bigint): Access[] => [
  { name: "LAPIC ID read", work: (l) => l.mmioReadMany(BigInt(LAPIC_BASE) + 0x20n, COUNT) },
  { name: "LAPIC TPR write", work: (l) => l.mmioWriteMany(BigInt(LAPIC_BASE) + 0x80n, 0, COUNT) },
  { name: "HPET counter read", work: (l) => l.mmioReadMany(BigInt(HPET_BASE) + 0xf0n, COUNT) },
  { name: "NVMe CSTS read", work: (l) => l.mmioReadMany(nvme + 0x1cn, COUNT) },
  { name: "NVMe INTMS write", work: (l) => l.mmioWriteMany(nvme + 0x0cn, 0, COUNT) },
  { name: "UART LSR port read", work: (l) => l.portReadMany(0x3fd, COUNT) },
];

/** What a call from JavaScript costs, with a number and with a BigInt. */
async function calls(results: Results): Promise<void> {
  const machine = await Machine.create({
    modules: await testingModules(),
    memory: 4 * MIB,
    start: false,
  });
  const loops = loopsOf(machine);
  const row = async (name: string, work: () => void) => {
    const samples = await sampled(RUNS, COUNT, () => {
      for (let n = 0; n < COUNT; n++) work();
    });
    results.rows.push(plainRow({ group: "machine", name, unit: "ns" }, samples));
  };
  await row("call from JavaScript, a number", () => loops.loopCpu(0));
  await row("physicalRead of RAM from JavaScript", () => loops.physicalRead(0x1000n, 8));
}

async function interrupts(results: Results, progress: Progress): Promise<void> {
  const count = 20_000;
  const points: [number, number][] = [];
  for (const cpus of CPUS) {
    progress(`interrupts, ${cpus} CPUs`);
    const machine = await bootedMachine({ cpus, memory: 64 * MIB });
    const work = () => loopsOf(machine).loopMessages(MESSAGES, VECTOR_WAKE, count);
    const count0 = () => Number(machine.sim.cpus[0]?.interruptCount);
    const taken = count0();
    const samples = await sampled(RUNS, count, work);
    const delivered = count0() - taken;
    if (delivered === 0 || delivered % count !== 0)
      throw new Error(`interrupts: ${delivered} were delivered, not a multiple of ${count}`);
    points.push([cpus, fastest(samples)]);
    if (cpus !== 1 && cpus !== 64) continue;
    const name = `interrupt: message to EOI, IRET and idle, ${cpus} CPUs`;
    results.rows.push(plainRow({ group: "machine", name, unit: "ns" }, samples));
  }
  results.series.push({
    file: "interrupts",
    title: "An interrupt from message to EOI, IRET and idle, by processors",
    x: "CPUs",
    unit: "ns",
    lines: [{ name: "an interrupt", points }],
  });
}

async function commands(results: Results, progress: Progress): Promise<void> {
  const entries = 64;
  const count = 1 << 15;
  const points: [number, number][] = [];
  for (const queues of QUEUES) {
    progress(`NVMe commands, ${queues} queues`);
    const modules = await testingModules();
    const drives = [{ data: new Uint8Array(MIB) }];
    const machine = await Machine.create({ modules, memory: 32 * MIB, start: false, drives });
    const host = NvmeHost.on(machine);
    host.enable();
    const page = host.page();
    for (let queue = 1; queue <= queues; queue++) {
      host.createQueues(queue, entries);
      // Read of one block into one page, a command in each entry.
      for (let n = 0; n < entries; n++) host.put(queue, { opcode: 2, nsid: 1, id: n, prp1: page });
    }
    let start = 0;
    const before = host.state.readCommands;
    const samples = await sampled(RUNS, count, () => {
      start = loopsOf(machine).loopCommands(
        host.registers + 0x1000n,
        queues,
        entries,
        start,
        count,
      );
    });
    const done = Number(host.state.readCommands - before);
    if (done === 0 || done % count !== 0)
      throw new Error(`commands: ${done} were carried out, not a multiple of ${count}`);
    points.push([queues, fastest(samples)]);
    if (queues !== 1 && queues !== 256) continue;
    const name = `NVMe command, one on each of ${queues} queues`;
    results.rows.push(plainRow({ group: "machine", name, unit: "ns" }, samples));
  }
  results.series.push({
    file: "nvme-queues",
    title: "An NVMe command with its doorbells, by queues in use",
    x: "I/O queue pairs",
    unit: "ns",
    lines: [{ name: "a command", points }],
  });
}

export async function measureMachine(results: Results, progress: Progress): Promise<void> {
  await events(results, progress);
  await calls(results);
  await accesses(results, progress);
  await interrupts(results, progress);
  await commands(results, progress);
}
