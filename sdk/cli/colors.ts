import picocolors from "picocolors";

/** Colours for a stream: only on a terminal, and not with NO_COLOR (https://no-color.org). */
export function colorsFor(stream: {
  readonly isTTY?: boolean;
}): ReturnType<typeof picocolors.createColors> {
  const { NO_COLOR, TERM } = process.env;
  return picocolors.createColors(stream.isTTY === true && !NO_COLOR && TERM !== "dumb");
}
