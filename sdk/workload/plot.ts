/**
 * "Who ran when" as a picture: a row for each agent, or for each task when there are many agents;
 * the colour is the processor, the strength how much of the time. A thin line below is time in which
 * it could have run, a red mark a missed deadline.
 */
import { COLOURS, escapeXml, svgDocument, svgText } from "../svg.ts";
import { type Bins, Timeline } from "./bins.ts";
import type { AgentInfo, SchedulingEvent, SchedulingSink } from "./events.ts";
import { duration } from "./units.ts";

/** Rows that can be told apart on a screen. */
export const ROWS_MAX = 64;

const WIDTH = 1200;
const LEFT = 150;
const RIGHT = 20;
const TOP = 54;
const BOTTOM = 36;
const ROW = 14;
const BAR = 8;
const LEVELS = 8;
const TICKS = 8;
const LABEL_LENGTH = 22;

interface Row {
  readonly name: string;
  agents: number;
  readonly busy: Map<number, Bins>;
  readonly waiting: Bins;
  readonly misses: Bins;
  service: number;
  missed: number;
}

interface Place {
  readonly row: Row;
  /** CPU and since when, while it runs. */
  running: { readonly cpu: number; readonly since: number } | null;
  waitingSince: number | null;
}

export interface PlotOptions {
  readonly title: string;
  readonly cpus: number;
  readonly start: number;
  /** Agents that are expected; more than ROWS_MAX are folded into a row a task. */
  readonly agents: number;
}

/** 1, 2 or 5 times a power of ten, at least `value`. */
function roundUp(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * ([1, 2, 5].find((step) => step * unit >= value) ?? 10);
}

const shorten = (name: string) =>
  name.length <= LABEL_LENGTH ? name : `${name.slice(0, LABEL_LENGTH - 1)}…`;

export class Plot implements SchedulingSink {
  private readonly options: PlotOptions;
  private readonly timeline: Timeline;
  private readonly rows = new Map<string, Row>();
  private readonly places = new Map<number, Place>();
  private readonly current: (Place | null)[];
  private end: number;

  constructor(options: PlotOptions) {
    this.options = options;
    this.timeline = new Timeline(options.start);
    this.current = Array.from({ length: options.cpus }, () => null);
    this.end = options.start;
  }

  agent(info: AgentInfo): void {
    const row = this.rowOf(info);
    row.agents += 1;
    this.places.set(info.id, { row, running: null, waitingSince: null });
  }

  event(event: SchedulingEvent): void {
    this.end = Math.max(this.end, event.time);
    const place = this.places.get(event.agent);
    switch (event.kind) {
      case "dispatch":
        this.stop(this.current[event.cpu] ?? null, event.time);
        this.current[event.cpu] = place ?? null;
        if (place) this.run(place, event.cpu, event.time);
        break;
      case "deschedule":
        this.stop(this.current[event.cpu] ?? null, event.time);
        this.current[event.cpu] = null;
        if (place && (event.reason === "preempted" || event.reason === "yielded"))
          place.waitingSince = event.time;
        break;
      case "wake":
        if (place && !place.running) place.waitingSince ??= event.time;
        break;
      case "miss":
        if (place) {
          place.row.misses.addAt(event.time, 1);
          place.row.missed += 1;
        }
        break;
    }
  }

  finish(time: number): void {
    this.end = Math.max(this.end, time);
    for (const place of this.places.values()) {
      this.stop(place, this.end);
      this.stopWaiting(place, this.end);
    }
  }

  /** The picture, once the run is finished. */
  svg(): string {
    const rows = [...this.rows.values()];
    const height = TOP + rows.length * ROW + BOTTOM;
    const span = Math.max(1, this.end - this.options.start);
    const parts = [svgText(WIDTH / 2, 18, this.options.title), ...this.legend()];
    parts.push(...this.axis(span, height));
    for (const [index, row] of rows.entries()) parts.push(...this.row(row, index, span));
    const agents = rows.reduce((sum, row) => sum + row.agents, 0);
    const description =
      `${agents} agents on ${this.options.cpus} processors for ${duration(span)}. ` +
      rows.map((row) => this.describe(row, span)).join("; ");
    return svgDocument({ width: WIDTH, height, title: this.options.title, description, parts });
  }

  private rowOf(info: AgentInfo): Row {
    const folded = this.options.agents > ROWS_MAX;
    const known = this.rows.get(folded ? info.task : info.name);
    if (known) return known;
    const last = this.rows.size >= (folded ? ROWS_MAX - 1 : ROWS_MAX);
    const name = last ? "others" : folded ? info.task : info.name;
    const row = this.rows.get(name) ?? {
      name,
      agents: 0,
      busy: new Map(),
      waiting: this.timeline.bins(),
      misses: this.timeline.bins(),
      service: 0,
      missed: 0,
    };
    this.rows.set(name, row);
    return row;
  }

  private run(place: Place, cpu: number, time: number): void {
    this.stop(place, time);
    this.stopWaiting(place, time);
    place.running = { cpu, since: time };
  }

  private stop(place: Place | null, time: number): void {
    if (!place?.running) return;
    const { cpu, since } = place.running;
    place.running = null;
    place.row.service += time - since;
    const bins = place.row.busy.get(cpu) ?? this.timeline.bins();
    place.row.busy.set(cpu, bins);
    bins.addInterval(since, time);
  }

