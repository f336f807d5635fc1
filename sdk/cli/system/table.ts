/** Tables for people: columns as wide as what is in them; on a terminal the last ones give way. */

export interface Column<T> {
  readonly title: string;
  readonly of: (row: T) => string;
  readonly right?: boolean;
}

const GAP = "  ";
/** What is left of a cell at least when the terminal is narrow. */
const CELL_MIN = 8;

/** Lines, the titles first; `width` is the terminal's, 0 for one that doesn't know it. */
export function tableLines<T>(
  rows: readonly T[],
  columns: readonly Column<T>[],
  width = 0,
): string[] {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map((c) => printable(c.of(row)))),
  ];
  const widths = columns.map((_, n) => Math.max(...cells.map((line) => line[n]?.length ?? 0)));
  if (width > 0) shrink(widths, width - GAP.length * (columns.length - 1));
  return cells.map((line) =>
    line
      .map((cell, n) => {
        const cut = fit(cell, widths[n] ?? 0);
        return columns[n]?.right ? cut.padStart(widths[n] ?? 0) : cut.padEnd(widths[n] ?? 0);
      })
      .join(GAP)
      .trimEnd(),
  );
}

/** What an agent calls itself can't move the cursor. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for.
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, (sign) => {
    const code = sign.charCodeAt(0).toString(16).padStart(2, "0");
    return `\\x${code}`;
  });
}

const fit = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;

/** Takes what is too much from the widest column, again and again. */
function shrink(widths: number[], room: number): void {
  for (let sum = widths.reduce((a, b) => a + b, 0); sum > room; sum--) {
    const widest = Math.max(...widths);
    if (widest <= CELL_MIN) return;
    widths[widths.lastIndexOf(widest)] = widest - 1;
  }
}
