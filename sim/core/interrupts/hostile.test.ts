/** Whatever a guest writes to the interrupt controllers, they stay in states that they can have. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { ApicBench } from "../../host/testing/apic.ts";
import * as Apic from "../../spec/apic.ts";
import { IOAPIC_BASE, LAPIC_BASE } from "../../spec/platform.ts";

const CPUS = 4;
const PORTS = [0x1f, 0x20, 0x21, 0xa0, 0xa1, 0x4cf, 0x4d0, 0x4d1];

const cpu = fc.integer({ min: 0, max: CPUS - 1 });
const width = fc.constantFrom(1, 2, 4, 8);
const value = fc.oneof(
  fc.bigInt({ min: 0n, max: 0xffff_ffff_ffff_ffffn }),
  fc.integer({ min: 0, max: 0xf_ffff }).map(BigInt),
);
/** Half of them at registers, the rest anywhere in the page. */
const offset = fc.oneof(
  fc.integer({ min: 0, max: 0x3f }).map((slot) => slot * 16),
  fc.integer({ min: 0, max: 4095 }),
);
const blow = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constant("page" as const), cpu, offset, width, value) },
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.constant("msr" as const),
      cpu,
      fc.integer({ min: 0x800, max: 0x8ff }),
      width,
      value,
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constant("base" as const),
      cpu,
      fc.integer({ min: 0, max: 3 }),
      width,
      value,
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant("deadline" as const), cpu, offset, width, value) },
  { weight: 6, arbitrary: fc.tuple(fc.constant("ioapic" as const), cpu, offset, width, value) },
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constant("entry" as const),
      cpu,
      fc.integer({ min: 0, max: 255 }),
      width,
      value,
    ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constant("port" as const), cpu, fc.nat(PORTS.length - 1), width, value),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constant("line" as const),
      cpu,
      fc.integer({ min: 0, max: 25 }),
      width,
      value,
    ),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant("message" as const), cpu, offset, width, value) },
  {
    weight: 4,
    arbitrary: fc.tuple(
      fc.constant("take" as const),
      cpu,
      fc.integer({ min: -1, max: 256 }),
      width,
      value,
    ),
  },
  { weight: 2, arbitrary: fc.tuple(fc.constant("time" as const), cpu, offset, width, value) },
);
type Blow = typeof blow extends fc.Arbitrary<infer T> ? T : never;

function strike(apic: ApicBench, [kind, who, at, bytes, what]: Blow): void {
  const { sim } = apic.machine.core;
  const low = Number(what & 0xffff_ffffn);
  switch (kind) {
    case "page":
      apic.as(who, () => {
        sim.physicalWrite(BigInt(LAPIC_BASE + at), bytes, what);
        sim.physicalRead(BigInt(LAPIC_BASE + at), bytes);
      });
      return;
    case "msr":
      apic.writeMsr(who, at, bytes === 8 ? what : BigInt(low & 0x3ff));
      apic.readMsr(who, at);
      return;
    case "base":
      apic.writeMsr(who, Apic.MSR_APIC_BASE, BigInt(LAPIC_BASE) | (BigInt(at) << 10n));
      return;
    case "deadline":
      apic.writeMsr(who, Apic.MSR_TSC_DEADLINE, bytes === 8 ? what : BigInt(low));
      return;
    case "ioapic":
      sim.physicalWrite(BigInt(IOAPIC_BASE + at), bytes, what);
      sim.physicalRead(BigInt(IOAPIC_BASE + at), bytes);
      return;
    case "entry":
      apic.ioapicWrite(at, low);
      return;
    case "port":
      sim.portWrite(PORTS[at] ?? 0, bytes & 7 || 4, low);
      sim.portRead(PORTS[at] ?? 0, bytes & 7 || 4);
      return;
    case "line":
      apic.line(at, (what & 1n) === 1n);
      return;
    case "message":
      sim.deliverMessage(0xfee0_0000n | BigInt(low & 0xf_ffff), Number((what >> 32n) & 0xffffn));
      return;
    case "take":
      sim.takeInterrupt(who, at);
      return;
    case "time":
      passTime(apic, BigInt(at));
  }
}

/** Time passes, and no CPU answers the INIT, startup IPI or NMI that it may have got. */
function passTime(apic: ApicBench, cycles: bigint): void {
  for (let n = 0; n < CPUS; n++) {
    const target = apic.cpu(n);
    target.pendingInit = 0;
    target.pendingSipi = 0;
    target.activity = 0;
  }
  apic.machine.run(apic.machine.state.now + cycles + 1n);
}

/** Vectors set in one of the three registers, straight from the state: reading must not disturb. */
function vectors(words: readonly bigint[]): number[] {
  const set: number[] = [];
  for (let n = 0; n < 256; n++) if (((words[n >> 6] ?? 0n) >> BigInt(n & 63)) & 1n) set.push(n);
  return set;
}

function checkInvariants(apic: ApicBench): void {
  for (let n = 0; n < CPUS; n++) {
    const s = apic.lapic(n);
    const requested = vectors([s.irr0, s.irr1, s.irr2, s.irr3]);
    const inService = vectors([s.isr0, s.isr1, s.isr2, s.isr3]);
    for (const vector of [...requested, ...inService]) expect(vector).toBeGreaterThanOrEqual(16);
    const mode = Number((s.base >> 10n) & 3n);
    expect([0, 2, 3]).toContain(mode);
    const floor = Math.max(s.tpr >> 4, Math.max(0, ...inService) >> 4);
    const pending = apic.pending(n);
    if (pending >= 0 && pending < 256) expect(pending >> 4).toBeGreaterThan(floor);
    if ((s.svr & 0x100) === 0)
      for (const entry of [s.lvt0, s.lvt1, s.lvt2, s.lvt3, s.lvt4, s.lvt5])
        expect(entry & 0x1_0000).toBe(0x1_0000);
    expect(s.errors & ~0xe0).toBe(0);
  }
  for (let pin = 0; pin < 24; pin++) {
    const entry = apic.entry(pin);
    const remoteIrr = (entry & 0x4000) !== 0;
    const level = (entry & 0x8000) !== 0 && ((entry >> 8) & 7) <= 1;
    if (remoteIrr) expect(level).toBe(true);
    // Waiting means: asserted and unmasked, but nobody has accepted; never both at once.
    expect((entry & 0x5000) === 0x5000).toBe(false);
    expect(entry & ~0x1_ffff).toBe(0);
  }
}

test("random writes at random widths never trap, and the invariants hold after them", async () => {
  const machine = await Machine.create({ cpus: CPUS, memory: 4 << 20, start: false });
  const apic = new ApicBench(machine);
  for (let n = 0; n < CPUS; n++) apic.enable(n);
  fc.assert(
    fc.property(fc.array(blow, { minLength: 20, maxLength: 120 }), (blows) => {
      for (const one of blows) strike(apic, one);
      checkInvariants(apic);
    }),
    { numRuns: 300 },
  );
});