  private stopWaiting(place: Place, time: number): void {
    if (place.waitingSince === null) return;
    place.row.waiting.addInterval(place.waitingSince, time);
    place.waitingSince = null;
  }

  private describe({ name, agents, service, missed }: Row, span: number): string {
    const share = `${((100 * service) / span).toFixed(1)} % of a processor`;
    const many = agents > 1 ? ` (${agents} agents)` : "";
    return `${name}${many}: ${share}${missed > 0 ? `, ${missed} deadlines missed` : ""}`;
  }

  private legend(): string[] {
    const parts: string[] = [];
    const shown = Math.min(this.options.cpus, COLOURS.length);
    for (let cpu = 0; cpu < shown; cpu++) {
      const x = LEFT + cpu * 90;
      const more = this.options.cpus > cpu + COLOURS.length ? ", …" : "";
      parts.push(`<rect x="${x}" y="32" width="14" height="${BAR}" fill="${COLOURS[cpu]}"/>`);
      parts.push(svgText(x + 18, 40, `CPU ${cpu}${more}`, "start"));
    }
    return parts;
  }

  private axis(span: number, height: number): string[] {
    const step = roundUp(span / TICKS);
    const parts: string[] = [];
    for (let time = 0; time <= span; time += step) {
      const x = LEFT + (time / span) * (WIDTH - LEFT - RIGHT);
      parts.push(`<path d="M${x.toFixed(1)} ${TOP - 4}V${height - BOTTOM + 4}" stroke="#ddd"/>`);
      parts.push(svgText(x, height - BOTTOM + 18, duration(time)));
    }
    return parts;
  }

  private row(row: Row, index: number, span: number): string[] {
    const y = TOP + index * ROW + ROW / 2;
    const scale = ((WIDTH - LEFT - RIGHT) * this.timeline.binNs) / span;
    const used = Math.ceil(span / this.timeline.binNs);
    const strokes = new Strokes(scale);
    const parallel = Math.min(row.agents, this.options.cpus);
    for (let bin = 0; bin < used; bin++) {
      const { cpu, sum } = busiest(row, bin);
      const part = sum / (parallel * this.timeline.binNs);
      strokes.add(cpu, Math.ceil(Math.min(1, part) * LEVELS), bin);
    }
    const waits = new Strokes(scale);
    for (let bin = 0; bin < used; bin++) {
      const part = (row.waiting.values[bin] ?? 0) / (row.agents * this.timeline.binNs);
      waits.add(0, Math.ceil(Math.min(1, part) * LEVELS), bin);
    }
    const title = `<title>${escapeXml(this.describe(row, span))}</title>`;
    const late = [...row.misses.values.entries()]
      .filter(([, count]) => count > 0)
      .map(([bin]) => `M${(LEFT + (bin + 0.5) * scale).toFixed(1)} ${y - 6}v10`);
    return [
      `<g>${title}`,
      svgText(LEFT - 8, y + 4, shorten(row.name), "end"),
      ...strokes.paths(used, y, BAR, (cpu) => COLOURS[cpu % COLOURS.length] ?? "black"),
      ...waits.paths(used, y + BAR / 2 + 1.5, 1.5, () => "#555"),
      ...(late.length > 0 ? [`<path d="${late.join("")}" stroke="red" stroke-width="1.5"/>`] : []),
      "</g>",
    ];
  }
}

/** The CPU that ran the row most in a bin, and the time of all. */
function busiest(row: Row, bin: number): { cpu: number; sum: number } {
  let [cpu, most, sum] = [0, 0, 0];
  for (const [each, bins] of row.busy) {
    const time = bins.values[bin] ?? 0;
    sum += time;
    if (time > most) [cpu, most] = [each, time];
  }
  return { cpu, sum };
}

/** Bins in a row that look alike are one stroke, and strokes that look alike one path. */
class Strokes {
  private readonly scale: number;
  private readonly found = new Map<string, string[]>();
  private open: { key: string; from: number } | null = null;

  constructor(scale: number) {
    this.scale = scale;
  }

  /** @param level strength, 0 for nothing to LEVELS */
  add(colour: number, level: number, bin: number): void {
    const key = level === 0 ? "" : `${colour}/${level}`;
    if (this.open?.key === key) return;
    this.close(bin);
    this.open = { key, from: bin };
  }

  paths(end: number, y: number, width: number, colourOf: (colour: number) => string): string[] {
    this.close(end);
    return [...this.found].map(([key, strokes]) => {
      const [colour = 0, level = 0] = key.split("/").map(Number);
      const style = `stroke="${colourOf(colour)}" stroke-opacity="${level / LEVELS}"`;
      const d = strokes.map((stroke) => stroke.replace("Y", String(y))).join("");
      return `<path d="${d}" fill="none" ${style} stroke-width="${width}"/>`;
    });
  }

  private close(end: number): void {
    if (!this.open || this.open.key === "") return;
    const { key, from } = this.open;
    const x = (LEFT + from * this.scale).toFixed(1);
    const strokes = this.found.get(key) ?? [];
    strokes.push(`M${x} Yh${((end - from) * this.scale).toFixed(2)}`);
    this.found.set(key, strokes);
  }
}
