/** What is drawn for the comparison with the real processor, and what can't be compared. */
import * as C from "../../spec/isa/conditions.ts";
import { FORMS, GROUPS } from "../../spec/isa/forms.ts";
import { parseRows } from "../../spec/isa/notation.ts";
import { CODE_16, CODE_32, CODE_64 } from "../decoder.ts";
import { formsOf } from "./isa-draw.ts";

export interface Plan {
  /** CODE_64 or CODE_32. */
  readonly mode: number;
  /** Rows to draw from, indices of FORMS. */
  readonly forms: readonly number[];
  /** Most instructions of a case. */
  readonly steps: number;
  /** Whether the x87, MMX and SSE state is loaded and compared. */
  readonly float: boolean;
  /** Whether the instructions are a loop that counts, and may change its own code. */
  readonly loop?: boolean;
  /** Whether they are those of functions that a loop calls (isa-calls.ts). */
  readonly calls?: boolean;
}

/** Rows that no plan draws, by operation, and why. */
const UNJUDGED: readonly (readonly [reason: string, operations: string])[] = [
  [
    "Linux decides what it does, or emulates it (UMIP)",
    "SYSCALL SYSENTER SYSEXIT SGDT SIDT SLDT STR SMSW",
  ],
  ["hypervisors disagree about the RIP that they report", "INT1"],
  ["it is undefined by intent", "UD0 UD1 UD2 RSM"],
  ["time, chance, or what a processor says of itself", "CPUID RDTSC RDTSCP RDPMC RDRAND RDSEED"],
  ["this processor doesn't announce it", "MONITOR MWAIT XSAVEC XSAVES XRSTORS"],
  [
    "real processors have more state than this one; bare/long-extended.S has them",
    "XGETBV XSETBV XSAVE XRSTOR XSAVEOPT",
  ],
  [
    "every model's own in the last places; transcendental.txt and sse-vectors.txt have them",
    "F2XM1 FYL2X FYL2XP1 FPTAN FPATAN FSIN FCOS FSINCOS RCPPS RCPSS RSQRTPS RSQRTSS",
  ],
];
/** By operation. */
export const UNJUDGED_REASONS: ReadonlyMap<string, string> = new Map(
  UNJUDGED.flatMap(([reason, operations]) => operations.split(" ").map((name) => [name, reason])),
);

/** Indices of the rows of one group of the description. */
function groupForms(...names: string[]): Set<number> {
  const texts = names.flatMap((name) => parseRows(GROUPS[name] ?? "")).map(({ text }) => text);
  const wanted = new Set(texts);
  return new Set([...FORMS.keys()].filter((index) => wanted.has(FORMS[index]?.text ?? "")));
}

function comparable(mode: number, group: Set<number>): number[] {
  return formsOf(mode).filter((index) => {
    const { operation = "", flags = 0 } = FORMS[index] ?? {};
    return group.has(index) && !UNJUDGED_REASONS.has(operation) && (flags & C.FORM_UNDEFINED) === 0;
  });
}

const ORDINARY = groupForms("integer", "strings", "control-flow");
const VECTORS = groupForms("packed-integer", "sse", "sse3", "crypto");
/** Rows that are executed without leaving a block, so that sequences are long. */
const FLOWING = new Set(groupForms("integer"));

function callsOf(mode: number): Plan {
  return { mode, forms: comparable(mode, FLOWING), steps: 5, float: false, calls: true };
}

export const PLANS = {
  integer: { mode: CODE_64, forms: comparable(CODE_64, ORDINARY), steps: 1, float: false },
  sequences: { mode: CODE_64, forms: comparable(CODE_64, FLOWING), steps: 6, float: false },
  system: {
    mode: CODE_64,
    forms: comparable(CODE_64, groupForms("system")),
    steps: 1,
    float: false,
  },
  system32: {
    mode: CODE_32,
    forms: comparable(CODE_32, groupForms("system")),
    steps: 1,
    float: false,
  },
  integer16: { mode: CODE_16, forms: comparable(CODE_16, ORDINARY), steps: 1, float: false },
  sequences16: { mode: CODE_16, forms: comparable(CODE_16, FLOWING), steps: 6, float: false },
  system16: {
    mode: CODE_16,
    forms: comparable(CODE_16, groupForms("system")),
    steps: 1,
    float: false,
  },
  x87_32: { mode: CODE_32, forms: comparable(CODE_32, groupForms("x87")), steps: 1, float: true },
  sse32: { mode: CODE_32, forms: comparable(CODE_32, VECTORS), steps: 1, float: true },
  integer32: { mode: CODE_32, forms: comparable(CODE_32, ORDINARY), steps: 1, float: false },
  sequences32: { mode: CODE_32, forms: comparable(CODE_32, FLOWING), steps: 6, float: false },
  x87: { mode: CODE_64, forms: comparable(CODE_64, groupForms("x87")), steps: 1, float: true },
  sse: { mode: CODE_64, forms: comparable(CODE_64, VECTORS), steps: 1, float: true },
  loops: { mode: CODE_64, forms: comparable(CODE_64, FLOWING), steps: 5, float: false, loop: true },
  loops32: {
    mode: CODE_32,
    forms: comparable(CODE_32, FLOWING),
    steps: 5,
    float: false,
    loop: true,
  },
  loops16: {
    mode: CODE_16,
    forms: comparable(CODE_16, FLOWING),
    steps: 5,
    float: false,
    loop: true,
  },
  calls: callsOf(CODE_64),
  calls32: callsOf(CODE_32),
  calls16: callsOf(CODE_16),
} satisfies Record<string, Plan>;

export type PlanName = keyof typeof PLANS;
