/** A machine's whole state, taken out of it; and put into another. */

import { KERNEL_ADDRESS, KERNEL_BYTES } from "../spec/platform.ts";
import type { FrozenAgents } from "./agents.ts";
import { RAM_BASE, STATE_BASE } from "./core.ts";
import { buildId } from "./digest.ts";
import type { Engine } from "./engine.ts";
import { MachineError } from "./errors.ts";
import { driveShape, Journal } from "./journal.ts";
import { type Frames, fetchAll, shareFrames, useFrames } from "./shared-frames.ts";
import { PAGE_BYTES, parseSnapshot, writeSnapshot } from "./snapshot-file.ts";

/** A piece of a drive that differs from its image. */
export interface DriveChange {
  readonly drive: number;
  /** Number of the piece, in units of 64 KiB. */
  readonly chunk: number;
  readonly bytes: Uint8Array;
}

/** What is outside of the machine's memory. */
export interface HostState {
  /** Build IDs of sim.wasm and kernel.wasm. */
  readonly modules: { readonly sim: string; readonly kernel: string };
  readonly reached: bigint;
  readonly consolePosition: number;
  readonly consoleBytes: Uint8Array;
  /** Serial input that waits for room. */
  readonly serial: Uint8Array;
}

export type SnapshotFields = Pick<
  Snapshot,
  "host" | "journal" | "state" | "pages" | "contents" | "changes" | "agents"
>;

export class Snapshot {
  readonly host: HostState;
  readonly journal: Journal;
  /** The state arena. */
  readonly state: Uint8Array;
  /** Numbers of the pages of RAM that are not all zeroes, ascending. */
  readonly pages: Uint32Array;
  /** Their contents, one behind the other. */
  readonly contents: Uint8Array;
  readonly changes: readonly DriveChange[];
  /** Agents that the host runs, those whose programs can be frozen. */
  readonly agents: FrozenAgents;

  private byAddress: Frames | undefined;

  constructor(fields: SnapshotFields) {
    this.host = fields.host;
    this.journal = fields.journal;
    this.state = fields.state;
    this.pages = fields.pages;
    this.contents = fields.contents;
    this.changes = fields.changes;
    this.agents = fields.agents;
  }

  /** The pages by linear address: machines that are made of one snapshot share them. */
  get frames(): Frames {
    this.byAddress ??= new Map(
      Array.from(this.pages, (page, n) => [
        RAM_BASE + page * PAGE_BYTES,
        this.contents.subarray(n * PAGE_BYTES, (n + 1) * PAGE_BYTES),
      ]),
    );
    return this.byAddress;
  }

  /** A file with a version and checksums. */
  toBytes(): Promise<Uint8Array> {
    return writeSnapshot(this);
  }

  /** @throws MachineError snapshot-malformed, -version, -truncated or -altered */
  static async fromBytes(bytes: Uint8Array): Promise<Snapshot> {
    return new Snapshot(await parseSnapshot(bytes));
  }
}

/** Refuses what can't be copied. @throws MachineError guest-trap, drive-written-through */
export function requireCopyable(engine: Engine): void {
  if (engine.crash) throw engine.crash;
  const written = engine.drives.findIndex((drive) => !drive.copyable);
  if (written >= 0)
    throw new MachineError(
      "drive-written-through",
      `drive ${written}: its writes go to the image, which can't be copied with the machine; give it \`overlay\``,
    );
}

/** Calls `visit` with the linear span of each stretch of pages of RAM that are not all zeroes. */
export function forUsedSpans(engine: Engine, visit: (from: number, to: number) => void): void {
  fetchAll(engine);
  const { sim } = engine.core;
  const end = RAM_BASE + engine.configuration.memory;
  const nextUsed = (page: number) => sim.nextUsedPage(page, end) >>> 0;
  let from = nextUsed(RAM_BASE);
  while (from < end) {
    let to = from + PAGE_BYTES;
    let next = nextUsed(to);
    while (next === to && to < end) {
      to += PAGE_BYTES;
      next = nextUsed(to);
    }
    visit(from, to);
    from = next;
  }
}

export function stateBytes({ core, state }: Engine): Uint8Array {
  return core.bytes.subarray(STATE_BASE, state.arenaTop);
}

