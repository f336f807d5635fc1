/** Pieces of SVG pictures that stand by themselves: white ground, no script, no font of their own. */

/** Okabe and Ito's colours, told apart by colour-blind readers as well. */
export const COLOURS = [
  "#0072b2",
  "#d55e00",
  "#009e73",
  "#cc79a7",
  "#e69f00",
  "#56b4e9",
  "#f0e442",
  "#000000",
] as const;

export const escapeXml = (text: string) =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);

export function svgText(x: number, y: number, content: string, anchor = "middle"): string {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}">${escapeXml(content)}</text>`;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** What it shows; screen readers say it. */
  readonly title: string;
  /** What there is to see in it, for who can't. */
  readonly description?: string;
  readonly parts: readonly string[];
}

export function svgDocument({ width, height, title, description, parts }: Picture): string {
  const size = `width="${width}" height="${height}" viewBox="0 0 ${width} ${height}"`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" ${size} role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escapeXml(title)}</title>`,
    ...(description === undefined ? [] : [`<desc>${escapeXml(description)}</desc>`]),
    '<rect width="100%" height="100%" fill="white"/>',
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}
