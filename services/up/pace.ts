/**
 * Real time on the scale of the machine's. It goes on as the host's monotonic clock does, and jumps when the
 * wall clock does without it: the computer has slept, or its clock was put forward. What the machine is
 * behind by then it makes good as fast as it can, so its clock is right again. It never goes back.
 */
export interface Clocks {
  /** Nanoseconds since any time; may stand still while the computer sleeps. */
  readonly monotonic: () => bigint;
  /** Whole milliseconds since 1970. */
  readonly wall: () => number;
}

const REAL: Clocks = { monotonic: () => process.hrtime.bigint(), wall: () => Date.now() };
/** Less than this between the two clocks is a correction that goes on, or their resolution. */
const JUMP_NS = 1_000_000_000n;
const NS_PER_MS = 1_000_000;

export class Pace {
  private readonly clocks: Clocks;
  /** What the machine's time is before the monotonic clock, and the wall clock, both in ns. */
  private offset: bigint;
  private readonly wallOffset: bigint;
  /** What the wall clock is ahead by, since it was put forward or back. */
  private ahead = 0n;

  /** `virtual` is the machine's time now, in ns. */
  constructor(virtual: bigint, clocks = REAL) {
    this.clocks = clocks;
    this.offset = virtual - clocks.monotonic();
    this.wallOffset = virtual - this.wall;
  }

  /** How far the machine may have come by now, in ns of its time. */
  now(): bigint {
    const at = this.offset + this.clocks.monotonic();
    const ahead = this.wallOffset + this.wall - at;
    const jump = ahead - this.ahead;
    // Put back, it counts from there.
    if (jump < -JUMP_NS) this.ahead = ahead;
    if (jump <= JUMP_NS) return at;
    this.offset += jump;
    return at + jump;
  }

  /** Milliseconds of real time until the machine's time is `at`; 0 for the past. */
  msUntil(at: bigint): number {
    return Math.max(0, Number(at - this.now()) / NS_PER_MS);
  }

  private get wall(): bigint {
    return BigInt(this.clocks.wall()) * 1_000_000n;
  }
}
