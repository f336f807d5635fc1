/** Where things are in a module that is written again, metered. */

/** Indices in the module that is written. */
export interface Places {
  /** Where defined functions were, and how many are now before them. */
  readonly defined: number;
  readonly added: number;
  readonly yield: number;
  readonly grow: number;
  readonly deep: number;
  readonly fuel: number;
  readonly pages: number;
  readonly room: number;
  /** The function of the module's own imports that tells it; -1 where there is none. */
  readonly tellsRoom: number;
  /** Index of the type of a block with these results. */
  blockType(results: readonly number[]): number;
}

export const movedFunction = (places: Places, index: number): number =>
  index < places.defined ? index : index + places.added;
