/** Registers of the local APIC (Intel SDM 3A, tables 10-1 and 10-6; sections in each test). */
import { beforeEach, describe, expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { ApicBench } from "../../host/testing/apic.ts";
import * as Apic from "../../spec/apic.ts";
import { LAPIC_BASE } from "../../spec/platform.ts";

let m: Machine;
let apic: ApicBench;
beforeEach(async () => {
  m = await Machine.create({ cpus: 4, memory: 4 << 20, start: false });
  apic = new ApicBench(m);
});

/** Offset, name, value after reset, bits that a write of all ones and of zero can change. */
const REGISTERS: readonly [number, string, number, number][] = [
  [0x020, "ID", 0, 0],
  [0x030, "version", 0x0005_0014, 0],
  [0x080, "TPR", 0, 0xff],
  [0x090, "APR", 0, 0],
  [0x0a0, "PPR", 0, 0],
  [0x0b0, "EOI", 0, 0],
  [0x0c0, "RRD", 0, 0],
  [0x0d0, "LDR", 0, 0xff00_0000],
  [0x0e0, "DFR", 0xffff_ffff, 0xf000_0000],
  [0x0f0, "SVR", 0xff, 0x3ff],
  [0x280, "ESR", 0, 0],
  [0x300, "ICR low", 0, 0x000c_cfff],
  [0x310, "ICR high", 0, 0xff00_0000],
  [0x320, "LVT timer", 0x1_0000, 0x7_00ff],
  [0x330, "LVT thermal", 0x1_0000, 0x1_07ff],
  [0x340, "LVT performance", 0x1_0000, 0x1_07ff],
  [0x350, "LVT LINT0", 0x1_0000, 0x1_a7ff],
  [0x360, "LVT LINT1", 0x1_0000, 0x1_a7ff],
  [0x370, "LVT error", 0x1_0000, 0x1_00ff],
  [0x380, "initial count", 0, 0xffff_ffff],
  [0x390, "current count", 0, 0],
  [0x3e0, "divide configuration", 0, 0xb],
];
for (let piece = 0; piece < 8; piece++)
  for (const [base, name] of [
    [0x100, "ISR"],
    [0x180, "TMR"],
    [0x200, "IRR"],
  ] as const)
    (REGISTERS as [number, string, number, number][]).push([
      base + piece * 16,
      `${name} ${piece}`,
      0,
      0,
    ]);
const EXISTING = new Set(REGISTERS.map(([offset]) => offset));
const MASK = 0x1_0000;

describe("the xAPIC page", () => {
  test.each(REGISTERS)("%s %s resets to %s", (offset, _name, reset) => {
    expect(apic.read(0, offset)).toBe(reset);
  });

  test.each(REGISTERS)("%s %s changes only in its writable bits", (offset, name, reset, bits) => {
    apic.write(0, Apic.APIC_SVR, 0x1ff); // else the masks of the LVT are stuck
    const before = offset === Apic.APIC_SVR ? 0x1ff : reset;
    // As a command, all ones has the reserved delivery mode 7 and all zeroes the illegal vector 0.
    apic.write(0, offset, 0xffff_ffff);
    const ones = offset === Apic.APIC_TIMER_CURRENT ? 0 : ((before & ~bits) | bits) >>> 0;
    expect(apic.read(0, offset)).toBe(name === "PPR" ? 0 : ones);
    apic.write(0, offset, 0);
    expect(apic.read(0, offset)).toBe((before & ~bits) >>> 0);
  });

  test("the APIC ID is the number of the CPU, in bits 31-24", () => {
    for (const cpu of [0, 1, 2, 3]) expect(apic.read(cpu, Apic.APIC_ID)).toBe(cpu << 24);
  });

  test("a reserved register reads as 0 and sets ESR bit 7 after the next write to ESR (10.5.3)", () => {
    for (let offset = 0; offset < 4096; offset += 16) {
      if (EXISTING.has(offset)) continue;
      expect(apic.read(0, offset)).toBe(0);
      expect(apic.read(0, Apic.APIC_ESR)).toBe(0);
      apic.write(0, Apic.APIC_ESR, 0);
      expect(apic.read(0, Apic.APIC_ESR)).toBe(Apic.ESR_ILLEGAL_REGISTER);
      apic.write(0, Apic.APIC_ESR, 0);
      expect(apic.read(0, Apic.APIC_ESR)).toBe(0);
    }
  });

  test("registers that exist set no error", () => {
    for (const offset of EXISTING) apic.read(0, offset);
    apic.write(0, Apic.APIC_ESR, 0);
    expect(apic.read(0, Apic.APIC_ESR)).toBe(0);
  });

  test("disabled by software, the LVT is masked and stays masked (10.4.7.2)", () => {
    apic.enable(0);
    apic.write(0, Apic.APIC_LVT_LINT0, 0x30);
    expect(apic.read(0, Apic.APIC_LVT_LINT0)).toBe(0x30);
    apic.write(0, Apic.APIC_SVR, 0xff);
    expect(apic.read(0, Apic.APIC_LVT_LINT0)).toBe(MASK | 0x30);
    apic.write(0, Apic.APIC_LVT_LINT0, 0x31);
    expect(apic.read(0, Apic.APIC_LVT_LINT0)).toBe(MASK | 0x31);
  });

  test("narrow and misaligned writes change nothing", () => {
    for (const bytes of [1, 2]) apic.write(0, Apic.APIC_TPR, 0x77, bytes);
    for (const offset of [1, 2, 4, 8, 12]) apic.write(0, Apic.APIC_TPR + offset, 0x77);
    expect(apic.read(0, Apic.APIC_TPR)).toBe(0);
  });

  test("a moved page answers its own CPU at the new address and nobody at the old one", () => {
    const moved = 0xd000_0000;
    expect(apic.writeMsr(2, Apic.MSR_APIC_BASE, BigInt(moved) | 0x800n)).toBe(true);
    const readAt = (cpu: number, at: number) =>
      apic.as(cpu, () => Number(m.core.sim.physicalRead(BigInt(at), 4)));
    expect(readAt(2, moved + Apic.APIC_ID)).toBe(2 << 24);
    expect(readAt(2, LAPIC_BASE + Apic.APIC_ID)).toBe(0xffff_ffff);
    expect(readAt(1, moved + Apic.APIC_ID)).toBe(0xffff_ffff);
    expect(readAt(1, LAPIC_BASE + Apic.APIC_ID)).toBe(1 << 24);
  });
});

describe("CR8", () => {
  test("is TPR bits 7-4, and a write clears bits 3-0 (10.8.6)", () => {
    apic.write(0, Apic.APIC_TPR, 0x5a);
    expect(apic.as(0, (processor) => processor.readControl(8))).toBe(5n);
    apic.as(0, (processor) => processor.writeControl(8, 9n));
    expect(apic.read(0, Apic.APIC_TPR)).toBe(0x90);
  });
});

describe("IA32_APIC_BASE", () => {
  const OFF = 0n;
  const X = 0x800n;
  const X2 = 0xc00n;
  const INVALID = 0x400n;
  const page = BigInt(LAPIC_BASE);

  test("after reset: the default page, enabled, xAPIC; only CPU 0 is the bootstrap processor", () => {
    expect(apic.readMsr(0, Apic.MSR_APIC_BASE)).toBe(page | 0x900n);
    expect(apic.readMsr(1, Apic.MSR_APIC_BASE)).toBe(page | 0x800n);
  });

  test.each([
    [OFF, OFF, true],
    [OFF, X, true],
    [OFF, X2, false],
    [OFF, INVALID, false],
    [X, OFF, true],
    [X, X, true],
    [X, X2, true],
    [X, INVALID, false],
    [X2, OFF, true],
    [X2, X, false],
    [X2, X2, true],
    [X2, INVALID, false],
  ])("from mode %s to %s: allowed is %s (figure 10-27)", (from, to, allowed) => {
    if (from === X2) apic.writeMsr(1, Apic.MSR_APIC_BASE, page | X);
    expect(apic.writeMsr(1, Apic.MSR_APIC_BASE, page | from)).toBe(true);
    expect(apic.writeMsr(1, Apic.MSR_APIC_BASE, page | to)).toBe(allowed);
    expect(apic.readMsr(1, Apic.MSR_APIC_BASE)).toBe(page | (allowed ? to : from));
  });

  test("reserved bits are #GP", () => {
    for (const bit of [0n, 1n, 7n, 9n, 52n, 63n])
      expect(apic.writeMsr(0, Apic.MSR_APIC_BASE, page | X | (1n << bit))).toBe(false);
  });

  test("turned off, the page is gone and the state is forgotten", () => {
    apic.enable(1, 0x40);
    apic.writeMsr(1, Apic.MSR_APIC_BASE, page);
    expect(apic.read(1, Apic.APIC_TPR)).toBe(0xffff_ffff);
    apic.writeMsr(1, Apic.MSR_APIC_BASE, page | X);
    expect(apic.read(1, Apic.APIC_TPR)).toBe(0);
    expect(apic.read(1, Apic.APIC_SVR)).toBe(0xff);
  });
});

/** Register numbers (table 10-6): readable, writable, and the bits that a write may set. */
const X2: Record<number, [boolean, boolean, bigint]> = {
  2: [true, false, 0n],
  3: [true, false, 0n],
  8: [true, true, 0xffn],
  10: [true, false, 0n],
  11: [false, true, 0n],
  13: [true, false, 0n],
  15: [true, true, 0x3ffn],
  40: [true, true, 0n],
  50: [true, true, 0x7_10ffn],
  51: [true, true, 0x1_17ffn],
  52: [true, true, 0x1_17ffn],
  53: [true, true, 0x1_f7ffn],
  54: [true, true, 0x1_f7ffn],
  55: [true, true, 0x1_10ffn],
  56: [true, true, 0xffff_ffffn],
  57: [true, false, 0n],
  62: [true, true, 0xbn],
  63: [false, true, 0xffn],
};
for (let n = 0x10; n < 0x28; n++) X2[n] = [true, false, 0n];
/** Delivery status and remote IRR, which LVT entries may or may not have: their writes are ignored. */
const LVT_STATUS = 0x5000n;
const ICR = 0x30;

describe("the x2APIC MSRs", () => {
  beforeEach(() => apic.enableX2apic(1));

  test("exist and are readable and writable as the table says; all others are #GP", () => {
    for (let n = 0; n < 256; n++) {
      if (n === ICR) continue;
      const [readable, writable] = X2[n] ?? [false, false];
      expect([n, apic.readMsr(1, 0x800 + n) !== null]).toEqual([n, readable]);
      if (n === 0x3f) continue; // a self-IPI of vector 0 is an error of another kind
      expect([n, apic.writeMsr(1, 0x800 + n, 0n)]).toEqual([n, writable]);
    }
  });

  test("a reserved bit is #GP, any other is taken", () => {
    for (const [key, [, writable, bits]] of Object.entries(X2)) {
      const n = Number(key);
      if (!writable) continue;
      for (let bit = 0n; bit < 64n; bit++) {
        const value = 1n << bit;
        if (n >= 0x32 && n <= 0x37 && value & LVT_STATUS) continue;
        expect([n, bit, apic.writeMsr(1, 0x800 + n, value)]).toEqual([
          n,
          bit,
          (bits & value) !== 0n,
        ]);
      }
    }
  });

  test("the ICR is one register of 64 bits; bits 13, 16, 17 and 20-31 are reserved", () => {
    const value = (0x1234_5678n << 32n) | 0x0_4200n; // SMI: nobody takes it
    expect(apic.writeMsr(1, 0x830, value)).toBe(true);
    expect(apic.readMsr(1, 0x830)).toBe(value);
    for (const bit of [13n, 16n, 17n, 20n, 25n, 31n])
      expect(apic.writeMsr(1, 0x830, value | (1n << bit))).toBe(false);
    expect(apic.readMsr(1, 0x830)).toBe(value);
  });

  test("ID is 32 bits; the logical ID is cluster and bit (10.12.10.2); the page is gone", () => {
    expect(apic.readMsr(1, 0x802)).toBe(1n);
    expect(apic.readMsr(1, 0x80d)).toBe(2n);
    expect(apic.read(1, Apic.APIC_ID)).toBe(0xffff_ffff);
  });

  test("are all #GP in xAPIC mode", () => {
    for (let n = 0; n < 256; n++) {
      expect(apic.readMsr(0, 0x800 + n)).toBeNull();
      expect(apic.writeMsr(0, 0x800 + n, 0n)).toBe(false);
    }
  });

  test("a self-IPI is requested at once, and one below 16 is a send error (10.12.11)", () => {
    expect(apic.writeMsr(1, 0x83f, 0x41n)).toBe(true);
    expect(apic.pending(1)).toBe(0x41);
    expect(apic.writeMsr(1, 0x83f, 0xfn)).toBe(true);
    apic.writeMsr(1, 0x828, 0n);
    expect(apic.readMsr(1, 0x828)).toBe(BigInt(Apic.ESR_SEND_ILLEGAL_VECTOR));
  });
});

describe("errors", () => {
  test("an illegal vector in the LVT is a receive error; the interrupt comes once until ESR is written", () => {
    apic.enable(0);
    apic.write(0, Apic.APIC_LVT_ERROR, 0xe0);
    apic.write(0, Apic.APIC_LVT_TIMER, 5);
    apic.write(0, Apic.APIC_TIMER_DIVIDE, 0xb);
    for (const expected of [1, 0]) {
      apic.write(0, Apic.APIC_TIMER_INITIAL, 100);
      m.run(m.state.now + 200n);
      expect(apic.vectors(0, Apic.APIC_IRR)).toEqual(expected ? [0xe0] : []);
      if (expected) apic.take(0);
      apic.write(0, Apic.APIC_EOI, 0);
    }
    apic.write(0, Apic.APIC_ESR, 0);
    expect(apic.read(0, Apic.APIC_ESR)).toBe(Apic.ESR_RECEIVE_ILLEGAL_VECTOR);
    apic.write(0, Apic.APIC_TIMER_INITIAL, 100);
    m.run(m.state.now + 200n);
    expect(apic.pending(0)).toBe(0xe0);
  });
});

describe("INIT", () => {
  test("brings every register to its reset value but the ID and the mode (10.4.7.3)", () => {
    apic.enable(1, 0x40);
    apic.write(1, Apic.APIC_LDR, 0x0200_0000);
    apic.write(1, Apic.APIC_DFR, 0);
    apic.write(1, Apic.APIC_LVT_LINT1, 0x400);
    apic.write(1, Apic.APIC_TIMER_INITIAL, 1000);
    apic.write(0, Apic.APIC_ICR_HIGH, 1 << 24);
    apic.write(0, Apic.APIC_ICR_LOW, 0x4500);
    for (const [offset, name, reset] of REGISTERS)
      expect([name, apic.read(1, offset)]).toEqual([name, name === "ID" ? 1 << 24 : reset]);
    expect(apic.cpu(1).pendingInit).toBe(1);
  });
});
