import { expect, test } from "vitest";
import { ChromeTrace } from "./chrome-trace.ts";
import { Machine } from "./machine.ts";
import { busyMachine } from "./testing/workload.ts";
import type { MachineEvent } from "./trace-events.ts";

/** An event of the Trace Event Format, as its description has it. */
interface TraceEvent {
  readonly name: string;
  readonly ph: string;
  readonly ts: number;
  readonly pid: number;
  readonly tid: number;
  readonly id?: number;
  readonly args?: Record<string, unknown>;
}

function parse(text: string): TraceEvent[] {
  return (JSON.parse(text) as { traceEvents: TraceEvent[] }).traceEvents;
}

/** Judges a trace by the format's rules alone; returns the names of its rows. */
function judge(text: string): string[] {
  const rows = new Map<string, { open: number; ts: number }>();
  const names = new Map<string, string>();
  const spans = new Map<number, number>();
  for (const { ph, pid, tid, ts, name, id, args } of parse(text)) {
    const key = `${pid}/${tid}`;
    if (ph === "M" && name === "thread_name") names.set(key, String(args?.["name"]));
    if (ph === "M") continue;
    if (ph === "B" || ph === "E") {
      const row = rows.get(key) ?? { open: 0, ts: 0 };
      expect(ts).toBeGreaterThanOrEqual(row.ts);
      row.ts = ts;
      row.open += ph === "B" ? 1 : -1;
      expect(row.open).toBeGreaterThanOrEqual(0);
      rows.set(key, row);
      expect(names.has(key)).toBe(true);
    }
    if (ph === "b") spans.set(id ?? -1, ts);
    if (ph === "e") {
      expect(spans.get(id ?? -1)).toBeLessThanOrEqual(ts);
      spans.delete(id ?? -1);
    }
  }
  expect([...rows.values()].every(({ open }) => open === 0)).toBe(true);
  expect(spans.size).toBe(0);
  return [...names.values()];
}

function written(events: readonly MachineEvent[]): string {
  let text = "";
  const trace = new ChromeTrace((piece) => {
    text += piece;
  });
  for (const event of events) trace.add(event);
  trace.finish();
  return text;
}

const at = (time: number) => ({ time: BigInt(time) });
const cpu = (time: number, n = 0) => ({ ...at(time), cpu: n });
const nvme = (time: number) => ({ ...at(time), device: 0x100 });

test("handlers nest, halts stand between them, and time has its nanoseconds", () => {
  const text = written([
    { kind: "halt", ...cpu(1_001) },
    { kind: "wake", ...cpu(2_002) },
    { kind: "interrupt", vector: 0x40, errorCode: 0n, ...cpu(2_062) },
    { kind: "page-fault", errorCode: 2, address: 0x1000n, ...cpu(2_100) },
    { kind: "interrupt", vector: 14, errorCode: 2n, ...cpu(2_160) },
    { kind: "interrupt-end", vector: 14, ...cpu(2_300) },
    { kind: "halt", ...cpu(2_310) }, // in the handler: it halts when that is done
    { kind: "interrupt-end", vector: 0x40, ...cpu(2_400) },
    { kind: "wake", ...cpu(9_999) },
  ]);
  expect(judge(text)).toEqual(["boot", "CPU 0"]);
  const row = parse(text).filter(({ ph }) => ph === "B" || ph === "E");
  expect(row.map(({ ph, ts, name }) => `${ph} ${ts} ${name}`.trim())).toEqual([
    "B 1.001 halted",
    "E 2.002",
    "B 2.062 interrupt 0x40",
    "B 2.16 #PF",
    "E 2.3",
    "E 2.4",
    "B 2.4 halted",
    "E 9.999",
  ]);
});

test("commands are spans from fetch to completion, however they overlap or get lost", () => {
  const command = (time: number, id: number): MachineEvent => ({
    kind: "command",
    queue: 1,
    commandId: BigInt(id),
    opcode: 2n,
    ...nvme(time),
  });
  const done = (time: number, id: number): MachineEvent => ({
    kind: "command-completed",
    queue: 1,
    commandId: BigInt(id),
    status: 0n,
    ...nvme(time),
  });
  const text = written([
    command(10, 1),
    command(20, 2),
    done(30, 2),
    done(40, 1),
    command(50, 3), // never completed, its identifier used again
    command(60, 3),
    done(70, 9), // of a command that was fetched before the trace began
    command(80, 4), // still out when the trace ends
  ]);
  expect(judge(text)).toEqual(["boot", "nvme 01:00.0"]);
  expect(parse(text).filter(({ ph }) => ph === "b")).toHaveLength(5);
});

test("whatever is still open when a trace begins or ends leaves a trace that can be shown", () => {
  judge(written([]));
  judge(written([{ kind: "interrupt-end", vector: 3, ...cpu(5) }]));
  judge(written([{ kind: "interrupt", vector: 3, errorCode: 0n, ...cpu(5, 63) }]));
  judge(
    written([
      { kind: "wake", ...cpu(5) },
      { kind: "halt", ...cpu(7) },
    ]),
  );
});

test("a machine's own trace: collected as it runs, and it runs as without", async () => {
  const machine = await busyMachine();
  let text = "";
  const trace = machine.trace((piece) => {
    text += piece;
  });
  machine.run({ until: 20_000_000 });
  trace.finish();
  judge(text);
  const lines = parse(text).filter(({ name }) => name.startsWith("line 20"));
  expect(lines.length).toBeGreaterThan(100);
  expect(lines[0]?.ts).toBe(100);
  const plain = await busyMachine();
  plain.run({ until: 20_000_000 });
  expect(machine.stateHash()).toBe(plain.stateHash());
});

test("a boot can be traced from its first step", async () => {
  const machine = await Machine.create({ memory: 2 ** 21 });
  let text = "";
  const trace = machine.trace((piece) => {
    text += piece;
  });
  machine.boot();
  trace.finish();
  judge(text);
});
