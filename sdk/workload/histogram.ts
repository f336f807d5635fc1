/**
 * Counts of whole numbers in buckets that grow with the number, as HdrHistogram has them: exact up to
 * 2,047, above that within one part in 1,024. Memory depends on the range, not on the count.
 */
const SUB_BITS = 10;
const SUB_COUNT = 1 << SUB_BITS;

function bucketOf(value: number): number {
  if (value < 2 * SUB_COUNT) return value;
  const shift = Math.floor(Math.log2(value)) - SUB_BITS;
  // log2 of a number just below a power of two may round up to it: the sum is the same bucket's.
  return shift * SUB_COUNT + Math.floor(value / 2 ** shift);
}

/** The largest value that falls into the bucket. */
function topOf(bucket: number): number {
  if (bucket < 2 * SUB_COUNT) return bucket;
  const shift = Math.floor(bucket / SUB_COUNT) - 1;
  return ((bucket % SUB_COUNT) + SUB_COUNT + 1) * 2 ** shift - 1;
}

export class Histogram {
  private readonly buckets = new Map<number, number>();
  private total = 0;
  private sum = 0;
  private highest = 0;

  /** @param value a whole number from 0 to 2^53 - 1 */
  add(value: number): void {
    const bucket = bucketOf(value);
    this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + 1);
    this.total += 1;
    this.sum += value;
    if (value > this.highest) this.highest = value;
  }

  merge(other: Histogram): void {
    for (const [bucket, count] of other.buckets)
      this.buckets.set(bucket, (this.buckets.get(bucket) ?? 0) + count);
    this.total += other.total;
    this.sum += other.sum;
    this.highest = Math.max(this.highest, other.highest);
  }

  get count(): number {
    return this.total;
  }

  /** 0 when nothing was counted. */
  get max(): number {
    return this.highest;
  }

  get mean(): number {
    return this.total === 0 ? 0 : this.sum / this.total;
  }

  /**
   * The least value that at least `percent` of all are not above, rounded up within the bucket
   * ("nearest rank"); 0 when nothing was counted.
   */
  percentile(percent: number): number {
    const rank = Math.max(1, Math.ceil((percent / 100) * this.total));
    let seen = 0;
    for (const bucket of [...this.buckets.keys()].sort((a, b) => a - b)) {
      seen += this.buckets.get(bucket) ?? 0;
      if (seen >= rank) return Math.min(topOf(bucket), this.highest);
    }
    return 0;
  }
}
