/**
 * Weights of nice values, from -20 to 19: Linux's table (kernel/sched/core.c, sched_prio_to_weight).
 * One step is a factor of about 1.25, so that one level up or down is some 10 % of a processor
 * between two agents; nice 0 is 1,024.
 */
const WEIGHTS = [
  88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904,
  3906, 3121, 2501, 1991, 1586, 1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87,
  70, 56, 45, 36, 29, 23, 18, 15,
] as const;

export const NICE_MIN = -20;
export const NICE_MAX = 19;
/** The heaviest weight that a file may give: that of nice -20. */
export const WEIGHT_MAX = WEIGHTS[0];

/** @param nice from NICE_MIN to NICE_MAX */
export function weightOfNice(nice: number): number {
  const weight = WEIGHTS[nice - NICE_MIN];
  if (weight === undefined) throw new RangeError(`nice ${nice}`);
  return weight;
}
