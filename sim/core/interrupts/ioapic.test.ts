/** The I/O APIC (Intel 82093AA data sheet; EOI register: ICH9 data sheet, 13.5). */
import { beforeEach, describe, expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { ApicBench } from "../../host/testing/apic.ts";
import * as Apic from "../../spec/apic.ts";
import * as Io from "../../spec/ioapic.ts";
import { GSI_COUNT, IOAPIC_BASE } from "../../spec/platform.ts";

const VECTOR = 0x60;
const LEVEL = 0x8000;
const MASKED = 0x1_0000;
const REMOTE_IRR = 0x4000;
const PENDING = 0x1000;

let m: Machine;
let apic: ApicBench;
beforeEach(async () => {
  m = await Machine.create({ cpus: 2, memory: 4 << 20, start: false });
  apic = new ApicBench(m);
  for (const cpu of [0, 1]) apic.enable(cpu);
  apic.line(2, false); // the timer's output is high after reset
});

function pulse(gsi: number): void {
  apic.line(gsi, true);
  apic.line(gsi, false);
}
const requested = (cpu = 0) => apic.vectors(cpu, Apic.APIC_IRR);
function end(cpu = 0): void {
  apic.take(cpu);
  apic.write(cpu, Apic.APIC_EOI, 0);
}

describe("registers", () => {
  test("version 0x20 with 24 entries, all masked and otherwise 0 after reset", () => {
    expect(apic.ioapicRead(Io.IOAPIC_REG_VERSION)).toBe(0x0017_0020);
    expect(apic.ioapicRead(Io.IOAPIC_REG_ID)).toBe(0);
    for (let pin = 0; pin < 24; pin++) {
      expect(apic.entry(pin)).toBe(MASKED);
      expect(apic.ioapicRead(0x11 + 2 * pin)).toBe(0);
    }
  });

  test("the ID has four bits, and the arbitration register repeats it", () => {
    apic.ioapicWrite(Io.IOAPIC_REG_ID, 0xffff_ffff);
    expect(apic.ioapicRead(Io.IOAPIC_REG_ID)).toBe(0x0f00_0000);
    apic.ioapicWrite(Io.IOAPIC_REG_ARBITRATION, 0);
    expect(apic.ioapicRead(Io.IOAPIC_REG_ARBITRATION)).toBe(0x0f00_0000);
  });

  test("of an entry, delivery status and remote IRR are read-only, bits 17-47 reserved", () => {
    for (let pin = 0; pin < 24; pin++) {
      apic.route(pin, 0xffff_ffff, 0xff);
      expect(apic.entry(pin)).toBe(0x1_afff);
      apic.ioapicWrite(0x11 + 2 * pin, 0xffff_ffff);
      expect(apic.ioapicRead(0x11 + 2 * pin)).toBe(0xffff_0000);
    }
  });

  test("an index without a register reads as 0; the version can't be written", () => {
    for (const index of [3, 0xf, 0x40, 0x80, 0xff]) {
      apic.ioapicWrite(index, 0xffff_ffff);
      expect(apic.ioapicRead(index)).toBe(0);
    }
    apic.ioapicWrite(Io.IOAPIC_REG_VERSION, 0);
    expect(apic.ioapicRead(Io.IOAPIC_REG_VERSION)).toBe(0x0017_0020);
  });

  test("narrow writes to the window change nothing, the index takes any width", () => {
    const at = BigInt(IOAPIC_BASE);
    for (const bytes of [1, 2, 4, 8]) {
      m.core.sim.physicalWrite(at, bytes, 0x12n);
      expect(m.core.sim.physicalRead(at, 4)).toBe(0x12n);
    }
    for (const bytes of [1, 2]) m.core.sim.physicalWrite(at + 0x10n, bytes, 0n);
    expect(apic.entry(1)).toBe(MASKED);
  });
});

describe("edge", () => {
  test("each rising edge is one interrupt, and the vector's TMR bit is clear", () => {
    apic.route(5, VECTOR);
    apic.line(5, true);
    expect(requested()).toEqual([VECTOR]);
    expect(apic.vectors(0, Apic.APIC_TMR)).toEqual([]);
    end();
    apic.line(5, true);
    expect(requested()).toEqual([]);
    apic.line(5, false);
    expect(requested()).toEqual([]);
    apic.line(5, true);
    expect(requested()).toEqual([VECTOR]);
  });

  test("an edge on a masked pin is lost", () => {
    apic.route(5, MASKED | VECTOR);
    pulse(5);
    apic.route(5, VECTOR);
    expect(requested()).toEqual([]);
    pulse(5);
    expect(requested()).toEqual([VECTOR]);
  });
});

describe("level", () => {
  test("remote IRR from acceptance to EOI; still asserted, it fires again; released, it doesn't", () => {
    apic.route(17, LEVEL | VECTOR);
    apic.line(17, true);
    expect(apic.entry(17)).toBe(LEVEL | REMOTE_IRR | VECTOR);
    expect(apic.vectors(0, Apic.APIC_TMR)).toEqual([VECTOR]);
    apic.take(0);
    expect(requested()).toEqual([]);
    apic.write(0, Apic.APIC_EOI, 0);
    expect(requested()).toEqual([VECTOR]);
    expect(apic.entry(17) & REMOTE_IRR).toBe(REMOTE_IRR);
    apic.line(17, false);
    end();
    expect(requested()).toEqual([]);
    expect(apic.entry(17) & REMOTE_IRR).toBe(0);
  });

  test("masking does not undo what was accepted; unmasking an asserted line delivers it", () => {
    apic.route(17, MASKED | LEVEL | VECTOR);
    apic.line(17, true);
    expect(requested()).toEqual([]);
    apic.route(17, LEVEL | VECTOR);
    expect(requested()).toEqual([VECTOR]);
    apic.route(17, MASKED | LEVEL | VECTOR);
    expect(apic.entry(17) & REMOTE_IRR).toBe(REMOTE_IRR);
    end();
    expect(requested()).toEqual([]);
  });

  test("the EOI register ends by vector, as the broadcast does, and other vectors end nothing", () => {
    apic.route(17, LEVEL | VECTOR);
    apic.line(17, true);
    apic.line(17, false);
    const eoi = (vector: number) =>
      m.core.sim.physicalWrite(BigInt(IOAPIC_BASE + Io.IOAPIC_EOI), 4, BigInt(vector));
    eoi(VECTOR + 1);
    expect(apic.entry(17) & REMOTE_IRR).toBe(REMOTE_IRR);
    eoi(VECTOR);
    expect(apic.entry(17) & REMOTE_IRR).toBe(0);
  });

  test("two pins with one vector: EOI frees both", () => {
    for (const pin of [17, 18]) {
      apic.route(pin, LEVEL | VECTOR);
      apic.line(pin, true);
      apic.line(pin, false);
    }
    end();
    expect([17, 18].map((pin) => apic.entry(pin) & REMOTE_IRR)).toEqual([0, 0]);
  });

  test("turning the entry to edge and back frees it, as drivers of old chips do", () => {
    apic.route(17, LEVEL | VECTOR);
    apic.line(17, true);
    apic.line(17, false);
    apic.route(17, MASKED | VECTOR);
    apic.route(17, MASKED | LEVEL | VECTOR);
    expect(apic.entry(17) & REMOTE_IRR).toBe(0);
  });

  test("nobody there to accept it: delivery status, and it comes once the APIC is enabled", () => {
    apic.write(1, Apic.APIC_SVR, 0xff);
    apic.route(17, LEVEL | VECTOR, 1);
    apic.line(17, true);
    expect(apic.entry(17)).toBe(LEVEL | PENDING | VECTOR);
    apic.write(1, Apic.APIC_SVR, 0x1ff);
    expect(requested(1)).toEqual([VECTOR]);
    expect(apic.entry(17)).toBe(LEVEL | REMOTE_IRR | VECTOR);
  });
});

describe("routing", () => {
  test("lines 1 to 23 reach the pins of their numbers", () => {
    for (let gsi = 1; gsi < GSI_COUNT; gsi++) {
      apic.route(gsi, 0x40 + gsi, 1);
      pulse(gsi);
      expect(requested(1)).toEqual([0x40 + gsi]);
      end(1);
    }
  });

  test("logical destinations and lowest priority", () => {
    for (const cpu of [0, 1]) apic.write(cpu, Apic.APIC_LDR, (1 << (24 + cpu)) >>> 0);
    apic.route(3, 0x800 | VECTOR, 3);
    pulse(3);
    expect([requested(0), requested(1)]).toEqual([[VECTOR], [VECTOR]]);
    for (const cpu of [0, 1]) end(cpu);
    apic.write(0, Apic.APIC_TPR, 0x50);
    apic.route(3, 0x900 | VECTOR, 3);
    pulse(3);
    expect([requested(0), requested(1)]).toEqual([[], [VECTOR]]);
  });

  test("NMI and INIT by line; they are edges even when programmed as level", () => {
    apic.route(3, LEVEL | 0x400, 1);
    apic.line(3, true);
    expect([apic.cpu(1).pendingNmi, apic.entry(3) & REMOTE_IRR]).toEqual([1, 0]);
    apic.route(4, 0x500, 1);
    pulse(4);
    expect(apic.cpu(1).pendingInit).toBe(1);
  });

  test("a line that doesn't exist does nothing", () => {
    for (const gsi of [0, 24, 31, 32, 255, 0xffff_ffff]) pulse(gsi);
    expect([requested(0), requested(1)]).toEqual([[], []]);
  });
});
