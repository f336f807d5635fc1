/** Who takes how long for what, as a picture: a line a task, a dot a side (Cleveland 1984). */
import { COLOURS, svgDocument, svgText } from "../sdk/svg.ts";
import { type Dots, median } from "./measure.ts";
import { figure } from "./table.ts";

const WIDTH = 640;
const LEFT = 150;
const RIGHT = 20;
const TOP = 36;
const ROW = 26;
const AXIS = 36;
const LEGEND_ROW = 18;
const LEGEND_COLUMNS = 3;
const RADIUS = 5;

/** 1, 2 and 5 times powers of ten around the values: a logarithmic axis. */
function ticksAround(values: readonly number[]): number[] {
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  const powers = Array.from({ length: high - low + 1 }, (_, at) => 10 ** (low + at));
  const all = powers.flatMap((power) => [power, 2 * power, 5 * power]);
  const first = all.findLastIndex((tick) => tick <= Math.min(...values));
  const last = all.findIndex((tick) => tick >= Math.max(...values));
  return all.slice(first, last + 1);
}

/** The medians as a picture that stands by itself. */
export function plotDots({ title, unit, sides, rows }: Dots): string {
  const medians = rows.map(({ values }) => values.map(median));
  const ticks = ticksAround(medians.flat());
  const [low, high] = [Math.log(ticks[0] ?? 1), Math.log(ticks.at(-1) ?? 10)];
  const x = (value: number) =>
    LEFT + ((Math.log(value) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const bottom = TOP + rows.length * ROW;
  const parts = [svgText(WIDTH / 2, 20, title)];
  for (const tick of ticks) {
    const at = x(tick).toFixed(1);
    parts.push(`<path d="M${at} ${TOP}V${bottom}" stroke="#ddd"/>`);
    const shown = Number(figure(tick)).toString();
    parts.push(svgText(x(tick), bottom + 16, tick === ticks.at(-1) ? `${shown} ${unit}` : shown));
  }
  rows.forEach(({ name }, row) => {
    const y = TOP + (row + 0.5) * ROW;
    parts.push(svgText(LEFT - 8, y + 4, name, "end"));
    parts.push(`<path d="M${LEFT} ${y}H${WIDTH - RIGHT}" stroke="#bbb" stroke-dasharray="1 3"/>`);
    medians[row]?.forEach((value, side) => {
      const colour = COLOURS[side % COLOURS.length] ?? "black";
      parts.push(`<circle cx="${x(value).toFixed(1)}" cy="${y}" r="${RADIUS}" fill="${colour}"/>`);
    });
  });
  sides.forEach((side, at) => {
    const left = LEFT + (at % LEGEND_COLUMNS) * ((WIDTH - LEFT) / LEGEND_COLUMNS);
    const y = bottom + AXIS + Math.floor(at / LEGEND_COLUMNS) * LEGEND_ROW;
    const colour = COLOURS[at % COLOURS.length] ?? "black";
    parts.push(`<circle cx="${left}" cy="${y}" r="${RADIUS}" fill="${colour}"/>`);
    parts.push(svgText(left + 10, y + 4, side, "start"));
  });
  const height = bottom + AXIS + Math.ceil(sides.length / LEGEND_COLUMNS) * LEGEND_ROW;
  return svgDocument({ width: WIDTH, height, title, parts });
}
