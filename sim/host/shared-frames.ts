/**
 * RAM that guests share. A machine that was forked or restored has the contents of its RAM here, where
 * other copies have them too, and takes a frame into its own memory when it first reaches it
 * (sim/core/frames.ts). What it never reaches it never copies.
 */
import { RAM_BASE } from "./core.ts";
import type { Engine } from "./engine.ts";
import { PAGE_BYTES } from "./snapshot-file.ts";

/** Pages that aren't all zeroes, by linear address. Neither the map nor a page ever changes. */
export type Frames = ReadonlyMap<number, Uint8Array>;

/** The guest's RAM as it is now. What hasn't changed since the last time is the same bytes. */
export function shareFrames(engine: Engine): Frames {
  const frames = engine.shared ? withChanges(engine, engine.shared) : allFrames(engine);
  engine.core.sim.framesShared();
  engine.shared = frames;
  return frames;
}

function allFrames(engine: Engine): Frames {
  const { sim, bytes } = engine.core;
  const end = RAM_BASE + engine.configuration.memory;
  const places: number[] = [];
  const nextUsed = (page: number) => sim.nextUsedPage(page, end) >>> 0;
  for (let at = nextUsed(RAM_BASE); at < end; at = nextUsed(at + PAGE_BYTES)) places.push(at);
  const contents = new Uint8Array(places.length * PAGE_BYTES);
  return new Map(
    places.map((at, n) => {
      const page = contents.subarray(n * PAGE_BYTES, (n + 1) * PAGE_BYTES);
      page.set(bytes.subarray(at, at + PAGE_BYTES));
      return [at, page];
    }),
  );
}

function withChanges({ core, configuration }: Engine, known: Frames): Frames {
  const { sim, bytes } = core;
  const end = RAM_BASE + configuration.memory;
  const nextChanged = (page: number) => sim.nextChangedFrame(page) >>> 0;
  let changed: Map<number, Uint8Array> | undefined;
  for (let at = nextChanged(RAM_BASE); at < end; at = nextChanged(at + PAGE_BYTES)) {
    const page = bytes.subarray(at, at + PAGE_BYTES);
    const before = known.get(at);
    if (before && samePage(before, page)) continue;
    changed ??= new Map(known);
    if (sim.nextUsedPage(at, at + PAGE_BYTES) >>> 0 === at) changed.set(at, page.slice());
    else changed.delete(at);
  }
  return changed ?? known;
}

/** Gives a machine whose memory is still empty this RAM. */
export function useFrames(engine: Engine, frames: Frames): void {
  engine.shared = frames;
  engine.fetching = true;
  engine.core.sim.beginFetching();
}

/** Copies what has not been reached yet: for who looks at all of RAM. */
export function fetchAll(engine: Engine): void {
  if (!engine.fetching) return;
  const { sim } = engine.core;
  for (const at of engine.shared?.keys() ?? []) sim.fetchFrames(at, PAGE_BYTES);
  sim.endFetching();
  engine.fetching = false;
}

/** Whole pages are compared as 32-bit words. */
export function samePage(a: Uint8Array, b: Uint8Array): boolean {
  const words = a.length / 4;
  const left = new Int32Array(a.buffer, a.byteOffset, words);
  const right = new Int32Array(b.buffer, b.byteOffset, words);
  for (let n = 0; n < words; n++) if (left[n] !== right[n]) return false;
  return true;
}
