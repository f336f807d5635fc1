/** Machine code runs: exact counts, both privileges, faults where they belong. */
import { beforeEach, describe, expect, test } from "vitest";
import { CODE, CodeBench, DATA } from "../../host/testing/code.ts";
import { UNMAPPED } from "../../host/testing/longmode.ts";

let on: CodeBench;
beforeEach(async () => {
  on = await CodeBench.create();
});

/** Adds 1 to 10 into RAX through memory: xor; mov ecx, 10; L: add [rdi], rcx; dec; jnz L; load. */
const SUM = `
  48 c7 07 00 00 00 00
  b9 0a 00 00 00
  48 01 0f
  48 ff c9
  75 f8
  48 8b 07`;
const SUM_INSTRUCTIONS = 2 + 10 * 3 + 1;

describe("a program of moves, sums, stores and a loop", () => {
  test("gives its result in ring 0 and counts every instruction", () => {
    // One more is HLT.
    expect(on.execute(SUM, { rdi: BigInt(DATA) })).toBe(SUM_INSTRUCTIONS + 1);
    expect(on.cpu.rax).toBe(55n);
    expect(on.cpu.activity).toBe(2);
  });
  test("gives the same in ring 3, up to the instruction that is not allowed there", () => {
    on.put(`${SUM} f4`);
    on.on.goToUser(BigInt(CODE));
    on.cpu.rdi = BigInt(DATA);
    const { retired } = on.cpu;
    on.run();
    expect(on.cpu.rax).toBe(55n);
    expect(Number(on.cpu.retired - retired)).toBe(SUM_INSTRUCTIONS);
    on.on.bench.step();
    expect(on.on.entered[0]).toMatchObject({ entry: 13, errorCode: 0, cpl: 0 });
    expect(on.on.entered[0]?.frame[0]).toBe(BigInt(CODE + 23));
  });
  test("can be stopped before any of its instructions, and goes on there", () => {
    on.put(`${SUM} f4`);
    const { cpu } = on;
    cpu.rdi = BigInt(DATA);
    for (let cycles = 1; cycles <= SUM_INSTRUCTIONS; cycles++) {
      cpu.rip = BigInt(CODE);
      const { clock } = cpu;
      on.run(cycles);
      expect(cpu.clock - clock).toBe(BigInt(cycles));
      on.run(SUM_INSTRUCTIONS - cycles);
      expect(cpu.rax).toBe(55n);
      expect(cpu.rip).toBe(BigInt(CODE + 23));
      cpu.rax = 0n;
    }
  });
});

describe("a fault inside a block", () => {
  test("names its instruction, whose effects and followers have not happened", () => {
    // inc rbx; mov rax, [rdi]; inc rbx: the load is of memory that isn't mapped.
    on.put("48 ff c3  48 8b 07  48 ff c3 f4");
    on.cpu.rbx = 0n;
    on.cpu.rax = 7n;
    on.cpu.rdi = BigInt(UNMAPPED + 0x123);
    on.run();
    expect([on.cpu.rbx, on.cpu.rax, on.cpu.cr2]).toEqual([1n, 7n, BigInt(UNMAPPED + 0x123)]);
    on.on.bench.step();
    expect(on.on.entered[0]).toMatchObject({ entry: 14, errorCode: 0 });
    expect(on.on.entered[0]?.frame[0]).toBe(BigInt(CODE + 3));
  });
  test("of the fetch of the second page of an instruction is at that page", () => {
    // mov rax, imm64 begins three bytes before the last mapped byte's end.
    on.put("48 b8 11", UNMAPPED - 3);
    on.cpu.rip = BigInt(UNMAPPED - 3);
    on.run();
    expect(on.cpu.cr2).toBe(BigInt(UNMAPPED));
    on.on.bench.step();
    expect(on.on.entered[0]?.frame[0]).toBe(BigInt(UNMAPPED - 3));
  });
});
