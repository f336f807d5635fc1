/** A line of the shell as words, by the rules of POSIX's shell for quotes (2.2); its other signs are refused. */

export class QuoteError extends Error {
  override readonly name = "QuoteError";
}

interface Taken {
  readonly text: string;
  readonly end: number;
}

/** What a shell of the computer has, and this one hasn't: pipes, redirections, lists. */
const SIGNS = "|<>&;";

/** Characters that a backslash in double quotes takes the meaning from. */
const ESCAPABLE = '"\\$`';

function quoted(line: string, at: number): Taken {
  const sign = line[at] as string;
  let text = "";
  for (let n = at + 1; n < line.length; n++) {
    const next = line[n] as string;
    if (next === sign) return { text, end: n + 1 };
    const escapes = sign === '"' && next === "\\" && ESCAPABLE.includes(line[n + 1] ?? " ");
    text += escapes ? line[++n] : next;
  }
  throw new QuoteError(`the ${sign} at column ${at + 1} has no end`);
}

/** @throws QuoteError a quote has no end, nothing follows a backslash, or a sign isn't quoted */
export function wordsOf(line: string): string[] {
  const words: string[] = [];
  let word: string | null = null;
  for (let at = 0; at < line.length; ) {
    const sign = line[at] as string;
    if (/\s/.test(sign)) {
      if (word !== null) words.push(word);
      word = null;
      at += 1;
    } else if (sign === "'" || sign === '"') {
      const { text, end } = quoted(line, at);
      word = (word ?? "") + text;
      at = end;
    } else if (sign === "#" && word === null) {
      return words;
    } else if (SIGNS.includes(sign)) {
      const remedy = "quote it, or give the line to your own shell, with aios in front";
      throw new QuoteError(`the ${sign} at column ${at + 1} means nothing here: ${remedy}`);
    } else {
      if (sign === "\\" && at + 1 === line.length)
        throw new QuoteError("nothing follows the backslash at the end");
      if (sign === "\\") at += 1;
      word = (word ?? "") + line[at];
      at += 1;
    }
  }
  return word === null ? words : [...words, word];
}
