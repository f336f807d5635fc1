/** Labels of code that is written again, as far as cycles are concerned. */

/** A block, loop or if that is open. */
export interface Level {
  /** Where a branch to it goes, counted from the outside. */
  readonly target: number;
  readonly loop: boolean;
  /** Branches to it leave nothing on the operand stack for it. */
  readonly bare: boolean;
  /** An `if` without an `else` yet: what is owed, and whether it is reached, where that begins. */
  readonly otherwise: { readonly owed: number; readonly reached: boolean } | null;
  /** It is a round of a loop. */
  readonly round: Round | null;
  /** Cycles that whoever comes to the label owes there; null until somebody has come. */
  owed: number | null;
}

/** A round of a loop, which may be written several times. */
export interface Round {
  /** Further ones behind it, before control goes back. */
  readonly more: number;
  /** Where its code begins, and the loop's place. */
  readonly code: number;
  readonly at: number;
  /** What is owed where the loop is left. */
  readonly exit: Owing;
  /** Where that is: $X of the loop (meter.ts). */
  readonly out: number;
}

/** A label, as far as cycles are concerned. */
export interface Owing {
  owed: number | null;
}
