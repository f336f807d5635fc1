/**
 * Makes modules ready to run, once each: a thread meters them and makes them suspendable (seconds a megabyte
 * with Binaryen), the state directory keeps the result by the digest of the module and the version of
 * what has made it, and the engine compiles it.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { deserialize, serialize } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Store } from "../host/store.ts";
import { RequestError } from "../messages/errors.ts";
import type { Code } from "../wasm/agent.ts";
import type { Prepared } from "../wasm/module/prepare.ts";
import type { PrepareAnswer } from "./prepare-worker.ts";

/** Set by the bundler of pkg/, where the worker is one file beside the command. */
declare const AIOS_PACKAGED: boolean | undefined;
const packaged = typeof AIOS_PACKAGED !== "undefined";
const workerUrl = new URL(
  packaged ? "./prepare-worker.js" : "./prepare-worker.ts",
  import.meta.url,
);

/** From the source tree the thread learns to load TypeScript, but what is large it has loaded before. */
function startWorker(): Worker {
  if (packaged) return new Worker(workerUrl);
  const load = `(async () => {
    await import("binaryen");
    const { register } = await import("tsx/esm/api");
    register();
    await import(${JSON.stringify(workerUrl.href)});
  })();`;
  return new Worker(load, { eval: true });
}

/** Real time for one module. The largest that is taken needs some twenty seconds on a slow computer. */
const TIME_LIMIT_MS = 60_000;
const DIGEST_BYTES = 32;

export class Preparer {
  /** By digest, for those that run. */
  readonly codes = new Map<string, Code>();
  private readonly store: Store;
  private readonly folder: string;
  private readonly timeLimit: number;
  private readonly underWay = new Map<string, Promise<Code>>();
  private worker: Worker | null = null;
  /** Modules are prepared one after the other. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(store: Store, timeLimit = TIME_LIMIT_MS) {
    this.store = store;
    this.timeLimit = timeLimit;
    this.folder = join(store.directory, "cache", "prepared");
  }

  /**
   * Makes the module of this digest, an object of the store, ready to run.
   * @throws RequestError not-found; bad-request: it can't be prepared, or not within the time limit
   */
  async prepare(digest: string): Promise<Code> {
    const known = this.codes.get(digest) ?? this.underWay.get(digest);
    if (known) return known;
    const work = this.make(digest).finally(() => this.underWay.delete(digest));
    this.underWay.set(digest, work);
    return await work;
  }

  /** Nobody runs this module any more: what was made of it goes, here and on the disk. */
  async forget(digest: string): Promise<void> {
    this.codes.delete(digest);
    await rm(this.place(digest), { force: true });
  }

  private place(digest: string): string {
    return join(this.folder, `${digest.replace("sha256:", "")}-${preparation()}`);
  }

  async close(): Promise<void> {
    await this.worker?.terminate();
    this.worker = null;
  }

  private async make(digest: string): Promise<Code> {
    const file = this.place(digest);
    let prepared = await readCached(file);
    if (!prepared) {
      const bytes = await this.store.getObject(digest);
      const turn = this.last.then(() => this.inWorker(bytes));
      this.last = turn.catch(() => {});
      prepared = await turn;
      await writeCached(file, prepared);
    }
    const module = await WebAssembly.compile(prepared.code as BufferSource);
    const code = { prepared, module };
    this.codes.set(digest, code);
    return code;
  }

  private inWorker(bytes: Uint8Array): Promise<Prepared> {
    this.worker ??= startWorker();
    const { worker } = this;
    worker.unref();
    return new Promise((resolve, reject) => {
      const done = (end: () => void) => {
        clearTimeout(timer);
        // Node has listeners of its own there, without which the thread's next answer doesn't come.
        for (const [event, listener] of Object.entries(listeners)) worker.off(event, listener);
        end();
      };
      const broken = (why: string) =>
        done(() => {
          this.worker = null;
          void worker.terminate();
          reject(new RequestError("bad-request", `the module can't be prepared: ${why}`));
        });
      const timer = setTimeout(
        () => broken(`it takes longer than ${this.timeLimit / 1000} s`),
        this.timeLimit,
      );
      const listeners = {
        error: ({ message }: Error) => broken(message),
        exit: () => broken("its thread has ended"),
        message: (answer: PrepareAnswer) =>
          done(() =>
            "prepared" in answer
              ? resolve(answer.prepared)
              : reject(new RequestError("bad-request", answer.refused)),
          ),
      };
      for (const [event, listener] of Object.entries(listeners)) worker.on(event, listener);
      worker.postMessage(bytes);
    });
  }
}

/** A digest of the code that prepares: another version doesn't take what this one has made. */
function preparation(): string {
  cachedPreparation ??= digestOfSources();
  return cachedPreparation;
}
let cachedPreparation: string | null = null;

function digestOfSources(): string {
  const hash = createHash("sha256");
  const folder = fileURLToPath(new URL("../wasm/module/", import.meta.url));
  const files = packaged
    ? [fileURLToPath(workerUrl)]
    : readdirSync(folder)
        .filter((name) => !name.endsWith(".test.ts"))
        .map((name) => join(folder, name));
  for (const file of files.sort()) hash.update(readFileSync(file));
  return hash.digest("hex").slice(0, 16);
}

/** A digest goes before the content: what a crash has cut off is made again. */
async function readCached(file: string): Promise<Prepared | null> {
  const bytes = await readFile(file).catch(() => null);
  if (!bytes) return null;
  const content = bytes.subarray(DIGEST_BYTES);
  const whole = createHash("sha256").update(content).digest();
  return whole.equals(bytes.subarray(0, DIGEST_BYTES)) ? (deserialize(content) as Prepared) : null;
}

async function writeCached(file: string, prepared: Prepared): Promise<void> {
  const content = serialize(prepared);
  const digest = createHash("sha256").update(content).digest();
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${process.pid}.draft`;
  try {
    await writeFile(draft, Buffer.concat([digest, content]), { mode: 0o600 });
    await rename(draft, file);
  } catch {
    // A disk without room costs the time to make it again.
    await rm(draft, { force: true });
  }
}
