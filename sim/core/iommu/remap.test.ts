/** What becomes of a device's request for an interrupt (Intel VT-d 3.3, 5.1). */
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import {
  handle,
  RemapBench,
  SIRTP,
  SIZE,
  SOURCE,
  TABLE,
  VECTOR,
} from "../../host/testing/remap.ts";
import * as Apic from "../../spec/apic.ts";
import * as Hpet from "../../spec/hpet.ts";
import * as Io from "../../spec/ioapic.ts";
import { HPET_BASE, HPET_REQUESTER, IOAPIC_BASE, IOAPIC_REQUESTER } from "../../spec/platform.ts";
import * as Vtd from "../../spec/vtd.ts";

let r: RemapBench;
beforeEach(async () => {
  r = await RemapBench.create();
});

/** Empties the interrupt entry cache. */
const ALL = [4n, 0n] as const;

describe("requests", () => {
  test("go to the local APICs as they are while remapping is off, whatever their format", () => {
    r.setEntry(0, { vector: 0x99 });
    r.write(Vtd.VTD_IRTA, BigInt(TABLE) | SIZE, 8);
    r.write(Vtd.VTD_GCMD, SIRTP);
    expect(r.pci.requestInterrupt(SOURCE, 0xfee0_1010n, VECTOR)).toBe(1);
    expect(r.taken()).toEqual({ 1: [VECTOR] });
  });

  test("get destination, vector and modes from the entry that the handle names", () => {
    r.enable();
    r.setEntry(3, { destination: 2 << 8, vector: 0x77 });
    expect(r.pci.requestInterrupt(SOURCE, handle(3), 0x4321)).toBe(1);
    expect(r.taken()).toEqual({ 2: [0x77] });
    r.setEntry(4, { mode: Apic.DELIVERY_NMI });
    r.request(4);
    expect(r.apic.cpu(1).pendingNmi).toBe(1);
  });

  test("add the subhandle when it is valid, and then only", () => {
    r.enable();
    for (const [index, vector] of [0x40, 0x41, 0x42].entries()) r.setEntry(5 + index, { vector });
    r.pci.requestInterrupt(SOURCE, handle(5, true), 2);
    expect(r.taken()).toEqual({ 1: [0x42] });
    r.pci.requestInterrupt(SOURCE, handle(5), 2);
    expect(r.taken()).toEqual({ 1: [0x40] });
  });

  test("have handles of 16 bits", () => {
    r.enable({ table: BigInt(TABLE) | 15n });
    r.setEntry(0xffff, { vector: 0x66 });
    r.request(0xffff);
    expect(r.taken()).toEqual({ 1: [0x66] });
  });

  test("with the level bit set make the vector's end known to the I/O APIC", () => {
    r.enable();
    r.setEntry(1, { level: true });
    r.request(1);
    expect(r.apic.vectors(1, Apic.APIC_TMR)).toEqual([VECTOR]);
  });

  test("with redirection hint go to the least busy of a logical group", () => {
    for (let cpu = 0; cpu < 4; cpu++) r.apic.write(cpu, Apic.APIC_LDR, (1 << (24 + cpu)) >>> 0);
    r.apic.write(1, Apic.APIC_TPR, 0x80);
    r.enable();
    r.setEntry(1, { logical: true, hint: true, destination: 0b1110 << 8 });
    r.request(1);
    expect(r.taken()).toEqual({ 2: [VECTOR] });
    r.setEntry(2, { logical: true, destination: 0b1100 << 8 });
    r.request(2);
    expect(r.taken()).toEqual({ 2: [VECTOR], 3: [VECTOR] });
  });
});

