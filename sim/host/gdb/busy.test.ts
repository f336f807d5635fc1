/** A debugger on a machine where several CPUs work and interrupts come. */
import { beforeEach, describe, expect, test } from "vitest";
import { NEVER } from "../engine.ts";
import { Machine } from "../machine.ts";
import {
  BUSY,
  BUSY_COUNTER,
  BUSY_LOOP,
  HANDLER,
  OTHERS_COUNTER,
  OTHERS_LOOP,
  TICKS,
} from "../testing/busy.ts";
import { guestImage, guestMachine } from "../testing/guest64.ts";
import type { Debugger, Stop } from "./debugger.ts";

let machine: Machine;
let on: Debugger;
beforeEach(async () => {
  machine = await guestMachine(BUSY, { cpus: 3 });
  machine.run({ until: 2_000_000 });
  on = machine.debugger;
  on.attach();
});

function forwards(cpu = 0): Stop {
  for (let n = 0; n < 20; n++) {
    const { stop } = on.advance(cpu, NEVER, 100);
    if (stop) return stop;
  }
  throw new Error("nothing stops it");
}

function step(cpu: number, held = 0n): Stop {
  on.beginStep(cpu, held);
  return forwards(cpu);
}

function goOn(held = 0n): Stop {
  on.beginContinue(0, held);
  return forwards();
}

/** What has been counted at an address, from the present of the machine. */
const counted = (address: bigint, bytes = 8): bigint =>
  machine.physical
    .read(Number(address), bytes)
    .reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);

/** Where all CPUs stand, and the hash of the whole machine. */
const place = () =>
  `${on.cpus.map(({ rip }) => rip.toString(16)).join(" ")} ${machine.stateHash()}`;

/** The journal's replay, run as far, is the same machine. */
async function expectReplay(): Promise<void> {
  on.detach();
  machine.run({ steps: 5 });
  const guest = { kernel: guestImage(BUSY) };
  const again = await Machine.replay(machine.journal, { guest });
  again.run({ steps: Number(machine.steps) });
  expect(again.stateHash()).toBe(machine.stateHash());
}

describe("with all CPUs at work", () => {
  test("a breakpoint in 16-bit code stops whichever CPU comes to it", () => {
    on.setBreakpoint(OTHERS_LOOP);
    const stops = Array.from({ length: 30_000 }, goOn);
    expect(new Set(stops.map(({ cpu }) => cpu))).toEqual(new Set([1, 2]));
    expect(new Set(stops.map(({ reason }) => reason))).toEqual(new Set(["breakpoint"]));
  });
  test("stops leave no trace", async () => {
    on.setBreakpoint(HANDLER);
    on.setWatchpoint({ address: OTHERS_COUNTER, bytes: 2, kind: "write" });
    for (let n = 0; n < 500; n++) expect(["breakpoint", "watchpoint"]).toContain(goOn().reason);
    for (let n = 0; n < 200; n++) step(n % 3);
    on.detach();
    machine.run({ steps: 5 });
    const other = await guestMachine(BUSY, { cpus: 3 });
    other.run({ steps: Number(machine.steps) });
    expect(other.stateHash()).toBe(machine.stateHash());
  });
  test("steps go into an interrupt's handler and out again, and back the same way", async () => {
    on.setBreakpoint(HANDLER);
    goOn();
    const before = counted(TICKS);
    await on.reverseStep(0);
    expect([BUSY_LOOP, BUSY_LOOP + 8n]).toContain(on.cpu(0).rip);
    const interrupted = on.cpu(0).rip;
    const way: string[] = [];
    for (let n = 0; n < 15; n++) {
      way.push(place());
      step(0);
    }
    expect(counted(TICKS)).toBe(before + 1n);
    expect(way.filter((text) => text.includes(HANDLER.toString(16)))).toHaveLength(1);
    expect(way.slice(2).map((text) => BigInt(`0x${text.split(" ")[0]}`))).toContain(interrupted);
    for (const expected of way.reverse()) {
      await on.reverseStep(0);
      expect(place()).toBe(expected);
    }
  });
  test("continuing backwards finds the stops of all CPUs, last one first", async () => {
    on.setBreakpoint(HANDLER);
    on.setWatchpoint({ address: TICKS, bytes: 8, kind: "write" });
    const forth: string[] = [];
    for (let n = 0; n < 12; n++) {
      const { reason, cpu } = goOn();
      if (reason === "breakpoint") forth.push(`${cpu} ${place()}`);
    }
    on.clearWatchpoint({ address: TICKS, bytes: 8, kind: "write" });
    for (const expected of forth.reverse()) {
      const { reason, cpu } = await on.reverseContinue(0, () => false);
      expect(`${reason} ${cpu} ${place()}`).toBe(`breakpoint ${expected}`);
    }
  });
});

