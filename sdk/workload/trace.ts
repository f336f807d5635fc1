/**
 * Scheduling as a trace for Perfetto and chrome://tracing:
 *
 *   process "CPUs"    a row each: which agent it runs
 *   process "agents"  a row each: running, or waiting for a processor; wake-ups, ticks, overruns
 *                     and missed deadlines as marks
 */
import { TraceFile } from "../../sim/host/trace-file.ts";
import type { AgentInfo, SchedulingEvent, SchedulingSink } from "./events.ts";

const CPUS = 1;
const AGENTS = 2;

interface Row {
  readonly tid: number;
  readonly name: string;
  /** Latest time in it: the processors' clocks are a little apart. */
  latest: bigint;
  /** What its row is in the middle of. */
  open: "running" | "waiting" | null;
}

export class SchedulingTrace implements SchedulingSink {
  private readonly file: TraceFile;
  private readonly rows = new Map<number, Row>();
  /** Row of the agent that each CPU runs; null for one that has no row. */
  private readonly current = new Map<number, Row | null>();

  /** @param write takes the file's text piece by piece */
  constructor(cpus: number, write: (text: string) => void) {
    this.file = new TraceFile(write);
    this.file.name("process_name", CPUS, 0, "CPUs");
    this.file.name("process_name", AGENTS, 0, "agents");
    for (let cpu = 0; cpu < cpus; cpu++) this.file.name("thread_name", CPUS, cpu + 1, `CPU ${cpu}`);
  }

  agent({ id, name }: AgentInfo): void {
    const row: Row = { tid: this.rows.size + 1, name, latest: 0n, open: null };
    this.rows.set(id, row);
    this.file.name("thread_name", AGENTS, row.tid, name);
  }

  event(event: SchedulingEvent): void {
    const time = BigInt(event.time);
    const row = this.rows.get(event.agent);
    switch (event.kind) {
      case "dispatch":
        this.leave(event.cpu, time);
        this.current.set(event.cpu, row ?? null);
        if (!row) break;
        this.file.emit("B", CPUS, event.cpu + 1, time, row.name);
        this.enter(row, "running", time, { cpu: event.cpu });
        break;
      case "deschedule":
        this.leave(event.cpu, time);
        if (row && (event.reason === "preempted" || event.reason === "yielded"))
          this.enter(row, "waiting", time, { why: event.reason });
        break;
      case "wake":
        if (row && row.open === null) this.enter(row, "waiting", time, { why: "woken" });
        break;
      case "migrate":
        if (row) this.file.mark(AGENTS, row.tid, time, `to CPU ${event.cpu}`, {});
        break;
      case "reweigh":
        if (row) this.file.mark(AGENTS, row.tid, time, `weight ${event.weight}`, {});
        break;
      case "miss":
        if (row) this.file.mark(AGENTS, row.tid, time, "deadline missed", {});
        break;
      case "overrun":
        if (row) this.file.mark(AGENTS, row.tid, time, "overrun", {});
        break;
      case "tick":
        if (row) this.file.mark(AGENTS, row.tid, time, "tick", { lateNs: event.late });
        break;
    }
  }

  finish(time: number): void {
    for (const cpu of this.current.keys()) this.leave(cpu, BigInt(time));
    for (const row of this.rows.values()) this.enter(row, null, BigInt(time), {});
    this.file.end();
  }

  /** Ends what `cpu` runs. */
  private leave(cpu: number, time: bigint): void {
    const row = this.current.get(cpu);
    if (!row) return;
    this.current.set(cpu, null);
    this.file.emit("E", CPUS, cpu + 1, time);
    this.enter(row, null, time, {});
  }

  private enter(row: Row, what: Row["open"], at: bigint, args: Record<string, unknown>): void {
    const time = at > row.latest ? at : row.latest;
    row.latest = time;
    if (row.open !== null) this.file.emit("E", AGENTS, row.tid, time);
    row.open = what;
    if (what !== null) this.file.emit("B", AGENTS, row.tid, time, what, { args });
  }
}
