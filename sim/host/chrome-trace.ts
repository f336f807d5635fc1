/**
 * A run as a trace that Perfetto and chrome://tracing show (Trace Event Format, JSON object form).
 *
 *   process "CPUs"     a row each: handlers by vector, halts; page faults, IPIs, startups as marks
 *   process "kernel"   stages of the boot, and pages that it maps
 *   process "devices"  a row each: commands from fetch to completion; MSIs, faults, frames as marks
 *
 * Written as it is collected: memory does not grow with the run.
 */
import { deviceName } from "./devices.ts";
import type { MachineEvent } from "./trace-events.ts";
import { type Fields, TraceFile } from "./trace-file.ts";

const CPUS = 1;
const DEVICES = 2;
const KERNEL = 3;
/** Names of the exceptions (Intel SDM 3A, table 6-1); others are interrupts by number. */
const EXCEPTIONS = [
  ..."DE DB NMI BP OF BR UD NM DF - TS NP SS GP PF - MF AC MC XM VE CP".split(" "),
];
/** Commands that may be in flight at a time: what a device can have, and a margin for lost ones. */
const OPEN_MAX = 65_536;

const hex = (value: number | bigint) => `0x${value.toString(16)}`;

function vectorName(vector: number): string {
  const name = EXCEPTIONS[vector];
  return name && name !== "-" ? `#${name}` : `interrupt ${hex(vector)}`;
}

/** What a CPU's row is in the middle of, outermost first. */
interface CpuRow {
  readonly open: string[];
  /** HLT inside a handler: the halt begins when the handler is done. */
  haltNext: boolean;
}

export class ChromeTrace {
  private readonly file: TraceFile;
  private readonly cpus = new Map<number, CpuRow>();
  private readonly devices = new Set<number>();
  /** Span number of each command in flight, by device, queue and command identifier. */
  private readonly commands = new Map<string, number>();
  private spans = 0;
  private stageOpen = false;
  private last = 0n;

  /** @param write takes the file's text piece by piece */
  constructor(write: (text: string) => void) {
    this.file = new TraceFile(write);
    this.file.name("process_name", CPUS, 0, "CPUs");
    this.file.name("process_name", DEVICES, 0, "devices");
    this.file.name("process_name", KERNEL, 0, "kernel");
    this.file.name("thread_name", KERNEL, 1, "boot");
  }

  add(event: MachineEvent): void {
    if (event.time > this.last) this.last = event.time;
    if ("cpu" in event) this.addCpu(event);
    else if ("device" in event) this.addDevice(event);
    else this.addOther(event);
  }

  private addOther(event: Exclude<MachineEvent, { cpu: number } | { device: number }>): void {
    switch (event.kind) {
      case "line":
        this.file.emit(
          "i",
          CPUS,
          0,
          event.time,
          `line ${event.line} ${event.level ? "high" : "low"}`,
          {
            s: "p",
          },
        );
        break;
      case "stage":
        if (this.stageOpen) this.file.emit("E", KERNEL, 1, event.time);
        this.stageOpen = true;
        this.file.emit("B", KERNEL, 1, event.time, `stage ${event.stage}`);
        break;
      default:
        this.file.mark(KERNEL, 1, event.time, `${event.kind} ${hex(event.address)}`, {
          physical: hex(event.physical),
          bytes: 2 ** event.order,
        });
    }
  }

  /** Ends what is still open and the file. Rows stay readable: every begin has its end. */
  finish(): void {
    for (const [cpu, row] of this.cpus)
      for (; row.open.length > 0; row.open.pop()) this.file.emit("E", CPUS, cpu + 1, this.last);
    for (const [key, span] of this.commands)
      this.file.emit("e", DEVICES, this.deviceOf(key), this.last, "command", asyncSpan(span));
    this.commands.clear();
    if (this.stageOpen) this.file.emit("E", KERNEL, 1, this.last);
    this.file.end();
  }

