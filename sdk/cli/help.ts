/** Text of a command's help, as wide as every terminal is. */

/** Columns, as commander has them where it knows of no terminal. */
export const HELP_COLUMNS = 80;

/** How a list of commands is shown: what each takes its own help says, which would make the list too wide. */
export const NAMES_ONLY = { subcommandTerm: (command: { name(): string }) => command.name() };

/**
 * Paragraphs are filled anew. A line that is indented stays one, as an example or a row of a table is; what is too long
 * of it goes on below its text, and an example behind a backslash.
 */
export function helpText(text: string): string {
  const blocks = text.match(/^[ \t].*$|^$|(?:^\S.*$\n?)+/gm) ?? [];
  return blocks.map((it) => (/^\s/.test(it) ? row(it) : filled(it))).join("\n");
}

const filled = (paragraph: string): string => wrapped(paragraph.trim(), "", "");

/** "  2  bad usage": the next line begins where the text does. */
function row(line: string): string {
  const [indent = ""] = /^\s*(?:\S+\s{2,})?/.exec(line) ?? [];
  const isExample = /^\s+aios /.test(line);
  const next = " ".repeat(isExample ? indent.length + 4 : indent.length);
  return indent + wrapped(line.slice(indent.length), next, isExample ? " \\" : "", indent.length);
}

/** `begun` columns of the first line are taken; `next` stands before the others, `mark` behind all but the last. */
function wrapped(text: string, next: string, mark: string, begun = 0): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/ (?! )|\n/)) {
    const room = HELP_COLUMNS - mark.length - (lines.length === 0 ? begun : 0);
    if (line.trim() !== "" && line.length + 1 + word.length > room) {
      lines.push(line + mark);
      line = next + word;
    } else line += line === "" ? word : ` ${word}`;
  }
  return [...lines, line].join("\n");
}
