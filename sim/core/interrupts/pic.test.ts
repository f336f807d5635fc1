/** The pair of 8259As against a model that keeps priorities as a list (Intel 8259A data sheet). */
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { ApicBench, PENDING_EXTINT } from "../../host/testing/apic.ts";
import { PicModel, PicPairModel } from "../../host/testing/pic-model.ts";
import * as Apic from "../../spec/apic.ts";

const PORTS = [0x20, 0xa0];
let m: Machine;
let apic: ApicBench;
beforeEach(async () => {
  m = await Machine.create({ memory: 4 << 20, start: false });
  apic = new ApicBench(m);
  apic.line(2, false); // the timer's output is high after reset
  // Virtual wire: the 8259s' output goes through LINT0 as ExtINT.
  apic.enable(0);
  apic.write(0, Apic.APIC_LVT_LINT0, 0x700);
});

const out = (port: number, value: number) => m.core.sim.portWrite(port, 1, value);
const input = (port: number) => m.core.sim.portRead(port, 1) & 0xff;

function initialise(icw4 = 1): void {
  for (const [n, port] of PORTS.entries()) {
    out(port, 0x11);
    out(port + 1, 0x20 + 8 * n);
    out(port + 1, n === 0 ? 4 : 2);
    out(port + 1, icw4);
  }
}
/** Line of an ISA interrupt: the timer's is GSI 2. */
const line = (irq: number, level: boolean) => apic.line(irq === 0 ? 2 : irq, level);

describe("a programmed pair", () => {
  test("IRQ n has vector base + n, the slave's through input 2 of the master", () => {
    initialise();
    for (let irq = 0; irq < 16; irq++) {
      if (irq === 2) continue;
      line(irq, true);
      expect(apic.pending(0)).toBe(PENDING_EXTINT);
      expect(apic.take(0)).toBe(0x20 + irq);
      expect(apic.pending(0)).toBe(-1);
      line(irq, false);
      if (irq > 7) out(0xa0, 0x20);
      out(0x20, 0x20);
    }
  });

  test("before initialisation all inputs are masked; ICW1 clears the mask", () => {
    expect(PORTS.map((port) => input(port + 1))).toEqual([0xff, 0xff]);
    initialise();
    expect(PORTS.map((port) => input(port + 1))).toEqual([0, 0]);
  });

  test("a level that is gone at the acknowledge is the spurious IRQ 7, without a bit in service", () => {
    initialise();
    out(0x4d0, 0x20);
    line(5, true);
    line(5, false);
    expect(m.core.sim.takeInterrupt(0, PENDING_EXTINT)).toBe(0x27);
    out(0x20, 0x0b);
    expect(input(0x20)).toBe(0);
  });

  test("the slave's is IRQ 15, and leaves the master's input 2 in service", () => {
    initialise();
    // The slave's request reaches the master as an edge, and is latched there; then it is masked.
    line(9, true);
    out(0xa1, 0xff);
    expect(apic.take(0)).toBe(0x2f);
    out(0x20, 0x0b);
    expect(input(0x20)).toBe(4);
    out(0xa0, 0x0b);
    expect(input(0xa0)).toBe(0);
  });

  test("ELCR keeps IRQ 0, 1, 2, 8 and 13 edges", () => {
    for (const port of [0x4d0, 0x4d1]) out(port, 0xff);
    expect([input(0x4d0), input(0x4d1)]).toEqual([0xf8, 0xde]);
    m.core.sim.portWrite(0x4d0, 2, 0x1234);
    expect(m.core.sim.portRead(0x4d0, 2) & 0xffff).toBe(0x1230);
  });

  test("through LINT0 as a fixed interrupt, the output is an edge of that vector", () => {
    initialise();
    apic.write(0, Apic.APIC_LVT_LINT0, 0x44);
    line(4, true);
    expect(apic.take(0)).toBe(0x44);
    expect(apic.pending(0)).toBe(-1);
  });

  test("through LINT0 as a level, it is asserted again after EOI while the output is high", () => {
    initialise();
    apic.write(0, Apic.APIC_LVT_LINT0, 0x8044);
    line(4, true);
    expect(apic.read(0, Apic.APIC_LVT_LINT0)).toBe(0xc044);
    for (let n = 0; n < 2; n++) {
      expect(apic.take(0)).toBe(0x44);
      apic.write(0, Apic.APIC_EOI, 0);
    }
    out(0x21, 0xff);
    expect(apic.take(0)).toBe(0x44);
    apic.write(0, Apic.APIC_EOI, 0);
    expect(apic.pending(0)).toBe(-1);
    expect(apic.read(0, Apic.APIC_LVT_LINT0)).toBe(0x8044);
  });

  test("through input 0 of the I/O APIC as ExtINT", () => {
    initialise();
    apic.write(0, Apic.APIC_LVT_LINT0, 0x1_0000);
    apic.route(0, 0x700);
    line(6, true);
    expect(apic.pending(0)).toBe(PENDING_EXTINT);
    expect(apic.take(0)).toBe(0x26);
    expect(apic.pending(0)).toBe(-1);
  });

  test("with the local APIC switched off, the output is the CPU's INTR pin", () => {
    initialise();
    apic.writeMsr(0, Apic.MSR_APIC_BASE, 0xfee0_0000n);
    line(3, true);
    expect(apic.take(0)).toBe(0x23);
  });
});