describe("extended interrupt mode", () => {
  beforeEach(() => {
    r.enableX2apic();
  });

  test("destinations have 32 bits: one processor, all of them, a logical cluster", () => {
    r.enable({ extended: true });
    r.setEntry(1, { destination: 3 });
    r.request(1);
    expect(r.taken()).toEqual({ 3: [VECTOR] });
    r.setEntry(2, { destination: 0xffff_ffff });
    r.request(2);
    expect(Object.keys(r.taken())).toEqual(["0", "1", "2", "3"]);
    r.setEntry(3, { destination: 0xff });
    r.request(3);
    expect(r.taken()).toEqual({});
    r.setEntry(4, { destination: 0b0101, logical: true });
    r.request(4);
    expect(r.taken()).toEqual({ 0: [VECTOR], 2: [VECTOR] });
    r.setEntry(5, { destination: 0x1_0001, logical: true });
    r.request(5);
    expect(r.taken()).toEqual({});
  });

  test("counts from the command that sets the table, not from the write of the register", () => {
    r.enable({ extended: true });
    r.write(Vtd.VTD_IRTA, BigInt(TABLE) | SIZE, 8);
    r.setEntry(1, { destination: 3 });
    r.request(1);
    expect(r.taken()).toEqual({ 3: [VECTOR] });
  });

  test("the unit's own message isn't remapped, and has bits 31-8 of its destination above", () => {
    r.enable({ extended: true });
    r.write(Vtd.VTD_FEDATA, 0x44n);
    r.write(Vtd.VTD_FECTL, 0n);
    for (const [upper, got] of [
      [0n, { 2: [0x44] }],
      [0x100n, {}],
    ] as const) {
      r.write(Vtd.VTD_FEADDR, 0xfee0_2000n);
      r.write(Vtd.VTD_FEUADDR, upper);
      r.request(9); // not present
      expect(r.taken()).toEqual(got);
      expect(r.takeRecord()?.reason).toBe(Vtd.VTD_FAULT_ENTRY_PRESENT);
    }
  });
});

describe("the I/O APIC", () => {
  const LEVEL = 0x8000;
  /** An entry in remappable format: index 14-0 in bits 63-49, 48 set, index 15 in bit 11. */
  function route(pin: number, low: number, index: number): void {
    const high = (((index & 0x7fff) << 17) | 0x1_0000) >>> 0;
    r.apic.ioapicWrite(Io.IOAPIC_REG_REDIRECTION + 2 * pin + 1, high);
    r.apic.ioapicWrite(Io.IOAPIC_REG_REDIRECTION + 2 * pin, low | ((index >> 15) << 11));
  }
  const pulse = (gsi: number) => {
    r.apic.line(gsi, true);
    r.apic.line(gsi, false);
  };

  test("sends requests in the format of its entry, from the source that the firmware names", () => {
    r.enable({ table: BigInt(TABLE) | 15n });
    r.setEntry(0x8005, { source: IOAPIC_REQUESTER, validation: 1 });
    route(5, 5, 0x8005);
    pulse(5);
    expect(r.taken()).toEqual({ 1: [VECTOR] });
    r.apic.route(6, VECTOR, 1);
    pulse(6);
    expect(r.taken()).toEqual({});
    expect(r.takeRecord()).toMatchObject({
      reason: Vtd.VTD_FAULT_COMPATIBILITY,
      source: IOAPIC_REQUESTER,
    });
  });

  test("a level whose entry in the table is an edge ends by the I/O APIC's own EOI register", () => {
    r.enable();
    r.setEntry(17, { source: IOAPIC_REQUESTER, validation: 1 });
    route(17, LEVEL | 17, 17);
    r.apic.line(17, true);
    expect(r.apic.entry(17) & Io.IOAPIC_REMOTE_IRR).toBe(Io.IOAPIC_REMOTE_IRR);
    expect(r.taken()).toEqual({ 1: [VECTOR] });
    expect(r.apic.entry(17) & Io.IOAPIC_REMOTE_IRR).toBe(Io.IOAPIC_REMOTE_IRR);
    r.apic.line(17, false);
    r.machine.core.sim.physicalWrite(BigInt(IOAPIC_BASE + Io.IOAPIC_EOI), 4, 17n);
    expect(r.apic.entry(17) & Io.IOAPIC_REMOTE_IRR).toBe(0);
    expect(r.taken()).toEqual({});
  });

  test("a level in both ends by the local APIC's EOI, when the vectors are the same", () => {
    r.enable();
    r.setEntry(17, { level: true });
    route(17, LEVEL | VECTOR, 17);
    r.apic.line(17, true);
    r.apic.line(17, false);
    expect(r.taken()).toEqual({ 1: [VECTOR] });
    expect(r.apic.entry(17) & Io.IOAPIC_REMOTE_IRR).toBe(0);
  });
});

