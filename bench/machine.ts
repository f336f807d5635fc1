/** The machine's own costs, and how they grow with processors, queues and pending events. */
import { Bench } from "tinybench";
import { buildBootImage } from "../sdk/image/index.ts";
import { Machine } from "../sim/host/machine.ts";
import { loadModule } from "../sim/host/modules.ts";
import { HPET_BASE, LAPIC_BASE } from "../sim/spec/platform.ts";
import type { Result } from "./measure.ts";

interface Loops {
  physicalReadMany(address: bigint, bytes: number, count: number): bigint;
  physicalWriteMany(address: bigint, bytes: number, value: bigint, count: number): void;
  portReadMany(port: number, count: number): number;
  messageMany(address: bigint, data: number, count: number): bigint;
  eventsMany(pending: number, count: number): bigint;
  loadPlainMany(at: number, stride: bigint, span: bigint, count: number): bigint;
}

/** The kernel's vector for waking the boot processor: its handler does nothing but end it. */
const VECTOR_WAKE = 0xf0;
const COUNT = 20_000;
const PCI_BAR = 0x80_0000_0000n;

async function booted(cpus: number): Promise<Loops> {
  const data = await buildBootImage({ entries: [] });
  const modules = { sim: await loadModule("sim-testing"), kernel: await loadModule("kernel") };
  const machine = await Machine.create({ cpus, drives: [{ data }], modules });
  if (machine.boot() !== "idle")
    throw new Error(`the machine of the benchmark stopped: ${machine.consoleText}`);
  return machine.core.sim as unknown as Loops;
}

type Case = readonly [name: string, count: number, act: () => unknown];

/** ns for one operation of each case; the first case is the peer of all others. */
async function compare(suite: string, against: string, cases: readonly Case[]): Promise<Result[]> {
  const bench = new Bench({ time: 150, warmupTime: 50, throws: true });
  for (const [name, , act] of cases) bench.add(name, () => void act());
  await bench.run();
  const times = cases.map(([name, count]) => {
    const latency = bench.getTask(name)?.result;
    if (latency?.state !== "completed") throw new Error(`${name} was not measured`);
    const scale = 1e6 / count;
    return {
      p50: latency.latency.p50 * scale,
      min: latency.latency.min * scale,
      p99: latency.latency.p99 * scale,
    };
  });
  const [peer] = times;
  if (!peer) return [];
  return cases.slice(1).map(([name], index) => {
    const { p50, min, p99 } = times[index + 1] ?? peer;
    return {
      suite,
      name,
      ours: p50,
      peer: peer.p50,
      unit: "ns",
      ratio: p50 / peer.p50,
      spread: [min / peer.p50, p99 / peer.p50],
      against,
    };
  });
}

export async function benchMachine(): Promise<Result[]> {
  const one = await booted(1);
  const plain: Case = [
    "plain load",
    1_000_000,
    () => one.loadPlainMany(0x0240_0000, 64n, 4096n, 1_000_000),
  ];
  const accesses = await compare("machine", "plain WebAssembly load", [
    plain,
    ["RAM read by physical address", COUNT, () => one.physicalReadMany(0x40_0000n, 8, COUNT)],
    [
      "MMIO read: local APIC",
      COUNT,
      () => one.physicalReadMany(BigInt(LAPIC_BASE + 0x30), 4, COUNT),
    ],
    [
      "MMIO read: HPET counter",
      COUNT,
      () => one.physicalReadMany(BigInt(HPET_BASE + 0xf0), 8, COUNT),
    ],
    ["MMIO read: NVMe register", COUNT, () => one.physicalReadMany(PCI_BAR + 0x1cn, 4, COUNT)],
    ["port read: UART", COUNT, () => one.portReadMany(0x3fd, COUNT)],
  ]);
  const events = await compare("machine", "the same with one event pending", [
    ["event queue, 1 pending", COUNT, () => one.eventsMany(1, COUNT)],
    ...[4, 16, 64, 256].map(
      (n): Case => [`event queue, ${n} pending`, COUNT, () => one.eventsMany(n, COUNT)],
    ),
  ]);
  return [...accesses, ...events, ...(await interrupts())];
}

/** Message to handler to end of interrupt to halt, with ever more processors in the machine. */
async function interrupts(): Promise<Result[]> {
  const cases: Case[] = [];
  for (const cpus of [1, 4, 16, 64]) {
    const machine = await booted(cpus);
    cases.push([
      `interrupt delivered and ended, ${cpus} CPUs`,
      500,
      () => machine.messageMany(BigInt(LAPIC_BASE), VECTOR_WAKE, 500),
    ]);
  }
  return compare("machine", "the same with one CPU", [
    ["interrupt, 1 CPU", cases[0]?.[1] ?? 1, cases[0]?.[2] ?? (() => 0)],
    ...cases,
  ]);
}
