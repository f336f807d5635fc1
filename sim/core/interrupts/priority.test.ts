/** Acceptance and priority of interrupts against a model in plain sets (Intel SDM 3A, 10.8). */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { ApicBench } from "../../host/testing/apic.ts";
import * as Apic from "../../spec/apic.ts";

/** A local APIC as the text of 10.8 describes it, without bit tricks. */
class Model {
  readonly requested = new Map<number, boolean>();
  readonly inService = new Set<number>();
  readonly level = new Set<number>();
  tpr = 0;
  enabled = true;

  message(vector: number, level: boolean): void {
    if (!this.enabled || vector < 16) return;
    this.requested.set(vector, level);
    if (level) this.level.add(vector);
    else this.level.delete(vector);
  }

  get ppr(): number {
    const top = Math.max(0, ...this.inService);
    return this.tpr >> 4 >= top >> 4 ? this.tpr : top & 0xf0;
  }

  get pending(): number {
    const top = Math.max(-1, ...this.requested.keys());
    return top >> 4 > this.ppr >> 4 ? top : -1;
  }

  take(): number {
    const vector = this.pending;
    if (vector < 0) return 0xff;
    this.requested.delete(vector);
    this.inService.add(vector);
    return vector;
  }

  end(): void {
    this.inService.delete(Math.max(...this.inService));
  }
}

type Step =
  | { readonly do: "message"; readonly vector: number; readonly level: boolean }
  | { readonly do: "tpr"; readonly value: number }
  | { readonly do: "enable"; readonly value: boolean }
  | { readonly do: "take" }
  | { readonly do: "end" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("message" as const),
      vector: fc.integer({ min: 0, max: 255 }),
      level: fc.boolean(),
    }),
  },
  fc.record({ do: fc.constant("tpr" as const), value: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ do: fc.constant("enable" as const), value: fc.boolean() }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant("take" as const) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("end" as const) }) },
);

const ascending = (values: Iterable<number>) => [...values].sort((a, b) => a - b);

function apply(apic: ApicBench, model: Model, action: Step): void {
  switch (action.do) {
    case "message": {
      const data = action.vector | (action.level ? 0xc000 : 0);
      apic.machine.core.sim.deliverMessage(0xfee0_0000n, data);
      model.message(action.vector, action.level);
      return;
    }
    case "tpr":
      apic.write(0, Apic.APIC_TPR, action.value);
      model.tpr = action.value;
      return;
    case "enable":
      apic.write(0, Apic.APIC_SVR, 0xff | (action.value ? 0x100 : 0));
      model.enabled = action.value;
      return;
    case "take":
      // The CPU may ask even when nothing is pending: that is what the spurious vector is for.
      expect(apic.machine.core.sim.takeInterrupt(0, apic.pending(0))).toBe(model.take());
      return;
    case "end":
      apic.write(0, Apic.APIC_EOI, 0);
      if (model.inService.size > 0) model.end();
  }
}

test("IRR, ISR, TMR, PPR and the vector offered follow the model, whatever happens", async () => {
  const machine = await Machine.create({ memory: 4 << 20, start: false });
  const apic = new ApicBench(machine);
  const BASE = 0xfee0_0000n;
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      apic.writeMsr(0, Apic.MSR_APIC_BASE, BASE);
      apic.writeMsr(0, Apic.MSR_APIC_BASE, BASE | 0x900n);
      apic.enable(0);
      const model = new Model();
      for (const action of steps) {
        apply(apic, model, action);
        expect(apic.pending(0)).toBe(model.pending);
        expect(apic.read(0, Apic.APIC_PPR)).toBe(model.ppr);
      }
      expect(apic.vectors(0, Apic.APIC_IRR)).toEqual(ascending(model.requested.keys()));
      expect(apic.vectors(0, Apic.APIC_ISR)).toEqual(ascending(model.inService));
      expect(apic.vectors(0, Apic.APIC_TMR)).toEqual(ascending(model.level));
    }),
    { numRuns: 150 },
  );
});

test("a request that was withdrawn by a higher task priority is answered with the spurious vector", async () => {
  const apic = new ApicBench(await Machine.create({ memory: 4 << 20, start: false }));
  apic.write(0, Apic.APIC_SVR, 0x1cf);
  apic.machine.core.sim.deliverMessage(0xfee0_0000n, 0x41);
  const pending = apic.pending(0);
  apic.write(0, Apic.APIC_TPR, 0x40);
  expect(apic.machine.core.sim.takeInterrupt(0, pending)).toBe(0xcf);
  expect(apic.vectors(0, Apic.APIC_ISR)).toEqual([]);
  apic.write(0, Apic.APIC_TPR, 0);
  expect(apic.take(0)).toBe(0x41);
});
