/** All rows of the description, in the order of the tables: the decoder's `form` is an index here. */
import { CONTROL_FLOW } from "./control-flow.ts";
import { INTEGER } from "./integer.ts";
import { type Form, parseRows } from "./notation.ts";
import { STRINGS } from "./strings.ts";
import { SYSTEM } from "./system.ts";

export const GROUPS: Readonly<Record<string, string>> = {
  integer: INTEGER,
  strings: STRINGS,
  "control-flow": CONTROL_FLOW,
  system: SYSTEM,
};

export const FORMS: readonly Form[] = Object.values(GROUPS).flatMap(parseRows);
