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

describe("what AC allows and forbids", () => {
  const AC = 0x4_0000n;
  test("with SMAP a kernel reaches user pages while it is set, and not a moment longer", () => {
    on.on.bench.do.writeControl(4, 0x20_0020n);
    on.put("48 8b 07 f4");
    on.cpu.rdi = BigInt(DATA);
    const load = (flags: bigint) => {
      on.cpu.pendingException = 0;
      on.cpu.rip = BigInt(CODE);
      on.cpu.rflags = 2n | flags;
      on.run(1);
      return on.cpu.pendingException - 1;
    };
    expect([load(0n), load(AC), load(AC), load(0n), load(AC)]).toEqual([14, -1, -1, 14, -1]);
  });
  test("in ring 3, with AM, each access that isn't aligned is #AC, however often", () => {
    on.on.bench.do.writeControl(0, 0x8005_0011n);
    // mov eax, [rdi]; mov ax, [rdi]; mov al, [rdi]
    on.put("8b 07 66 8b 07 8a 07 90");
    on.on.goToUser(BigInt(CODE));
    on.cpu.rflags |= AC;
    const load = (offset: number, address: bigint) => {
      on.cpu.pendingException = 0;
      on.cpu.rip = BigInt(CODE + offset);
      on.cpu.rdi = address;
      on.run(1);
      return on.cpu.pendingException - 1;
    };
    const at = BigInt(DATA);
    expect([load(0, at), load(0, at + 4n), load(0, at + 2n)]).toEqual([-1, -1, 17]);
    expect([load(0, at + 2n), load(2, at + 2n), load(2, at + 1n)]).toEqual([17, -1, 17]);
    expect(load(5, at + 1n)).toBe(-1);
    expect(on.cpu.pendingErrorCode).toBe(0);
  });
});

describe("STI", () => {
  const SVR = 0xfee0_00f0n;
  /** Code with an STI, and how far behind the code's start an interrupt that waits comes. */
  const comesAt = (code: string, cycles: number): number => {
    const { bench, entered } = on.on;
    entered.length = 0;
    on.exports.physicalWrite(SVR, 4, 0x1ffn);
    on.exports.deliverMessage(0xfee0_0000n, 0x40);
    on.put(`${code} 90 90 90 eb fe`);
    Object.assign(on.cpu, { rip: BigInt(CODE), rflags: 2n, activity: 1, interruptShadow: 0 });
    for (let n = 0; n < 20 && on.on.entered.length === 0; n++) on.run(cycles);
    bench.machine.state.running = 0;
    on.exports.physicalWrite(0xfee0_00b0n, 4, 0n);
    expect(on.on.entered[0]?.entry).toBe(0x40);
    return Number((on.on.entered[0]?.frame[0] ?? 0n) - BigInt(CODE));
  };

  test.each([1, 2, 3, 7, 1000])(
    "lets an interrupt in behind the next instruction, in turns of %i cycles",
    (cycles) => {
      expect(comesAt("90 fb", cycles)).toBe(3);
      // CLI in its shadow: it never comes there, but with the next STI.
      expect(comesAt("fb fa 90 90 fb", cycles)).toBe(6);
      // A second STI is no shadow of its own.
      expect(comesAt("fb fb", cycles)).toBe(2);
    },
  );
});
