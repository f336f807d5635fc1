/** Standard input. */
import { decode, host, SystemError, type Waiter, waiting } from "./host.ts";
import * as op from "./operations.ts";

const STDIN = 0;
const NEWLINE = 10;
/** There is none. */
const ERRNO_BADF = 8;

type Part = Uint8Array | undefined;
const readers: Waiter<Part>[] = [];
/** What `lines` has read and not given. */
let rest: Part;
let isOver = false;

export const inputIsAwaited = (): boolean => readers.length > 0;

/** There are bytes, or there will be no more. */
export function takeInput(): void {
  const got = host(op.OP_READ, STDIN);
  isOver = typeof got === "number" || (got as Uint8Array).length === 0;
  if (typeof got === "number" && got !== -ERRNO_BADF)
    readers.shift()?.reject(new SystemError("stdin", got));
  if (!isOver) readers.shift()?.resolve(got as Uint8Array);
  else for (const { resolve } of readers.splice(0)) resolve(undefined);
}

async function read(): Promise<Part> {
  const bytes = rest;
  rest = undefined;
  return bytes ?? (isOver ? undefined : await waiting(readers));
}

function joined(first: Part, second: Uint8Array): Uint8Array {
  if (first === undefined) return second;
  const bytes = new Uint8Array(first.length + second.length);
  bytes.set(first);
  bytes.set(second, first.length);
  return bytes;
}

async function* lines(): AsyncGenerator<string, void> {
  while (true) {
    const end = rest?.indexOf(NEWLINE) ?? -1;
    if (rest !== undefined && end >= 0) {
      const line = decode(rest.subarray(0, end));
      rest = end + 1 < rest.length ? rest.subarray(end + 1) : undefined;
      yield line;
      continue;
    }
    const before = rest;
    rest = undefined;
    const more = await read();
    if (more === undefined) {
      if (before !== undefined) yield decode(before);
      return;
    }
    rest = joined(before, more);
  }
}

async function* parts(): AsyncGenerator<Uint8Array, void> {
  for (let part = await read(); part !== undefined; part = await read()) yield part;
}

export const stdin = Object.freeze({ read, lines, [Symbol.asyncIterator]: parts });
