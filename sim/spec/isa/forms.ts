/** All rows of the description, in the order of the tables: the decoder's `form` is an index here. */
import { CONTROL_FLOW } from "./control-flow.ts";
import { CRYPTO } from "./crypto.ts";
import { INTEGER } from "./integer.ts";
import { type Form, parseRows } from "./notation.ts";
import { PACKED_INTEGER } from "./packed-integer.ts";
import { SSE } from "./sse.ts";
import { SSE3 } from "./sse3.ts";
import { STRINGS } from "./strings.ts";
import { SYSTEM } from "./system.ts";
import { X87 } from "./x87.ts";

export const GROUPS: Readonly<Record<string, string>> = {
  integer: INTEGER,
  strings: STRINGS,
  "control-flow": CONTROL_FLOW,
  system: SYSTEM,
  x87: X87,
  "packed-integer": PACKED_INTEGER,
  sse: SSE,
  sse3: SSE3,
  crypto: CRYPTO,
};

export const FORMS: readonly Form[] = Object.values(GROUPS).flatMap(parseRows);