/** @throws MachineError guest-trap, drive-written-through */
export function capture(engine: Engine): Snapshot {
  requireCopyable(engine);
  const { pages, contents } = engine.fetching ? sharedRam(engine) : ownRam(engine);
  const { configuration, drives, console, modules } = engine;
  return new Snapshot({
    host: {
      modules: { sim: buildId(modules.sim), kernel: buildId(modules.kernel) },
      reached: engine.reached,
      consolePosition: console.position,
      consoleBytes: console.bytes.slice(),
      serial: Uint8Array.from(engine.serial),
    },
    journal: new Journal(configuration, drives.map(driveShape), engine.journal.entries()),
    state: stateBytes(engine).slice(),
    pages,
    contents,
    changes: drives.flatMap((drive, number) =>
      drive.changes().map(([chunk, content]) => ({ drive: number, chunk, bytes: content.slice() })),
    ),
    agents: engine.agents.freeze(),
  });
}

type Ram = Pick<Snapshot, "pages" | "contents">;

function ownRam(engine: Engine): Ram {
  const { bytes } = engine.core;
  const spans: [number, number][] = [];
  let used = 0;
  forUsedSpans(engine, (from, to) => {
    spans.push([from, to]);
    used += to - from;
  });
  const pages = new Uint32Array(used / PAGE_BYTES);
  const contents = new Uint8Array(used);
  let at = 0;
  for (const [from, to] of spans) {
    contents.set(bytes.subarray(from, to), at);
    for (let page = from; page < to; page += PAGE_BYTES, at += PAGE_BYTES)
      pages[at / PAGE_BYTES] = (page - RAM_BASE) / PAGE_BYTES;
  }
  return { pages, contents };
}

/** The same of a machine that has only a part of its RAM in memory. */
function sharedRam(engine: Engine): Ram {
  const frames = [...shareFrames(engine)].sort(([a], [b]) => a - b);
  const contents = new Uint8Array(frames.length * PAGE_BYTES);
  frames.forEach(([, page], n) => void contents.set(page, n * PAGE_BYTES));
  return { pages: Uint32Array.from(frames, ([at]) => (at - RAM_BASE) / PAGE_BYTES), contents };
}

/** Takes away what instantiating the kernel put into RAM; the state that comes has its own. */
export function clearRam({ core }: Engine): void {
  const end = RAM_BASE + KERNEL_ADDRESS + KERNEL_BYTES;
  let page = core.sim.nextUsedPage(RAM_BASE + KERNEL_ADDRESS, end) >>> 0;
  for (; page < end; page = core.sim.nextUsedPage(page + PAGE_BYTES, end) >>> 0)
    core.bytes.fill(0, page, page + PAGE_BYTES);
}

/** Fills a machine that was instantiated but not turned on. */
export function putInto(engine: Engine, snapshot: Snapshot): void {
  const { bytes } = engine.core;
  const { memory, guest } = engine.configuration;
  if (snapshot.pages.some((page) => page >= memory / PAGE_BYTES))
    throw new MachineError("snapshot-malformed", "snapshot: it has pages beyond the end of RAM");
  clearRam(engine);
  bytes.set(snapshot.state, STATE_BASE);
  if (guest) useFrames(engine, snapshot.frames);
  else for (const [at, page] of snapshot.frames) bytes.set(page, at);
  engine.drives.forEach((drive, number) => {
    const own = snapshot.changes.filter((change) => change.drive === number);
    drive.setChanges(own.map((change) => [change.chunk, change.bytes]));
  });
  const { host, journal } = snapshot;
  engine.reached = host.reached;
  engine.console.copyFrom(host.consolePosition, host.consoleBytes);
  engine.serial = [...host.serial];
  for (const entry of journal.entries) engine.journal.push(entry);
  engine.agents.thaw(snapshot.agents);
}

/** Fills `child` with the state of `parent`; drives are shared until one side writes. */
export function copyInto(child: Engine, parent: Engine): void {
  clearRam(child);
  child.core.bytes.set(stateBytes(parent), STATE_BASE);
  if (parent.configuration.guest) useFrames(child, shareFrames(parent));
  else
    forUsedSpans(parent, (from, to) =>
      child.core.bytes.set(parent.core.bytes.subarray(from, to), from),
    );
  child.reached = parent.reached;
  child.console.copyFrom(parent.console.position, parent.console.bytes);
  child.serial = [...parent.serial];
  child.replay = [...parent.replay];
  child.present = parent.present;
  child.journal.copyFrom(parent.journal);
  child.agents.thaw(parent.agents.freeze());
}
