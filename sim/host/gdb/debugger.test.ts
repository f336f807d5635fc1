/** A debugger stops a machine anywhere, without changing what it does, and takes it back. */
import { beforeEach, describe, expect, test } from "vitest";
import { NEVER } from "../engine.ts";
import type { Machine } from "../machine.ts";
import { CALL, COUNTER, COUNTING, FUNCTION, LOOP, STORE } from "../testing/counting.ts";
import { GUEST_CODE, guestMachine } from "../testing/guest64.ts";
import type { Debugger, Stop } from "./debugger.ts";

let machine: Machine;
let on: Debugger;
beforeEach(async () => {
  machine = await guestMachine(COUNTING);
  on = machine.debugger;
  on.attach();
});

/** Runs until something stops it. */
function forwards(cpu = 0): Stop {
  for (let n = 0; n < 1000; n++) {
    const { stop } = on.advance(cpu, NEVER, 1000);
    if (stop) return stop;
  }
  throw new Error("nothing stops it");
}

function step(): bigint {
  on.beginStep(0);
  expect(forwards().reason).toBe("step");
  return on.cpu(0).rip;
}

function goOn(): Stop {
  on.beginContinue(0);
  return forwards();
}

describe("stepping", () => {
  test("goes from instruction to instruction", () => {
    const places = Array.from({ length: 9 }, () => Number(step()) - GUEST_CODE);
    expect(places).toEqual([0x7, 0x9, 0x10, 0x13, 0x16, 0x20, 0x24, 0x1b, 0x10]);
  });
  test("comes to where the machine comes without", async () => {
    for (let n = 0; n < 30_000; n++) step();
    on.detach();
    machine.run({ steps: 3 });
    const other = await guestMachine(COUNTING);
    other.run({ steps: Number(machine.steps) });
    expect(other.stateHash()).toBe(machine.stateHash());
  });
});

describe("a breakpoint", () => {
  test("stops in front of its instruction, each time", () => {
    expect(on.setBreakpoint(FUNCTION)).toBe(true);
    for (let count = 1n; count <= 5_000n; count++) {
      expect(goOn()).toEqual({ reason: "breakpoint", cpu: 0 });
      const { rip, rcx } = on.cpu(0);
      expect([rip, rcx]).toEqual([FUNCTION, count]);
    }
  });
  test("is not seen by the machine", async () => {
    on.setBreakpoint(FUNCTION);
    for (let n = 0; n < 5_000; n++) goOn();
    on.detach();
    machine.run({ steps: 5 });
    const other = await guestMachine(COUNTING);
    other.run({ steps: Number(machine.steps) });
    expect(other.stateHash()).toBe(machine.stateHash());
  });
});

describe("a watchpoint", () => {
  test.each(["write", "access"] as const)("for %s stops behind the store", (kind) => {
    on.setWatchpoint({ address: COUNTER, bytes: 8, kind });
    for (let count = 1n; count <= 2_000n; count++) {
      expect(goOn()).toMatchObject({ reason: "watchpoint", cpu: 0, watchpoint: { kind } });
      const { rip, rcx } = on.cpu(0);
      expect([rip, rcx]).toEqual([CALL, count]);
    }
  });
  test("for reading sees what RET reads, and stops there", () => {
    on.setWatchpoint({ address: 0x11f_fff8n, bytes: 8, kind: "read" });
    expect(goOn().reason).toBe("watchpoint");
    expect(Number(on.cpu(0).rip) - GUEST_CODE).toBe(0x1b);
  });
  test("on other bytes of the page stops nothing", () => {
    on.setWatchpoint({ address: COUNTER + 8n, bytes: 8, kind: "access" });
    on.beginContinue(0);
    expect(on.advance(0, NEVER, 20).stop).toBeNull();
    expect(on.cpu(0).rcx).toBeGreaterThan(10_000n);
  });
});

describe("backwards", () => {
  test("each step lands on the state that was there", async () => {
    on.setBreakpoint(STORE);
    for (let n = 0; n < 6_600; n++) goOn();
    const states: string[] = [];
    for (let n = 0; n < 40; n++) {
      states.push(`${on.cpu(0).rip.toString(16)} ${machine.stateHash()}`);
      step();
    }
    for (const state of states.reverse()) {
      expect(await on.reverseStep(0)).toEqual({ reason: "step", cpu: 0 });
      expect(`${on.cpu(0).rip.toString(16)} ${machine.stateHash()}`).toBe(state);
    }
  });
  test("continuing stops at the last breakpoint before, and at the beginning", async () => {
    on.setBreakpoint(LOOP);
    for (let n = 0; n < 4_000; n++) goOn();
    const hash = machine.stateHash();
    goOn();
    expect(await on.reverseContinue(0, () => false)).toEqual({ reason: "breakpoint", cpu: 0 });
    expect(machine.stateHash()).toBe(hash);
    on.clearBreakpoint(LOOP);
    expect((await on.reverseContinue(0, () => false)).reason).toBe("history-begin");
    expect([on.cpu(0).rip, machine.steps]).toEqual([BigInt(GUEST_CODE), 0n]);
    expect((await on.reverseStep(0)).reason).toBe("history-begin");
  });
  test("a watched store is undone", async () => {
    for (let n = 0; n < 5; n++) step();
    on.setWatchpoint({ address: COUNTER, bytes: 8, kind: "write" });
    for (let n = 0; n < 3_000; n++) goOn();
    expect((await on.reverseContinue(0, () => false)).reason).toBe("watchpoint");
    expect([on.cpu(0).rip, on.cpu(0).rcx]).toEqual([STORE, 3_001n]);
    expect(machine.virtual().read(COUNTER, 2)).toEqual(Uint8Array.of(3_000 & 0xff, 3_000 >> 8));
  });
});
