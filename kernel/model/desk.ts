/**
 * The desk: where an agent of these tests has what it gives to calls and gets from them. An agent
 * without one can only make calls that need none.
 */
import type { Agent } from "./world.ts";

export const DESK = 0x4000_0000;
export const DESK_PAGES = 40;
/** Other memory than the desk is from here on: of it the specification knows the contents. */
export const CONTENTS = 0x5000_0000;

export const hasDesk = ({ memory }: Agent): boolean =>
  memory.ranges.some(({ start, pages, writable }) => start === DESK && writable && pages.length === DESK_PAGES);
