/** Guests that misbehave in every mode: whatever they do, the machine and the host stay intact. */
import { describe, expect, test } from "vitest";
import { loadModules } from "../modules.ts";
import { guestMachine } from "../testing/guest64.ts";
import { runApart } from "./apart.ts";
import { drawGuest } from "./draw.ts";
import { MODES } from "./layout.ts";
import { runHostile } from "./run.ts";

const GUESTS = 48;
/** Where the soak begins, these end. */
const FIRST = 1;
const UNTIL = 40_000;
const MEMORY_MAX = 1 << 30;

describe("guests of random bytes, instructions and tables", () => {
  test("end as a machine can, write nowhere but to RAM, and do the same in pieces", async () => {
    const { failures, memory } = await runApart(FIRST, GUESTS, { until: UNTIL });
    expect(failures).toEqual([]);
    expect(memory).toBeLessThan(MEMORY_MAX);
  });

  test("execute a lot in every mode, and catch many faults", async () => {
    const modules = await loadModules();
    const interrupts = new Map<string, bigint>();
    const instructions = new Map<string, bigint>();
    for (let seed = FIRST; seed < FIRST + GUESTS; seed++) {
      const guest = drawGuest(seed);
      const { mode } = guest.kernel;
      if ((interrupts.get(mode) ?? 0n) > 20n) continue;
      const outcome = await runHostile(guest, modules, BigInt(UNTIL));
      interrupts.set(mode, (interrupts.get(mode) ?? 0n) + outcome.interrupts);
      instructions.set(mode, (instructions.get(mode) ?? 0n) + outcome.instructions);
    }
    for (const mode of MODES) {
      expect(interrupts.get(mode), mode).toBeGreaterThan(20n);
      expect(instructions.get(mode), mode).toBeGreaterThan(100n);
    }
  });

  test("leave a process in which an honest guest runs as ever", async () => {
    const modules = await loadModules();
    await runHostile(drawGuest(FIRST), modules, BigInt(UNTIL));
    // mov ecx, 1000; xor eax, eax; L: add eax, ecx; loop L; mov dx, 501h; out dx, eax; hlt
    const sum = "b9e8030000 31c0 01c8 e2fc 66ba0105 ef f4";
    const machine = await guestMachine(sum, { debugExit: 0x501, modules });
    expect(machine.run({ until: 1_000_000n })).toBe("debug-exit");
    expect(machine.state.debugExitValue).toBe(500_500);
  });
});
