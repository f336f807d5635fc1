/** What is drawn for the comparison with the real processor, and what can't be compared. */
import * as C from "../../spec/isa/conditions.ts";
import { FORMS, GROUPS } from "../../spec/isa/forms.ts";
import { parseRows } from "../../spec/isa/notation.ts";
import { CODE_32, CODE_64 } from "../decoder.ts";
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
}

/** What the other operating system does, time, chance, or what the two processors announce. */
const INCOMPARABLE = new Set(
  `SYSCALL SYSENTER SYSEXIT INT INT1 IRET RETF CALL_FAR JMP_FAR
   CPUID RDTSC RDTSCP RDPMC RDRAND RDSEED MONITOR MWAIT
   SGDT SIDT SLDT STR SMSW LAR LSL VERR VERW MOV_TO_SEGMENT POP_SEGMENT LES LDS LSS LFS LGS
   XGETBV XSAVE XRSTOR XSAVEOPT XSAVEC XRSTORS XSAVES FXSAVE FXRSTOR`.split(/\s+/),
);

/** Transcendental functions err by up to a unit in the last place, reciprocals by more: each processor's own. */
const APPROXIMATE = new Set(
  `F2XM1 FYL2X FYL2XP1 FPTAN FPATAN FSIN FCOS FSINCOS
   RCPPS RCPSS RSQRTPS RSQRTSS`.split(/\s+/),
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
    return (
      group.has(index) &&
      !INCOMPARABLE.has(operation) &&
      !APPROXIMATE.has(operation) &&
      (flags & C.FORM_UNDEFINED) === 0
    );
  });
}

const ORDINARY = groupForms("integer", "strings", "control-flow");
const VECTORS = groupForms("packed-integer", "sse", "sse3", "crypto");
/** Rows that are executed without leaving a block, so that sequences are long. */
const FLOWING = new Set(groupForms("integer"));

export const PLANS = {
  integer: { mode: CODE_64, forms: comparable(CODE_64, ORDINARY), steps: 1, float: false },
  sequences: { mode: CODE_64, forms: comparable(CODE_64, FLOWING), steps: 6, float: false },
  system: {
    mode: CODE_64,
    forms: comparable(CODE_64, groupForms("system")),
    steps: 1,
    float: false,
  },
  integer32: { mode: CODE_32, forms: comparable(CODE_32, ORDINARY), steps: 1, float: false },
  sequences32: { mode: CODE_32, forms: comparable(CODE_32, FLOWING), steps: 6, float: false },
  x87: { mode: CODE_64, forms: comparable(CODE_64, groupForms("x87")), steps: 1, float: true },
  sse: { mode: CODE_64, forms: comparable(CODE_64, VECTORS), steps: 1, float: true },
} satisfies Record<string, Plan>;

export type PlanName = keyof typeof PLANS;
