/** How figures grow, as a picture. */
import { COLOURS, svgDocument, svgText } from "../sdk/svg.ts";
import type { Series } from "./measure.ts";
import { figure } from "./table.ts";

const WIDTH = 640;
const HEIGHT = 320;
const LEFT = 70;
const RIGHT = 20;
const TOP = 40;
const BOTTOM = 50;
const GRID_LINES = 5;
const LEGEND_STEP = 16;

interface Scale {
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly top: number;
}

/** 1, 2 or 5 times a power of ten, at least `value`. */
function roundUp(value: number): number {
  const unit = 10 ** Math.floor(Math.log10(value));
  return unit * ([1, 2, 5].find((step) => step * unit >= value) ?? 10);
}

/** Horizontal: logarithmic, since figures are taken at powers of two. Vertical: linear from 0. */
function scaleOf({ lines }: Series): Scale {
  const points = lines.flatMap((line) => line.points);
  const xs = points.map(([x]) => Math.log2(x));
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  const top = roundUp(Math.max(...points.map(([, y]) => y)));
  return {
    x: (value) => LEFT + ((Math.log2(value) - low) / (high - low || 1)) * (WIDTH - LEFT - RIGHT),
    y: (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM),
    top,
  };
}

function axes(series: Series, scale: Scale): string[] {
  const parts = [svgText(WIDTH / 2, 20, series.title), svgText(WIDTH / 2, HEIGHT - 10, series.x)];
  for (let line = 0; line <= GRID_LINES; line++) {
    const value = (scale.top * line) / GRID_LINES;
    const y = scale.y(value).toFixed(1);
    parts.push(`<path d="M${LEFT} ${y}H${WIDTH - RIGHT}" stroke="#ccc"/>`);
    const unit = series.unit === "/s" ? "/s" : ` ${series.unit}`;
    const shown = value === 0 ? "0" : value >= 1000 ? value.toLocaleString("en") : figure(value);
    parts.push(
      svgText(LEFT - 6, scale.y(value) + 4, shown + (line === GRID_LINES ? unit : ""), "end"),
    );
  }
  const ticks = new Set(series.lines.flatMap((line) => line.points.map(([x]) => x)));
  for (const x of ticks) parts.push(svgText(scale.x(x), HEIGHT - BOTTOM + 18, String(x)));
  return parts;
}

/** The series as a picture that stands by itself: white ground, no script, no font of its own. */
export function plot(series: Series): string {
  const scale = scaleOf(series);
  const parts = axes(series, scale);
  series.lines.forEach(({ name, points }, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? "black";
    const path = points.map(([x, y]) => `${scale.x(x).toFixed(1)},${scale.y(y).toFixed(1)}`);
    parts.push(
      `<polyline points="${path.join(" ")}" fill="none" stroke="${colour}" stroke-width="2"/>`,
    );
    for (const point of path) {
      const [x, y] = point.split(",");
      parts.push(`<circle cx="${x}" cy="${y}" r="3" fill="${colour}"/>`);
    }
    const y = TOP + 2 + (index + 1) * LEGEND_STEP;
    parts.push(`<path d="M${LEFT + 12} ${y - 4}h20" stroke="${colour}" stroke-width="2"/>`);
    parts.push(svgText(LEFT + 38, y, name, "start"));
  });
  return svgDocument({ width: WIDTH, height: HEIGHT, title: series.title, parts });
}