const byte = fc.integer({ min: 0, max: 255 });
const port = fc.constantFrom(0x20, 0x21, 0xa0, 0xa1);
const action = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(
      fc.constant("line" as const),
      fc.integer({ min: 0, max: 15 }),
      fc.boolean(),
    ),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant("mask" as const), fc.constantFrom(0, 1), byte) },
  // OCW2 and OCW3 of every kind: EOI, rotation, special mask, poll, which register is read.
  {
    weight: 5,
    arbitrary: fc.tuple(
      fc.constant("command" as const),
      fc.constantFrom(0, 1),
      byte.map((b) => b & 0xef),
    ),
  },
  { weight: 5, arbitrary: fc.tuple(fc.constant("take" as const), fc.constant(0), fc.constant(0)) },
  { weight: 3, arbitrary: fc.tuple(fc.constant("read" as const), port, fc.constant(0)) },
  { weight: 1, arbitrary: fc.tuple(fc.constant("levels" as const), fc.constantFrom(0, 1), byte) },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant("init" as const),
      fc.constantFrom(1, 3, 0x11, 0x13),
      fc.constant(0),
    ),
  },
);

test("the pair follows the model in every mode: EOI, rotation, special mask, nesting, poll, levels", () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 120 }), (actions) => {
      for (let irq = 0; irq < 16; irq++) if (irq !== 2) line(irq, false);
      out(0x4d0, 0);
      out(0x4d1, 0);
      initialise();
      const model = new PicPairModel(new PicModel(true), new PicModel(false));
      for (const [kind, a, b] of actions) {
        const observed = act(kind, a, b);
        const expected = actModel(model, kind, a, b);
        expect([kind, a, b, observed]).toEqual([kind, a, b, expected]);
        expect(apic.pending(0)).toBe(model.output ? PENDING_EXTINT : -1);
      }
    }),
    { numRuns: 300 },
  );
});

function act(kind: string, a: number, b: number | boolean): number {
  if (kind === "line" && a !== 2) line(a, b === true);
  if (kind === "mask") out((PORTS[a] ?? 0) + 1, Number(b));
  if (kind === "command") out(PORTS[a] ?? 0, Number(b));
  if (kind === "levels") out(0x4d0 + a, Number(b));
  if (kind === "init") initialise(a);
  if (kind === "take") return m.core.sim.takeInterrupt(0, PENDING_EXTINT);
  return kind === "read" ? input(a) : 0;
}

function actModel(model: PicPairModel, kind: string, a: number, b: number | boolean): number {
  if (kind === "line" && a !== 2) model.line(a, b === true);
  if (kind === "mask") model.mask(a, Number(b));
  if (kind === "command") model.command(a, Number(b));
  if (kind === "levels") model.levels(a, Number(b));
  if (kind === "init") model.initialise(a);
  if (kind === "take") return model.take();
  return kind === "read" ? model.read(a) : 0;
}
