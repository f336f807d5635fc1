/** A report as an object of plain figures, by agent and by task, and as tables for a terminal. */
import type { AgentInfo } from "./events.ts";
import { Histogram } from "./histogram.ts";
import type { AgentRecord, Report } from "./report.ts";
import { columns, duration, percent, us } from "./units.ts";

/** Above so many agents the tables have a row a task. */
export const ROWS_MAX = 32;

/** ns; null when there was nothing to measure. */
export interface Percentiles {
  readonly count: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** What an agent, or all agents of a task together, got. Times in ns. */
export interface Summary {
  readonly name: string;
  readonly task: string;
  readonly class: AgentInfo["class"];
  readonly weight: number;
  readonly budget: AgentInfo["budget"];
  readonly group: string;
  readonly agents: number;
  /** Processor time, and what the fluid ideal would have given; null where that isn't defined. */
  readonly service: number;
  readonly ideal: number | null;
  readonly lag: { readonly least: number; readonly greatest: number } | null;
  readonly switches: number;
  readonly preemptions: number;
  readonly misses: number;
  readonly overruns: number;
  readonly wakeups: Percentiles | null;
  readonly waits: Percentiles | null;
  readonly ticks: Percentiles | null;
}

export function percentilesOf(histogram: Histogram): Percentiles | null {
  if (histogram.count === 0) return null;
  return {
    count: histogram.count,
    p50: histogram.percentile(50),
    p95: histogram.percentile(95),
    p99: histogram.percentile(99),
    p999: histogram.percentile(99.9),
    max: histogram.max,
  };
}

function merged(records: readonly AgentRecord[], of: "wakeups" | "waits" | "ticks") {
  const all = new Histogram();
  for (const record of records) all.merge(record[of]);
  return percentilesOf(all);
}

const sum = (records: readonly AgentRecord[], of: (record: AgentRecord) => number) =>
  records.reduce((total, record) => total + of(record), 0);

/** Agents of one task as one; `name` is the task's, or that of the only agent. */
function summarize(name: string, records: readonly AgentRecord[]): Summary | null {
  const [first] = records;
  if (!first) return null;
  const lags = records.flatMap((record) => record.lag ?? []);
  const { info } = first;
  return {
    name,
    task: info.task,
    class: info.class,
    weight: info.weight,
    budget: info.budget,
    group: info.group,
    agents: records.length,
    service: sum(records, (record) => record.service),
    ideal: records.some((record) => record.ideal === null)
      ? null
      : Math.round(sum(records, (record) => record.ideal ?? 0)),
    lag:
      lags.length === 0
        ? null
        : {
            least: Math.round(lags.reduce((least, each) => Math.min(least, each.least), 0)),
            greatest: Math.round(lags.reduce((most, each) => Math.max(most, each.greatest), 0)),
          },
    switches: sum(records, (record) => record.dispatches),
    preemptions: sum(records, (record) => record.preemptions),
    misses: sum(records, (record) => record.misses),
    overruns: sum(records, (record) => record.overruns),
    wakeups: merged(records, "wakeups"),
    waits: merged(records, "waits"),
    ticks: merged(records, "ticks"),
  };
}

export function byAgent({ agents }: Report): Summary[] {
  return agents.flatMap((record) => summarize(record.info.name, [record]) ?? []);
}

export function byTask({ agents }: Report): Summary[] {
  const tasks = new Map<string, AgentRecord[]>();
  for (const record of agents) {
    const { task } = record.info;
    const known = tasks.get(task);
    if (known) known.push(record);
    else tasks.set(task, [record]);
  }
  return [...tasks].flatMap(([task, records]) => summarize(task, records) ?? []);
}

/** Rows for a terminal: agents while they are few, else tasks. */
export function rowsOf(report: Report): Summary[] {
  return report.agents.length <= ROWS_MAX ? byAgent(report) : byTask(report);
}

function promise({ class: kind, weight, budget }: Summary): string {
  if (budget) return `${duration(budget.runtime)} of ${duration(budget.period)}`;
  return kind === "fair" ? `weight ${weight}` : "";
}

function nameOf({ name, agents }: Summary): string {
  return agents > 1 ? `${name} x ${agents}` : name;
}

/** What the promise is worth in processor time: the ideal share, or the budget's part of the run. */
function promised({ ideal, budget, agents }: Summary, elapsed: number): number | null {
  return budget ? (agents * elapsed * budget.runtime) / budget.period : ideal;
}

function shareTable(rows: readonly Summary[], elapsed: number): string {
  const head = ["agent", "class", "promised", "", "got", "lag", "", "misses", "overruns"];
  const units = ["", "", "", "%", "%", "least us", "most us", "", ""];
  const body = rows.map((row) => {
    const due = promised(row, elapsed);
    return [
      nameOf(row),
      row.class,
      promise(row),
      due === null ? "" : percent(due, elapsed),
      percent(row.service, elapsed),
      row.lag ? us(row.lag.least) : "",
      row.lag ? us(row.lag.greatest) : "",
      row.budget ? String(row.misses) : "",
      row.ticks || row.overruns > 0 ? String(row.overruns) : "",
    ];
  });
  return columns([head, units, ...body], 3);
}

function latencyTable(
  title: string,
  rows: readonly Summary[],
  of: (row: Summary) => Percentiles | null,
): string {
  const body = rows.flatMap((row) => {
    const found = of(row);
    if (!found) return [];
    const { count, p50, p95, p99, p999, max } = found;
    return [[nameOf(row), String(count), ...[p50, p95, p99, p999, max].map(us)]];
  });
  if (body.length === 0) return "";
  return `\n\n${columns([[title, "times", "50 %", "95 %", "99 %", "99.9 %", "max"], ...body])}`;
}

function processorTable({ processors }: Report, elapsed: number): string {
  const head = ["processor", "real-time %", "fair %", "idle class %", "else %", "switches/s"];
  const body = processors.map(({ cpu, service, switches }) => {
    // A processor's clock may be a slice past the end: that is no negative rest.
    const rest = Math.max(0, elapsed - service.realtime - service.fair - service.idle);
    const parts = [service.realtime, service.fair, service.idle, rest];
    const rate = elapsed === 0 ? 0 : (switches * 1e9) / elapsed;
    return [`CPU ${cpu}`, ...parts.map((part) => percent(part, elapsed)), rate.toFixed(0)];
  });
  return columns([head, ...body]);
}

/** The whole report for a terminal. */
export function reportText(report: Report): string {
  const rows = rowsOf(report);
  const { elapsed } = report;
  return [
    shareTable(rows, elapsed),
    latencyTable("wake-up to running, us", rows, (row) => row.wakeups),
    latencyTable("waiting for a processor, us", rows, (row) => row.waits),
    latencyTable("timer's tick to running, us", rows, (row) => row.ticks),
    `\n\n${processorTable(report, elapsed)}\n`,
  ].join("");
}
