/** Which rows of the description the real processor judges, and why the others are left out. */
import { FORMS } from "../../spec/isa/forms.ts";
import type { Step } from "./isa-cases.ts";
import { PLANS, UNJUDGED_REASONS } from "./isa-plans.ts";

export interface Unjudged {
  readonly reason: string;
  readonly rows: readonly string[];
}

/** Rows that no plan draws. @throws Error for one of which nobody has said why */
export function unjudgedRows(): Unjudged[] {
  const drawn = new Set(Object.values(PLANS).flatMap(({ forms }) => forms));
  const byReason = new Map<string, string[]>();
  FORMS.forEach((form, index) => {
    if (drawn.has(index)) return;
    const reason = UNJUDGED_REASONS.get(form.operation);
    if (reason === undefined) throw new Error(`no plan draws ${form.text}`);
    byReason.set(reason, [...(byReason.get(reason) ?? []), form.text]);
  });
  return [...byReason].map(([reason, rows]) => ({ reason, rows }));
}

/** How often rows were drawn as the only instruction of a case, and how often those cases ended. */
export class Coverage {
  readonly #cases = new Map<number, number>();
  readonly #ended = new Map<number, number>();

  note(steps: readonly Step[], ended: boolean): void {
    for (const { drawn } of steps) {
      this.#cases.set(drawn.index, (this.#cases.get(drawn.index) ?? 0) + 1);
      if (ended) this.#ended.set(drawn.index, (this.#ended.get(drawn.index) ?? 0) + 1);
    }
  }

  /** Figures for the end of a long run. */
  get report(): string {
    const drawn = [...this.#cases.keys()];
    const never = drawn.filter((index) => !this.#ended.has(index));
    const least = Math.min(...this.#cases.values());
    return [
      `${drawn.length} of ${FORMS.length} rows were judged, each at least ${least} times`,
      `${never.length} of them in no case that ended without an exception:`,
      ...never.map((index) => `  ${FORMS[index]?.text}`),
      "never judged:",
      ...unjudgedRows().map(({ reason, rows }) => `  ${rows.length} rows: ${reason}`),
    ].join("\n");
  }
}
