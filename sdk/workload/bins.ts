/**
 * Time in equal bins whose width doubles as the run gets longer: a picture of a run of any length
 * from a fixed amount of memory.
 */
const BIN_COUNT = 2048;
/** Width at first, ns. */
const BIN_NS = 1024;

export class Timeline {
  readonly start: number;
  private width = BIN_NS;
  private readonly all: Bins[] = [];

  constructor(start: number) {
    this.start = start;
  }

  /** ns of one bin, as of now. */
  get binNs(): number {
    return this.width;
  }

  bins(): Bins {
    const bins = new Bins(this);
    this.all.push(bins);
    return bins;
  }

  /** Makes room for `time`; returns where it falls, in bins. */
  place(time: number): number {
    const since = Math.max(0, time - this.start);
    while (since > BIN_COUNT * this.width) {
      for (const bins of this.all) bins.halve();
      this.width *= 2;
    }
    return since / this.width;
  }
}

/** Amounts of time, each in the bin in which it was spent. */
export class Bins {
  private readonly timeline: Timeline;
  readonly values = new Float64Array(BIN_COUNT);

  /** Made by `Timeline.bins`. */
  constructor(timeline: Timeline) {
    this.timeline = timeline;
  }

  /** Spreads the time between the two over the bins. */
  addInterval(from: number, to: number): void {
    if (to <= from) return;
    const end = this.timeline.place(to);
    const begin = this.timeline.place(from);
    const width = this.timeline.binNs;
    for (let bin = Math.floor(begin); bin < end; bin++)
      this.add(bin, (Math.min(end, bin + 1) - Math.max(begin, bin)) * width);
  }

  /** Adds to the bin of one moment. */
  addAt(time: number, amount: number): void {
    this.add(Math.min(BIN_COUNT - 1, Math.floor(this.timeline.place(time))), amount);
  }

  /** Joins bins in pairs. */
  halve(): void {
    const { values } = this;
    for (let bin = 0; bin < BIN_COUNT / 2; bin++)
      values[bin] = (values[2 * bin] ?? 0) + (values[2 * bin + 1] ?? 0);
    values.fill(0, BIN_COUNT / 2);
  }

  private add(bin: number, amount: number): void {
    this.values[bin] = (this.values[bin] ?? 0) + amount;
  }
}