  private addCpu(event: Extract<MachineEvent, { cpu: number }>): void {
    const { cpu, time } = event;
    const row = this.cpuRow(cpu);
    switch (event.kind) {
      case "interrupt":
        this.begin(cpu, row, time, vectorName(event.vector), { errorCode: hex(event.errorCode) });
        break;
      case "interrupt-end":
        this.end(cpu, row, time, vectorName(event.vector));
        if (row.haltNext) this.halt(cpu, row, time);
        break;
      case "halt":
        this.halt(cpu, row, time);
        break;
      case "wake":
        row.haltNext = false;
        this.end(cpu, row, time, "halted");
        break;
      case "page-fault":
        this.file.mark(CPUS, cpu + 1, time, `page fault at ${hex(event.address)}`, {
          errorCode: hex(event.errorCode),
        });
        break;
      case "ipi":
        this.file.mark(CPUS, cpu + 1, time, `IPI to CPU ${event.destination}`, {
          command: hex(event.command),
        });
        break;
      case "startup":
        this.file.mark(CPUS, cpu + 1, time, "startup", { vector: hex(event.vector) });
        break;
      case "mark":
        this.file.mark(CPUS, cpu + 1, time, `mark ${event.point}`, { value: `${event.value}` });
        break;
    }
  }

  private halt(cpu: number, row: CpuRow, time: bigint): void {
    row.haltNext = row.open.length > 0;
    if (!row.haltNext) this.begin(cpu, row, time, "halted", {});
  }

  private begin(cpu: number, row: CpuRow, time: bigint, name: string, args: Fields): void {
    row.open.push(name);
    this.file.emit("B", CPUS, cpu + 1, time, name, { args });
  }

  /** Ends the innermost `name` and what is inside of it; nothing when none is open. */
  private end(cpu: number, row: CpuRow, time: bigint, name: string): void {
    const from = row.open.lastIndexOf(name);
    if (from < 0) return;
    for (; row.open.length > from; row.open.pop()) this.file.emit("E", CPUS, cpu + 1, time);
  }

  private addDevice(event: Extract<MachineEvent, { device: number }>): void {
    const { device, time } = event;
    this.deviceRow(device);
    switch (event.kind) {
      case "command":
        this.beginCommand(event);
        break;
      case "command-completed":
        this.endCommand(event);
        break;
      case "msi":
        this.file.mark(DEVICES, device, time, `MSI ${hex(event.data)}`, {
          address: hex(event.address),
        });
        break;
      case "dma-fault":
        this.file.mark(DEVICES, device, time, `DMA fault at ${hex(event.address)}`, {
          reason: event.reason,
        });
        break;
      case "fault":
        this.file.mark(DEVICES, device, time, "injected fault", { kind: event.fault });
        break;
      case "frame":
        this.file.mark(DEVICES, device, time, event.direction ? "frame received" : "frame sent", {
          bytes: Number(event.bytes),
        });
        break;
    }
  }

  private beginCommand(event: MachineEvent<"command">): void {
    const key = `${event.device}/${event.queue}/${event.commandId}`;
    // An identifier that is used again while its command is out: that one was lost.
    const lost = this.commands.get(key);
    if (lost !== undefined)
      this.file.emit("e", DEVICES, event.device, event.time, "command", asyncSpan(lost));
    else if (this.commands.size === OPEN_MAX) return;
    this.spans += 1;
    this.commands.set(key, this.spans);
    const args = { queue: event.queue, id: Number(event.commandId), opcode: hex(event.opcode) };
    this.file.emit("b", DEVICES, event.device, event.time, "command", {
      ...asyncSpan(this.spans),
      args,
    });
  }

  private endCommand(event: MachineEvent<"command-completed">): void {
    const key = `${event.device}/${event.queue}/${event.commandId}`;
    const span = this.commands.get(key);
    const args = { status: hex(event.status) };
    if (span === undefined) {
      this.file.mark(DEVICES, event.device, event.time, "completion", args);
      return;
    }
    this.commands.delete(key);
    this.file.emit("e", DEVICES, event.device, event.time, "command", { ...asyncSpan(span), args });
  }

  private deviceOf(key: string): number {
    return Number.parseInt(key, 10);
  }

  private cpuRow(cpu: number): CpuRow {
    const known = this.cpus.get(cpu);
    if (known) return known;
    const row = { open: [], haltNext: false };
    this.cpus.set(cpu, row);
    this.file.name("thread_name", CPUS, cpu + 1, `CPU ${cpu}`);
    return row;
  }

  private deviceRow(device: number): void {
    if (this.devices.has(device)) return;
    this.devices.add(device);
    this.file.name("thread_name", DEVICES, device, deviceName(device));
  }
}

function asyncSpan(id: number): Fields {
  return { cat: "command", id };
}
