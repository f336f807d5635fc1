/** Who gets an inter-processor interrupt (Intel SDM 3A, 10.6 and 10.12.10), for 1 to 64 CPUs. */
import { describe, expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { ApicBench } from "../../host/testing/apic.ts";
import * as Apic from "../../spec/apic.ts";

const VECTOR = 0x55;
const COUNTS = [1, 2, 3, 8, 16, 17, 33, 64];

async function bench(cpus: number): Promise<ApicBench> {
  const apic = new ApicBench(await Machine.create({ cpus, memory: 4 << 20, start: false }));
  for (let cpu = 0; cpu < cpus; cpu++) apic.enable(cpu);
  return apic;
}

const all = (cpus: number) => Array.from({ length: cpus }, (_, n) => n);

/** The CPUs that now have the vector requested; their requests are taken away. */
function receivers(apic: ApicBench, cpus: number): number[] {
  const got = all(cpus).filter((cpu) => apic.pending(cpu) === VECTOR);
  for (const cpu of got) {
    apic.take(cpu);
    const x2apic = (apic.lapic(cpu).base & 0x400n) !== 0n;
    if (x2apic) apic.writeMsr(cpu, 0x80b, 0n);
    else apic.write(cpu, Apic.APIC_EOI, 0);
  }
  return got;
}

function send(apic: ApicBench, from: number, low: number, destination: number): void {
  apic.write(from, Apic.APIC_ICR_HIGH, (destination << 24) >>> 0);
  apic.write(from, Apic.APIC_ICR_LOW, low);
}

describe.each(COUNTS)("%i CPUs", (cpus) => {
  const senders = [...new Set([0, cpus >> 1, cpus - 1])];

  test("physical: the CPU with that ID, nobody for an unused one, all for 0xff", async () => {
    const apic = await bench(cpus);
    for (const from of senders)
      for (let destination = 0; destination < 256; destination++) {
        send(apic, from, VECTOR, destination);
        const expected =
          destination === 0xff ? all(cpus) : all(cpus).filter((n) => n === destination);
        expect([destination, receivers(apic, cpus)]).toEqual([destination, expected]);
      }
  });

  test("logical flat: the CPUs with a bit in common", async () => {
    const apic = await bench(cpus);
    const own = (cpu: number) => 1 << (cpu % 8);
    for (const cpu of all(cpus)) apic.write(cpu, Apic.APIC_LDR, (own(cpu) << 24) >>> 0);
    for (let destination = 0; destination < 256; destination++) {
      send(apic, cpus - 1, 0x800 | VECTOR, destination);
      expect(receivers(apic, cpus)).toEqual(all(cpus).filter((n) => own(n) & destination));
    }
  });

  test("logical cluster: the same cluster and a bit in common; 0xff is everyone", async () => {
    const apic = await bench(cpus);
    const cluster = (cpu: number) => (cpu >> 2) % 15;
    const bit = (cpu: number) => 1 << (cpu & 3);
    for (const cpu of all(cpus)) {
      apic.write(cpu, Apic.APIC_DFR, 0);
      apic.write(cpu, Apic.APIC_LDR, ((cluster(cpu) << 28) | (bit(cpu) << 24)) >>> 0);
    }
    for (let destination = 0; destination < 256; destination++) {
      send(apic, 0, 0x800 | VECTOR, destination);
      const named = (n: number) => cluster(n) === destination >> 4 && (bit(n) & destination) !== 0;
      expect(receivers(apic, cpus)).toEqual(
        all(cpus).filter((n) => destination === 0xff || named(n)),
      );
    }
  });

  test("x2APIC: 32-bit IDs, clusters of 16, 0xffffffff is everyone and 0xff is not", async () => {
    const apic = await bench(cpus);
    for (const cpu of all(cpus)) apic.enableX2apic(cpu);
    const command = (from: number, low: number, destination: number) =>
      expect(apic.writeMsr(from, 0x830, (BigInt(destination) << 32n) | BigInt(low))).toBe(true);
    for (const from of senders) {
      for (const destination of [...all(70), 0xff, 0x100, 0xffff, 0xffff_fffe]) {
        command(from, VECTOR, destination);
        expect(receivers(apic, cpus)).toEqual(all(cpus).filter((n) => n === destination));
      }
      for (const mode of [0, 0x800]) {
        command(from, mode | VECTOR, 0xffff_ffff);
        expect(receivers(apic, cpus)).toEqual(all(cpus));
      }
      for (let cluster = 0; cluster < 6; cluster++)
        for (const bits of [0, 1, 2, 0x8000, 0x00ff, 0xf0f0, 0xffff]) {
          command(from, 0x800 | VECTOR, cluster * 0x1_0000 + bits);
          const named = (n: number) => n >> 4 === cluster && ((bits >> (n & 15)) & 1) === 1;
          expect(receivers(apic, cpus)).toEqual(all(cpus).filter(named));
        }
    }
  });

  test("shorthands: self, all, all but self", async () => {
    const apic = await bench(cpus);
    for (const from of senders) {
      send(apic, from, (1 << 18) | VECTOR, 0x77);
      expect(receivers(apic, cpus)).toEqual([from]);
      send(apic, from, (2 << 18) | VECTOR, 0x77);
      expect(receivers(apic, cpus)).toEqual(all(cpus));
      send(apic, from, (3 << 18) | VECTOR, 0x77);
      expect(receivers(apic, cpus)).toEqual(all(cpus).filter((n) => n !== from));
    }
  });
});

describe("delivery modes", () => {
  test("lowest priority: one CPU of the set, the least busy that is enabled, the lowest ID of equals", async () => {
    const apic = await bench(4);
    for (const cpu of all(4)) apic.write(cpu, Apic.APIC_LDR, (1 << (24 + cpu)) >>> 0);
    const lowest = (destination: number) => {
      send(apic, 0, 0x900 | VECTOR, destination);
      return receivers(apic, 4);
    };
    expect(lowest(0xf)).toEqual([0]);
    for (const [cpu, tpr] of [0x30, 0x20, 0x10, 0x10].entries())
      apic.write(cpu, Apic.APIC_TPR, tpr);
    expect(lowest(0xf)).toEqual([2]);
    expect(lowest(0x3)).toEqual([1]);
    apic.write(2, Apic.APIC_SVR, 0xff);
    expect(lowest(0xf)).toEqual([3]);
  });

  test("NMI reaches even an APIC that software has disabled, and ignores the vector", async () => {
    const apic = await bench(3);
    apic.write(1, Apic.APIC_SVR, 0xff);
    send(apic, 0, 0x400, 1);
    expect(all(3).map((cpu) => apic.cpu(cpu).pendingNmi)).toEqual([0, 1, 0]);
    send(apic, 0, VECTOR, 1);
    expect(apic.vectors(1, Apic.APIC_IRR)).toEqual([]);
  });

  test("INIT by edge or by level assert; level de-assert does nothing (10.6.1)", async () => {
    const apic = await bench(2);
    send(apic, 0, 0x8500, 1);
    expect(apic.cpu(1).pendingInit).toBe(0);
    send(apic, 0, 0xc500, 1);
    expect(apic.cpu(1).pendingInit).toBe(1);
    apic.cpu(1).pendingInit = 0;
    send(apic, 0, 0x4500, 1);
    expect(apic.cpu(1).pendingInit).toBe(1);
  });

  test("a startup IPI counts once, and only while the CPU waits for one", async () => {
    const apic = await bench(3);
    const RUNNING = 1;
    apic.cpu(2).activity = RUNNING;
    send(apic, 0, (3 << 18) | 0x699, 0);
    send(apic, 0, (3 << 18) | 0x611, 0);
    expect(all(3).map((cpu) => apic.cpu(cpu).pendingSipi)).toEqual([0, 0x9a, 0]);
    send(apic, 0, 0x500, 2);
    send(apic, 0, 0x605, 2);
    expect(apic.cpu(2).pendingSipi).toBe(6);
  });

  test("SMI, the reserved mode, ExtINT and INIT to oneself by shorthand do nothing", async () => {
    const apic = await bench(2);
    for (const low of [
      0x200,
      0x300,
      0x700,
      (1 << 18) | 0x500,
      (2 << 18) | 0x500,
      (2 << 18) | 0x610,
    ])
      send(apic, 0, low | 0x40, 1);
    for (const cpu of all(2)) {
      const { pendingInit, pendingSipi, pendingNmi } = apic.cpu(cpu);
      expect([pendingInit, pendingSipi, pendingNmi, apic.pending(cpu)]).toEqual([0, 0, 0, -1]);
    }
  });

  test("a vector below 16 is not sent and is a send error", async () => {
    const apic = await bench(2);
    send(apic, 0, 0xf, 1);
    for (const [cpu, errors] of [Apic.ESR_SEND_ILLEGAL_VECTOR, 0].entries()) {
      apic.write(cpu, Apic.APIC_ESR, 0);
      expect(apic.read(cpu, Apic.APIC_ESR)).toBe(errors);
    }
  });

  test("an IPI is an edge even when the register says level", async () => {
    const apic = await bench(2);
    send(apic, 0, 0xc000 | VECTOR, 1);
    expect(apic.vectors(1, Apic.APIC_TMR)).toEqual([]);
  });

  test("a CPU whose APIC is switched off gets nothing", async () => {
    const apic = await bench(2);
    apic.writeMsr(1, Apic.MSR_APIC_BASE, 0xfee0_0000n);
    send(apic, 0, 0x4500, 1);
    send(apic, 0, 0x400, 0xff);
    expect([apic.cpu(1).pendingInit, apic.cpu(1).pendingNmi]).toEqual([0, 0]);
  });
});

describe("messages (10.11)", () => {
  test("the redirection hint makes a fixed logical message choose one CPU", async () => {
    const apic = await bench(2);
    for (const cpu of all(2)) apic.write(cpu, Apic.APIC_LDR, (1 << (24 + cpu)) >>> 0);
    const { sim } = apic.machine.core;
    sim.deliverMessage(0xfee0_3004n, VECTOR);
    expect(receivers(apic, 2)).toEqual([0, 1]);
    sim.deliverMessage(0xfee0_300cn, VECTOR);
    expect(receivers(apic, 2)).toEqual([0]);
    sim.deliverMessage(0xfee0_1008n, VECTOR);
    expect(receivers(apic, 2)).toEqual([1]);
  });

  test("a de-assert, a startup message and an address elsewhere do nothing", async () => {
    const apic = await bench(1);
    const { sim } = apic.machine.core;
    sim.deliverMessage(0xfee0_0000n, 0x8000 | VECTOR);
    sim.deliverMessage(0xfee0_0000n, 0x600 | VECTOR);
    sim.deliverMessage(0xfed0_0000n, VECTOR);
    sim.deliverMessage(0x1_fee0_0000n, VECTOR);
    expect([apic.pending(0), apic.cpu(0).pendingSipi]).toEqual([-1, 0]);
  });
});
