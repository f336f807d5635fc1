/** What is said on a terminal while something takes long. */
import { ERASE_LINE } from "../erase.ts";

/** Work that is done sooner needs no word, ms. */
const SOON_MS = 500;

/** Waits for `work`; on a terminal a line says that it is under way, and goes with its end. */
export async function underWay<T>(
  err: Pick<NodeJS.WriteStream, "isTTY" | "write">,
  text: string,
  work: Promise<T>,
): Promise<T> {
  if (!err.isTTY) return await work;
  let shown = "";
  const timer = setTimeout(() => {
    shown = ERASE_LINE;
    err.write(`${text} …`);
  }, SOON_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
    err.write(shown);
  }
}