describe("CPUs that are held", () => {
  test("execute nothing while another is stepped, and go on afterwards", () => {
    const others = counted(OTHERS_COUNTER, 2);
    const own = counted(BUSY_COUNTER);
    for (let n = 0; n < 30_000; n++) step(0, 0b110n);
    expect(counted(OTHERS_COUNTER, 2)).toBe(others);
    expect(counted(BUSY_COUNTER)).toBeGreaterThan(own + 14_000n);
    expect(counted(TICKS)).toBeGreaterThan(200n);
    goOnFor(20);
    expect(counted(OTHERS_COUNTER, 2)).not.toBe(others);
  });
  test("are not let in by the end of another's turn, nor by their own interrupts", () => {
    const own = counted(BUSY_COUNTER);
    const ticks = counted(TICKS);
    on.setBreakpoint(OTHERS_LOOP);
    for (let n = 0; n < 30_000; n++) expect(goOn(0b101n).cpu).toBe(1);
    expect([counted(BUSY_COUNTER), counted(TICKS)]).toEqual([own, ticks]);
    on.clearBreakpoint(OTHERS_LOOP);
    // What has come for CPU 0 meanwhile has waited.
    on.setBreakpoint(HANDLER);
    expect(goOn()).toEqual({ reason: "breakpoint", cpu: 0 });
    expect(counted(BUSY_COUNTER)).toBe(own);
  });
  test("change nothing as long as they wouldn't have executed", () => {
    on.setBreakpoint(HANDLER);
    for (let n = 0; n < 50; n++) {
      goOn();
      expect(step(0, 0b110n).reason).toBe("step");
    }
    expect(machine.journal.entries).toEqual([]);
  });
  test("are in the journal: its replay holds them, too", async () => {
    for (let n = 0; n < 300; n++) step(n % 3, 7n & ~(1n << BigInt(n % 3)));
    goOnFor(3);
    for (let n = 0; n < 7; n++) step(2, 0b011n);
    expect(machine.journal.entries.length).toBeGreaterThan(2);
    await expectReplay();
  });
  test("are held on the way back, too", async () => {
    const way: string[] = [];
    for (let n = 0; n < 60; n++) {
      const cpu = Math.floor(n / 10) % 3;
      step(cpu, 7n & ~(1n << BigInt(cpu)));
      way.push(`${cpu} ${place()}`);
    }
    for (let n = 59; n > 50; n--) {
      const cpu = Math.floor(n / 10) % 3;
      expect(`${cpu} ${place()}`).toBe(way[n]);
      await on.reverseStep(cpu);
    }
  });
  test("are all free when the debugger has gone", () => {
    goOnFor(3);
    step(0, 0b110n);
    step(1, 0b101n);
    on.detach();
    const others = counted(OTHERS_COUNTER, 2);
    const own = counted(BUSY_COUNTER);
    machine.run({ steps: 10 });
    expect(counted(OTHERS_COUNTER, 2)).not.toBe(others);
    expect(counted(BUSY_COUNTER)).toBeGreaterThan(own);
  });

  function goOnFor(steps: number): void {
    on.beginContinue(0);
    on.advance(0, NEVER, steps);
  }
});
