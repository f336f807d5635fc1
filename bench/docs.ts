/** docs/benchmarks/*.svg and the figures in docs/benchmarks.md, from a run of all subjects or of some. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { plotDots } from "./dots.ts";
import type { Host } from "./host.ts";
import type { Results } from "./measure.ts";
import { plot } from "./plot.ts";
import { describe, markdownTable } from "./table.ts";

const PAGE = "docs/benchmarks.md";
const BEGIN = "<!-- figures: written by bench/docs.ts -->";
const END = "<!-- end of figures -->";

export interface Run {
  readonly subjects: readonly string[];
  readonly host: Host;
  readonly seconds: number;
}

/** The part of the page that is written: which subjects were measured where, table, pictures. */
interface Figures {
  /** "- boot, mm: in 30 s on …", without the subjects. */
  readonly runs: { readonly subjects: readonly string[]; readonly rest: string }[];
  readonly head: readonly string[];
  readonly rows: readonly string[];
  readonly pictures: readonly string[];
}

function parse(text: string): Figures {
  const lines = text.split("\n");
  const runs = lines.flatMap((line) => {
    const [, subjects, rest] = line.match(/^- ([a-z, ]+): (in .*)$/) ?? [];
    return subjects === undefined || rest === undefined
      ? []
      : [{ subjects: subjects.split(", "), rest }];
  });
  const table = lines.filter((line) => line.startsWith("|"));
  return {
    runs,
    head: table.slice(0, 2),
    rows: table.slice(2),
    pictures: lines.filter((line) => line.startsWith("![")),
  };
}

const groupOf = (row: string): string => row.split("|")[1]?.trim() ?? "";
const fileOf = (picture: string): string => picture.match(/\((.*)\)/)?.[1] ?? "";

/** Rows of subjects that ran now take the place of those that were there, or come last. */
function mergeRows(before: readonly string[], now: readonly string[], subjects: readonly string[]) {
  const order = [...new Set([...before, ...now].map(groupOf))];
  return order.flatMap((group) =>
    (subjects.includes(group) ? now : before).filter((row) => groupOf(row) === group),
  );
}

/** Pictures of the same file likewise. */
function mergePictures(before: readonly string[], now: readonly string[]): string[] {
  const byFile = new Map(now.map((picture) => [fileOf(picture), picture]));
  const kept = before.map((picture) => byFile.get(fileOf(picture)) ?? picture);
  return [...new Set([...kept, ...now])];
}

/** The page with the figures of this run; those of other subjects stay as they are. */
export function mergePage(page: string, results: Results, run: Run): string {
  const [before = "", written = ""] = page.split(BEGIN);
  const [text = "", after = ""] = written.split(END);
  const old = parse(text);
  const now = parse(markdownTable(results.rows));
  const pictures = [...results.series, ...results.dots].map(
    ({ title, file }) => `![${title}](benchmarks/${file}.svg)`,
  );
  const left = old.runs.map(({ subjects, rest }) => ({
    subjects: subjects.filter((name) => !run.subjects.includes(name)),
    rest,
  }));
  const mine = { subjects: run.subjects, rest: `in ${run.seconds} s on ${describe(run.host)}.` };
  const runs = [...left, mine].filter(({ subjects }) => subjects.length > 0);
  // Pictures that a run of everything doesn't draw any more are gone.
  const drawn = runs.length > 1 ? old.pictures : [];
  const parts = [
    "Measured by `npm run bench`:",
    runs.map(({ subjects, rest }) => `- ${subjects.join(", ")}: ${rest}`).join("\n"),
    [...now.head, ...mergeRows(old.rows, now.rows, run.subjects)].join("\n"),
    mergePictures(drawn, pictures).join("\n\n"),
  ];
  return `${before}${BEGIN}\n${parts.join("\n\n")}\n${END}${after}`;
}

/** Writes the pictures and the page from what a run found. */
export function writeDocs(results: Results, run: Run): void {
  mkdirSync("docs/benchmarks", { recursive: true });
  for (const series of results.series)
    writeFileSync(`docs/benchmarks/${series.file}.svg`, plot(series));
  for (const dots of results.dots)
    writeFileSync(`docs/benchmarks/${dots.file}.svg`, plotDots(dots));
  writeFileSync(PAGE, mergePage(readFileSync(PAGE, "utf8"), results, run));
}
