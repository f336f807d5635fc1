/** The figures as a table, as a page of the documentation and as a picture. */
import type { Result } from "./measure.ts";

function figure(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

function cells(result: Result): string[] {
  const { name, ours, peer, unit, ratio, spread, against, goal } = result;
  return [
    name,
    `${figure(ours)} ${unit}`,
    `${figure(peer)} ${unit}`,
    figure(ratio),
    `${figure(spread[0])}–${figure(spread[1])}`,
    goal === undefined ? "" : `≤ ${goal}`,
    against,
  ];
}

const HEAD = ["what", "ours", "peer", "ratio", "spread", "aim", "peer is"];

export function table(results: readonly Result[]): string {
  const rows = [HEAD, ...results.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return `${rows.map(line).join("\n")}\n`;
}

export interface Host {
  readonly node: string;
  readonly cpu: string;
  readonly cpus: number;
}

export function markdown(
  host: Host,
  suites: readonly string[],
  results: readonly Result[],
): string {
  const row = (columns: readonly string[]) => `| ${columns.join(" | ")} |`;
  const section = (suite: string) => [
    `## ${suite}`,
    "",
    row(HEAD),
    row(HEAD.map(() => "---")),
    ...results.filter((result) => result.suite === suite).map((result) => row(cells(result))),
    "",
    `![ratios of ${suite}](benchmarks/${suite}.svg)`,
    "",
  ];
  return [
    "# Benchmarks",
    "",
    "Each ratio is ours divided by the peer's, the median of rounds in which both took turns in one",
    "run; below 1, ours takes less. The spread is the lowest and the highest round.",
    "",
    `Written by \`npm run bench -- --docs\` on ${host.cpus} × ${host.cpu}, Node ${host.node}.`,
    "",
    ...suites.flatMap(section),
  ].join("\n");
}

const WIDTH = 760;
const ROW = 22;
const LABELS = 330;

/** Bars of the ratios on a logarithmic scale from 0.1 on; a line at 1 and a mark at the aim. */
export function plot(suite: string, results: readonly Result[]): string {
  const rows = results.filter((result) => result.suite === suite);
  const top = Math.max(10, ...rows.map(({ ratio }) => ratio)) * 1.2;
  const x = (ratio: number) =>
    LABELS + (Math.log10(Math.max(ratio, 0.1) * 10) / Math.log10(top * 10)) * (WIDTH - LABELS - 60);
  const height = rows.length * ROW + 30;
  const bars = rows.map((result, index) => {
    const y = 24 + index * ROW;
    const aim =
      result.goal === undefined
        ? ""
        : `<line x1="${x(result.goal)}" x2="${x(result.goal)}" y1="${y - 2}" y2="${y + 16}" stroke="#c33" stroke-width="2"/>`;
    return [
      `<text x="${LABELS - 8}" y="${y + 12}" text-anchor="end">${result.name}</text>`,
      `<rect x="${LABELS}" y="${y}" width="${Math.max(1, x(result.ratio) - LABELS)}" height="14" fill="#4a7fb5"/>`,
      aim,
      `<text x="${x(result.ratio) + 6}" y="${y + 12}">${figure(result.ratio)}</text>`,
    ].join("");
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" font-family="sans-serif" font-size="12">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    `<text x="${LABELS}" y="14" fill="#555">ratio to the peer (logarithmic; red: aim, grey: 1)</text>`,
    `<line x1="${x(1)}" x2="${x(1)}" y1="20" y2="${height - 4}" stroke="#bbb"/>`,
    ...bars,
    "</svg>\n",
  ].join("\n");
}
