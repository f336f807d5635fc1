/** The table of a benchmark run, as text and as Markdown. */
import type { Host } from "./host.ts";
import type { Row } from "./measure.ts";

const COLUMNS = ["", "what", "ours", "peer", "ratio", "25 %-75 %", "runs", "aim"] as const;

/** Three significant figures, and no more digits than that for large ones. */
export function figure(value: number): string {
  const digits = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  return value.toFixed(Math.min(4, Math.max(0, 2 - digits)));
}

function cells(row: Row): string[] {
  const peer = row.peer === undefined ? "" : `${figure(row.peer)} ${row.unit}`;
  const name = row.peerName ?? "";
  return [
    row.group,
    row.name,
    `${figure(row.ours)} ${row.unit}`,
    peer === "" ? name : `${peer} (${name})`,
    row.ratio === undefined ? "" : figure(row.ratio),
    `${figure(row.low)}-${figure(row.high)}`,
    String(row.runs),
    row.aim ?? "",
  ];
}

export function printTable(rows: readonly Row[], host: Host, seconds: number): void {
  const lines = [[...COLUMNS], ...rows.map(cells)];
  const widths = COLUMNS.map((_, at) => Math.max(...lines.map((line) => (line[at] ?? "").length)));
  for (const line of lines)
    console.log(
      line
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join("  ")
        .trimEnd(),
    );
  console.log(
    `\nratio = ours / peer, the median of interleaved runs; without a peer the spread is of ours`,
  );
  console.log(`${describe(host)}; ${seconds} s`);
}

export const describe = (host: Host): string =>
  `${host.processor.trim()}, ${host.cores} cores, ${host.memoryGiB} GiB; Node ${host.node}, V8 ${host.v8}; ${host.gcc}`;

export function markdownTable(rows: readonly Row[]): string {
  const line = (parts: readonly string[]) => `| ${parts.join(" | ")} |`;
  const head = [line(COLUMNS), line(COLUMNS.map(() => "---"))];
  return [...head, ...rows.map((row) => line(cells(row)))].join("\n");
}