test("the HPET's messages are requests of the source that the firmware names", () => {
  r.enable();
  r.setEntry(7, { source: HPET_REQUESTER, validation: 1 });
  const timer = HPET_BASE + Hpet.HPET_TIMER;
  const write = (at: number, value: bigint) =>
    r.machine.core.sim.physicalWrite(BigInt(at), 8, value);
  write(timer + Hpet.HPET_TIMER_FSB, handle(7) << 32n);
  write(timer + Hpet.HPET_TIMER_COMPARATOR, 100n);
  const on = Hpet.HPET_TIMER_INTERRUPT | Hpet.HPET_TIMER_FSB_ENABLE;
  write(timer + Hpet.HPET_TIMER_CONFIGURATION, BigInt(on));
  write(HPET_BASE + Hpet.HPET_CONFIGURATION, BigInt(Hpet.HPET_ENABLE));
  r.machine.run(r.machine.state.now + 2_000n);
  expect(r.taken()).toEqual({ 1: [VECTOR] });
});

interface Outcome {
  readonly reason: number;
  readonly cpus?: readonly number[];
  readonly vector?: number;
}

/** What 5.1 says of a request, by arithmetic on whole numbers: the fault's reason, or what comes. */
function model(low: bigint, high: bigint, extended: boolean, source: number): Outcome {
  const field = (value: bigint, from: number, to: number) =>
    Number((value / 2n ** BigInt(from)) % 2n ** BigInt(to - from + 1));
  const refused = (reason: number) => (field(low, 1, 1) ? { reason: 0 } : { reason });
  if (!field(low, 0, 0)) return refused(0x22);
  const narrow = !extended && (field(low, 48, 63) !== 0 || field(low, 32, 39) !== 0);
  if (field(low, 12, 15) || field(low, 24, 31) || field(high, 20, 63) || narrow)
    return refused(0x24);
  const id = field(high, 0, 15);
  const without = (value: number) => {
    const masked = [[], [2], [2, 1], [2, 1, 0]][field(high, 16, 17)] ?? [];
    return masked.reduce((left, n) => left - (Math.floor(left / 2 ** n) % 2) * 2 ** n, value);
  };
  const bus = Math.floor(source / 256);
  const valid = [
    true,
    without(id) === without(source),
    bus >= Math.floor(id / 256) && bus <= id % 256,
    false,
  ][field(high, 18, 19)];
  if (!valid) return refused(0x26);
  const cpu = extended ? field(low, 32, 63) : field(low, 40, 47);
  const everyone = cpu === (extended ? 2 ** 32 - 1 : 255);
  const cpus = [0, 1, 2, 3].filter((n) => everyone || n === cpu);
  return { reason: 0, cpus, vector: field(low, 16, 23) };
}

test("requests agree with a model that was written from the tables of the specification", () => {
  const mostly = (value: number, others: number) =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(value) },
      { weight: 1, arbitrary: fc.nat(others) },
    );
  const drawn = fc.record({
    present: mostly(1, 1),
    faultDisable: mostly(0, 1),
    spare: fc.nat(15),
    reserved: mostly(0, 15),
    vector: fc.integer({ min: 0x20, max: 0xff }),
    middle: mostly(0, 255),
    destination: fc.oneof(
      fc.constantFrom(0, 1, 2, 3, 0xffff_ffff, 0xff00, 0x100, 0x200, 0x300),
      fc.nat(0xffff_ffff),
    ),
    source: fc.constantFrom(0x0312, 0x0316, 0x0310, 0x0405, 0x0203, 0x0304),
    qualifier: fc.nat(3),
    validation: fc.nat(3),
    top: mostly(0, 0xfff),
    extended: fc.boolean(),
  });
  r.enableX2apic();
  const seen = new Set<number>();
  fc.assert(
    fc.property(drawn, (d) => {
      const low =
        BigInt(d.present | (d.faultDisable << 1) | (d.spare << 8) | (d.reserved << 12)) |
        BigInt(d.vector << 16) |
        (BigInt(d.middle) << 24n) |
        (BigInt(d.destination) << 32n);
      const high =
        BigInt(d.source | (d.qualifier << 16) | (d.validation << 18)) | (BigInt(d.top) << 20n);
      r.write(Vtd.VTD_GCMD, 0n);
      r.enable({ extended: d.extended });
      r.invalidate(ALL);
      r.pokeEntry(0, low, high);
      r.request(0);
      const expected = model(low, high, d.extended, SOURCE);
      const reason = r.takeRecord()?.reason ?? 0;
      seen.add(reason);
      expect(reason).toBe(expected.reason);
      const cpus = expected.cpus ?? [];
      expect(r.taken()).toEqual(Object.fromEntries(cpus.map((cpu) => [cpu, [expected.vector]])));
    }),
    { numRuns: 600 },
  );
  expect([...seen].sort()).toEqual([0, 0x22, 0x24, 0x26]);
});
