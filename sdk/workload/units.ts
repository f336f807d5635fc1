/** Figures as people read them. */
const UNITS = [
  [1_000_000_000, "s"],
  [1_000_000, "ms"],
  [1000, "us"],
] as const;

/** Three significant digits, without zeros that say nothing. */
export function significant(value: number): string {
  if (value === 0) return "0";
  const digits = Math.floor(Math.log10(Math.abs(value)));
  const text = value.toFixed(Math.max(0, 2 - digits));
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** A span of ns in the largest unit that leaves a whole digit. */
export function duration(ns: number): string {
  if (ns === 0) return "0";
  const [scale, unit] = UNITS.find(([each]) => Math.abs(ns) >= each) ?? [1, "ns"];
  return `${significant(ns / scale)} ${unit}`;
}

/** ns as microseconds, for columns of figures. */
export function us(ns: number): string {
  const value = ns / 1000;
  return Math.abs(value) < 1000 ? significant(value) : value.toFixed(0);
}

export function percent(part: number, whole: number): string {
  return whole === 0 ? "" : `${((100 * part) / whole).toFixed(2)}`;
}

/** Lines with columns as wide as their widest cell; the first is to the left, figures to the right. */
export function columns(rows: readonly (readonly string[])[], left = 1): string {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => (row[at] ?? "").length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, at) =>
          at < left ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0),
        )
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
