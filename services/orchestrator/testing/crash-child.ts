/**
 * The process that is killed: `crash-child.ts DIRECTORY SEED`. It kills itself around one of its writes; on its
 * standard output stands what has been acknowledged, and last where it was killed.
 */
import { writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Store } from "../../host/store.ts";
import { System } from "../../up/system.ts";
import { kindOf, pointOf, type WriteKind } from "./crash-points.ts";
import { MEMORY, subjectOf } from "./crash-system.ts";
import { drive, randomOf } from "./driver.ts";

const [state = "", text = "0"] = process.argv.slice(2);
const seed = Number(text);
const point = pointOf(seed);
const say = (it: object) => writeSync(1, `${JSON.stringify(it)}\n`);
/** Rounds of Node's loop for which a write has been on its way. */
const ROUNDS_MAX = 4;
let left = point.nth;

function die(): void {
  say({ killed: point });
  process.kill(process.pid, "SIGKILL");
}

function dieLater(rounds: number): void {
  setImmediate(() => (rounds > 0 ? dieLater(rounds - 1) : die()));
}

/** Does a write of a kind, unless this process is to be killed before it. */
function around<T>(kind: WriteKind, write: () => Promise<T>): Promise<T> {
  if (kind !== point.kind || --left !== 0) return write();
  if (point.moment === "before") die();
  const done = write();
  if (point.moment === "during") dieLater(Math.floor(randomOf(~seed)() * ROUNDS_MAX));
  return done.then((value) => {
    if (point.moment === "after") die();
    return value;
  });
}

const { write, putObject } = Store.prototype;
Store.prototype.write = function (batch) {
  return around(kindOf(batch), () => write.call(this, batch));
};
Store.prototype.putObject = function (bytes) {
  return around("object", () => putObject.call(this, bytes));
};
const any = await open(process.execPath);
const files = Object.getPrototypeOf(any) as { write: (...args: unknown[]) => Promise<unknown> };
await any.close();
const { write: writeFile } = files;
files.write = function (this: FileHandle, ...args) {
  return around("file", () => writeFile.apply(this, args));
};

const system = await System.start({ state, memory: MEMORY });
void system.run();
await drive(subjectOf(system), seed, say);
