/**
 * Watches what a guest must not reach: all of linear memory but the arena, RAM and the caches.
 *
 *   constants | host window | arena, its unused rest | RAM | caches: CPUs, never used lines | … | end
 *                             ~~~~~~~~~~~~~~~~~~~~~~         ~~~~~~~~~~~~~~~~~~~~~~~~~~~~~        ~~~
 * What is underlined nobody may write to; it gets a pattern, and must have it in the end.
 */
import {
  CACHE_CPU_BYTES,
  CACHE_CPUS,
  CACHE_FIXED_BYTES,
  CACHE_FRAME_BYTES,
  CACHE_LINES_BYTES,
} from "../../spec/caches.ts";
import { HOST_BASE, RAM_BASE, STATE_BASE } from "../core.ts";
import type { Machine } from "../machine.ts";

const PATTERN = 0xa5;
/** Of a long span the ends are looked at. */
const SPAN_MAX = 0x1_0000;
/** Sets of fast lines that are filled. */
const LINE_SETS = 4;
const LINE_BYTES = 32;
const PAGE_MASK = 0xfff;

type Span = readonly [from: number, to: number];

export class Guard {
  private readonly machine: Machine;
  private readonly constants: Uint8Array;
  private readonly spans: readonly Span[];
  private readonly ramEnd: number;

  /** @param machine that has been powered on and hasn't run */
  constructor(machine: Machine) {
    this.machine = machine;
    const { bytes } = machine.core;
    this.constants = bytes.slice(0, HOST_BASE);
    this.ramEnd = RAM_BASE + machine.physical.size;
    this.spans = this.unused();
    for (const [from, to] of this.spans) bytes.fill(PATTERN, from, to);
  }

  private unused(): Span[] {
    const { machine, ramEnd } = this;
    const cpus = machine.sim.cpus.length;
    const frames = ramEnd + CACHE_FIXED_BYTES + (machine.physical.size / 4096) * CACHE_FRAME_BYTES;
    const spans: Span[] = [
      [machine.state.arenaTop, RAM_BASE],
      [ramEnd + cpus * CACHE_CPU_BYTES, ramEnd + CACHE_CPUS * CACHE_CPU_BYTES],
      [frames, machine.core.memory.buffer.byteLength],
    ];
    for (let cpu = 0; cpu < cpus; cpu++) {
      const set = ramEnd + cpu * CACHE_CPU_BYTES + LINE_SETS * CACHE_LINES_BYTES;
      spans.push([set, set + CACHE_LINES_BYTES]);
    }
    return spans.flatMap(([from, to]): Span[] =>
      to - from <= 2 * SPAN_MAX
        ? [[from, to]]
        : [
            [from, from + SPAN_MAX],
            [to - SPAN_MAX, to],
          ],
    );
  }

  /** @throws Error that says what was changed, or may be reached */
  check(): void {
    const { bytes } = this.machine.core;
    if (Buffer.compare(bytes.subarray(0, HOST_BASE), this.constants) !== 0)
      throw new Error("the machine's constants have changed");
    for (const [from, to] of this.spans) {
      const at = bytes.subarray(from, to).findIndex((byte) => byte !== PATTERN);
      if (at >= 0)
        throw new Error(`byte 0x${(from + at).toString(16)}, which is nobody's, has changed`);
    }
    if (this.machine.state.arenaTop > RAM_BASE || this.machine.state.arenaTop < STATE_BASE)
      throw new Error("the arena has no end");
    this.machine.sim.cpus.forEach((_, cpu) => void this.checkLines(cpu));
  }

  /** Every fast line leads to RAM. */
  private checkLines(cpu: number): void {
    const { data } = this.machine.core;
    const first = this.ramEnd + cpu * CACHE_CPU_BYTES;
    for (let at = first; at < first + LINE_SETS * CACHE_LINES_BYTES; at += LINE_BYTES) {
      const delta = data.getUint32(at + 24, true);
      for (let tag = at; tag < at + 24; tag += 8) {
        const page = data.getUint32(tag, true);
        if (page === 0 && data.getUint32(tag + 4, true) === 0) continue;
        const to = ((page & ~PAGE_MASK) + delta) >>> 0;
        if (to < RAM_BASE || to >= this.ramEnd || (to & PAGE_MASK) !== 0)
          throw new Error(`CPU ${cpu}: a fast line leads to 0x${to.toString(16)}, which isn't RAM`);
      }
    }
  }
}
