/**
 * All sequences of calls up to a length, in a small world: the tree of what can happen is walked
 * depth first, and kernel and specification are put back after each branch. Where a call was refused
 * the branch ends, because nothing has changed.
 */
import { type Turn, turn } from "./compare.ts";
import { Snapshots } from "./snapshots.ts";
import type { Subject } from "./subject.ts";
import { copyOf, type World } from "./world.ts";

/** What can be done in a world. */
export type Menu = (world: World) => Turn[];

export interface Walked {
  /** Sequences that were carried out, and how many calls of them were refused. */
  readonly sequences: number;
  readonly refused: number;
}

/** A sequence in which kernel and specification differ. */
export class Counterexample extends Error {
  override readonly name = "Counterexample";

  constructor(path: readonly Turn[], cause: unknown) {
    const lines = path.map(({ agent, call }, n) => `  ${n + 1}. agent ${agent}: ${JSON.stringify(call)}`);
    super(`${cause}\n${lines.join("\n")}`, { cause });
  }
}

const LOOKED = new Set(["OK", "EMPTY", "TIMED_OUT"]);

/** @throws Counterexample */
export function walk(world: World, subject: Subject, menu: Menu, depth: number): Walked {
  const snapshots = new Snapshots(subject.ipc.world.data.buffer);
  warmUp(world, subject, menu, snapshots, depth);
  for (;;) {
    let failure: unknown = null;
    let walked: Walked = { sequences: 0, refused: 0 };
    try {
      walked = walkOnce(world, subject, menu, depth, snapshots);
    } catch (error) {
      failure = error;
    }
    // Where a page had changed that was not put back, nothing is known: once more, with that page.
    if (snapshots.learn() === 0) {
      if (failure) throw failure;
      return walked;
    }
    snapshots.reset();
    subject.back(world);
  }
}

function walkOnce(world: World, subject: Subject, menu: Menu, depth: number, snapshots: Snapshots): Walked {
  const counts = { sequences: 0, refused: 0 };
  const path: Turn[] = [];
  const descend = (at: World, levels: number): void => {
    const saved = snapshots.save();
    for (const next of menu(at)) {
      const after = copyOf(at);
      path.push(next);
      counts.sequences += 1;
      if (!attempt(after, subject, path, snapshots)) counts.refused += 1;
      else if (levels > 1) descend(after, levels - 1);
      path.pop();
      snapshots.restore(saved);
      subject.back(at);
    }
  };
  descend(world, depth);
  return counts;
}

/** Takes the last turn of the path; whether anything can have changed. */
function attempt(world: World, subject: Subject, path: readonly Turn[], snapshots: Snapshots): boolean {
  const last = path.at(-1);
  if (!last) return false;
  try {
    return LOOKED.has(turn(world, subject, last, snapshots).status);
  } catch (cause) {
    throw new Counterexample(path, cause);
  }
}

/** Does what is on the menu one after the other, in several orders, and forgets it. */
function warmUp(world: World, subject: Subject, menu: Menu, snapshots: Snapshots, depth: number): void {
  for (let stride = 1; stride <= 64; stride++) {
    let at = copyOf(world);
    const path: Turn[] = [];
    for (let n = 0; n < depth * 3; n++) {
      const turns = menu(at);
      const next = turns[(n * 7 + stride * (n + 1)) % turns.length];
      if (!next) break;
      path.push(next);
      const after = copyOf(at);
      if (attempt(after, subject, path, new Snapshots(new ArrayBuffer(0)))) at = after;
    }
    snapshots.learn();
    snapshots.reset();
    subject.back(world);
  }
}
