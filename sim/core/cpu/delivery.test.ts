/** Interrupts and exceptions, as SDM 3A chapter 6 describes their delivery in IA-32e mode. */
import { beforeEach, describe, expect, test } from "vitest";
import {
  IDLE,
  IDT,
  INTERRUPT_GATE,
  IST1,
  KERNEL_CODE,
  KERNEL_DATA,
  KERNEL_STACK,
  LongModeBench,
  TASK,
  TRAP_GATE,
  TSS,
  UNMAPPED,
} from "../../host/testing/longmode.ts";
import type { ProcessorBench } from "../../host/testing/processor.ts";
import { ENTRY_IDLE } from "../../spec/entries.ts";
import { STOP_STEPS, STOP_TRIPLE_FAULT } from "../../spec/stops.ts";

const IF = 0x200n;
const USER_RIP = 0x40_0000n;

let on: LongModeBench;
let bench: ProcessorBench;

beforeEach(async () => {
  on = await LongModeBench.create();
  bench = on.bench;
});

describe("the frame", () => {
  test("holds SS, RSP, RFLAGS, CS, RIP below the stack's top, aligned to 16 bytes", () => {
    bench.cpu.rsp = KERNEL_STACK + 9n;
    bench.cpu.rflags = 0x246n;
    on.nmi();
    expect(bench.step()).toBe(STOP_STEPS);
    expect(on.entered).toEqual([
      {
        entry: 2,
        errorCode: 0,
        rsp: KERNEL_STACK - 40n,
        rflags: 0x46n,
        cs: KERNEL_CODE,
        ss: KERNEL_DATA,
        cpl: 0,
        frame: [IDLE, 8n, 0x246n, KERNEL_STACK + 9n, 0x10n],
      },
    ]);
  });
  test("is undone by IRETQ, to the bit", () => {
    bench.cpu.rsp = KERNEL_STACK + 9n;
    bench.cpu.rflags = 0x246n;
    on.nmi();
    bench.step();
    const { rsp, rip, rflags } = bench.cpu;
    expect([rsp, rip, rflags]).toEqual([KERNEL_STACK + 9n, IDLE, 0x246n]);
  });
  test("of an exception with an error code gives the handler both, and RF in the saved flags", () => {
    on.exception(13, 0x1234);
    bench.step();
    expect(on.entered[0]).toMatchObject({ entry: 13, errorCode: 0x1234, rsp: KERNEL_STACK - 40n });
    expect(on.entered[0]?.frame[2]).toBe(0x1_0002n);
    expect(bench.read64(Number(KERNEL_STACK) - 48)).toBe(0x1234n);
    expect(bench.cpu.rsp).toBe(KERNEL_STACK);
  });
  test.each([
    [0, false],
    [6, false],
    [8, true],
    [10, true],
    [11, true],
    [12, true],
    [13, true],
    [14, true],
    [16, false],
    [17, true],
    [18, false],
  ])("of vector %i has an error code: %s", (vector, has) => {
    on.exception(vector, 0);
    bench.step();
    expect(on.entered[0]?.rsp).toBe(KERNEL_STACK - 40n);
    expect(bench.cpu.rsp).toBe(KERNEL_STACK);
    bench.write64(Number(KERNEL_STACK) - 48, 0xdeadn);
    on.exception(vector, 0);
    bench.step();
    expect(bench.read64(Number(KERNEL_STACK) - 48)).toBe(has ? 0n : 0xdeadn);
  });
});

describe("the gate", () => {
  test("of interrupt type clears IF, of trap type keeps it", () => {
    on.gate(6, TRAP_GATE);
    bench.cpu.rflags = 0x302n | IF;
    on.exception(6);
    bench.step();
    expect(on.entered[0]?.rflags).toBe(0x202n);
    on.gate(6, INTERRUPT_GATE);
    on.exception(6);
    bench.step();
    expect(on.entered[1]?.rflags).toBe(0x2n);
  });
  test.each([
    ["is absent", 0x0e, 11],
    ["has a type that isn't a gate", 0x85, 13],
    ["is a 16-bit gate", 0x86, 13],
  ])("that %s: the fault's code names it, with IDT and EXT", (_, type, vector) => {
    on.gate(6, type);
    on.exception(6);
    bench.step();
    expect(on.entered[0]).toMatchObject({ entry: vector, errorCode: 6 * 8 + 3 });
  });
  test("must lie within the limit, to its last byte", () => {
    bench.do.loadIdt(BigInt(IDT), 0x20 * 16 - 1);
    on.exception(0x1f);
    bench.step();
    expect(on.entered[0]).toMatchObject({ entry: 0x1f });
    bench.do.loadIdt(BigInt(IDT), 0x20 * 16 - 2);
    on.exception(0x1f);
    bench.step();
    expect(on.entered[1]).toMatchObject({ entry: 13, errorCode: 0x1f * 8 + 3 });
  });
  test.each([
    ["null", 0, 1],
    ["beyond the GDT", 0x38, 0x39],
    ["a data segment", KERNEL_DATA, KERNEL_DATA + 1],
    ["a code segment of lower privilege", 0x18, 0x19],
  ])("with a selector that is %s: #GP of it", (_, selector, errorCode) => {
    on.gate(6, INTERRUPT_GATE, 0, selector);
    on.exception(6);
    bench.step();
    expect(on.entered[0]).toMatchObject({ entry: 13, errorCode });
  });
});

describe("the stack", () => {
  test("is the IST's when the gate names one", () => {
    on.gate(2, INTERRUPT_GATE, 1);
    on.nmi();
    bench.step();
    expect(on.entered[0]).toMatchObject({ rsp: IST1 - 40n, ss: KERNEL_DATA });
  });
  test("is RSP0 when user code is interrupted, and SS is null", () => {
    on.goToUser(USER_RIP);
    on.nmi();
    bench.step();
    expect(on.entered[0]).toMatchObject({ entry: 2, rsp: 0x33_0000n - 40n, ss: 0, cs: 8, cpl: 0 });
    expect(on.entered[0]?.frame).toEqual([0x40_0000n, 0x1bn, 0x202n, 0x30_0000n, 0x23n]);
    expect([bench.cpu.cpl, bench.cpu.rsp]).toEqual([3, 0x30_0000n]);
  });
  test("beyond the TSS's limit is #TS of the task", () => {
    bench.cpu.segmentsAt(7).limit = 36 + 6;
    on.gate(2, INTERRUPT_GATE, 1);
    on.nmi();
    bench.step();
    expect(on.entered[0]).toMatchObject({ entry: 10, errorCode: TASK + 1 });
  });
  test("at an address that isn't canonical is #SS", () => {
    bench.write64(TSS + 36, 1n << 47n);
    on.gate(2, INTERRUPT_GATE, 1);
    on.nmi();
    bench.step();
    expect(on.entered[0]).toMatchObject({ entry: 12, errorCode: 1 });
  });
});

describe("a fault in a delivery", () => {
  const unmappedStack = () => {
    bench.cpu.rsp = BigInt(UNMAPPED) + 0x1000n;
    on.gate(14, INTERRUPT_GATE, 1);
    on.gate(8, INTERRUPT_GATE, 1);
    on.gate(13, INTERRUPT_GATE, 1);
  };
  test("of an interrupt is delivered as itself: #PF with the pushed address", () => {
    unmappedStack();
    on.nmi();
    bench.step();
    expect(on.entered[0]).toMatchObject({ entry: 14, errorCode: 2 });
    expect(bench.cpu.cr2).toBe(BigInt(UNMAPPED) + 0xff8n);
  });
  test.each([
    // first, what the delivery meets, the outcome (SDM 3A, table 6-5)
    ["#DE, then #PF", 0, "stack", 14],
    ["#DE, then #GP", 0, "type", 8],
    ["#UD, then #GP", 6, "type", 13],
    ["#GP, then #NP", 13, "absent", 8],
    ["#PF, then #GP", 14, "type", 8],
    ["#PF, then #PF", 14, "stack", 8],
    ["#AC, then #NP", 17, "absent", 11],
  ])("%s", (_, first, trouble, outcome) => {
    unmappedStack();
    on.gate(11, INTERRUPT_GATE, 1);
    if (trouble === "stack") on.gate(first, INTERRUPT_GATE);
    if (trouble === "type") on.gate(first, 0x85, 1);
    if (trouble === "absent") on.gate(first, 0x0e, 1);
    on.exception(first);
    expect(bench.step()).toBe(STOP_STEPS);
    expect(on.entered[0]).toMatchObject({ entry: outcome });
    if (outcome === 8) expect(on.entered[0]?.errorCode).toBe(0);
  });
  test("of a double fault stops the machine", () => {
    on.gate(8, 0x0e);
    on.exception(8);
    expect(bench.step()).toBe(STOP_TRIPLE_FAULT);
    expect(on.entered).toEqual([]);
    expect(bench.cpu.activity).toBe(3);
  });
  test("before there is an IDT stops the machine", () => {
    bench.do.loadIdt(0n, 0);
    on.nmi();
    expect(bench.step()).toBe(STOP_TRIPLE_FAULT);
  });
});

describe("NMIs", () => {
  test("wait until IRET, and then come", () => {
    on.nmi();
    on.handler = () => {
      if (on.entered.length === 1) on.nmi();
    };
    bench.step();
    expect(on.entered.map(({ entry }) => entry)).toEqual([2]);
    bench.step();
    expect(on.entered.map(({ entry }) => entry)).toEqual([2, 2]);
    bench.step();
    expect(on.entered.map(({ entry }) => entry)).toEqual([2, 2, ENTRY_IDLE]);
  });
  test("wake a halted CPU", () => {
    on.handler = () => {
      bench.machine.state.running = 0;
      bench.do.halt();
    };
    bench.step();
    expect(bench.cpu.activity).toBe(2);
    on.handler = () => undefined;
    on.nmi();
    bench.step();
    expect(on.entered.map(({ entry }) => entry)).toEqual([ENTRY_IDLE, 2]);
    expect([bench.cpu.activity, bench.cpu.rip]).toEqual([1, IDLE]);
  });
});

describe("interrupts of the local APIC", () => {
  const EOI = 0x80b;
  const SELF_IPI = 0x83f;
  beforeEach(() => {
    bench.do.writeMsr(0x1b, 0xfee0_0d00n);
    bench.do.writeMsr(0x80f, 0x1ffn);
    bench.cpu.rflags = 0x202n;
  });
  const entries = () => on.entered.map(({ entry }) => entry);
  test("come while IF is set, and not before", () => {
    bench.cpu.rflags = 2n;
    bench.do.writeMsr(SELF_IPI, 0x51n);
    bench.step();
    expect(entries()).toEqual([ENTRY_IDLE]);
    bench.do.enableInterrupts();
    bench.step();
    expect(entries()).toEqual([ENTRY_IDLE, 0x51]);
    expect(on.entered[1]?.frame[2]).toBe(0x202n);
  });
  test("wait for those of the same class, and for NMI to go first", () => {
    bench.do.writeMsr(SELF_IPI, 0x51n);
    bench.do.writeMsr(SELF_IPI, 0x61n);
    on.nmi();
    on.handler = (entry) => {
      if (entry === 0x61) bench.do.writeMsr(SELF_IPI, 0x62n);
      if (entry === 0x51) bench.do.writeMsr(EOI, 0n);
    };
    for (let n = 0; n < 3; n++) bench.step();
    expect(entries()).toEqual([2, 0x61, ENTRY_IDLE]);
    bench.do.writeMsr(EOI, 0n);
    for (let n = 0; n < 3; n++) bench.step();
    expect(entries().slice(3)).toEqual([0x62, ENTRY_IDLE, ENTRY_IDLE]);
    bench.do.writeMsr(EOI, 0n);
    bench.step();
    expect(entries().at(-1)).toBe(0x51);
  });
  test("wake a halted CPU only while IF is set", () => {
    on.handler = () => {
      bench.machine.state.running = 0;
      bench.do.halt();
    };
    bench.cpu.rflags = 2n;
    bench.step();
    bench.do.writeMsr(SELF_IPI, 0x51n);
    const idle = bench.machine.core.sim.run(bench.machine.state.now + 1_000_000n, 1000);
    expect(idle).not.toBe(STOP_STEPS);
    expect(entries()).toEqual([ENTRY_IDLE]);
    bench.cpu.rflags = 0x202n;
    on.handler = () => undefined;
    bench.step();
    expect(entries()).toEqual([ENTRY_IDLE, 0x51]);
  });
});

describe("an exception that the kernel's own instruction raises", () => {
  test("is delivered when the entry has returned, the first one only", () => {
    on.handler = (entry) => {
      if (entry !== ENTRY_IDLE) return;
      bench.do.writeMsr(0x1234_5678, 0n);
      bench.do.loadVirtual(BigInt(UNMAPPED), 8);
    };
    bench.step();
    on.handler = () => undefined;
    bench.step();
    expect(on.entered.map(({ entry }) => entry)).toEqual([ENTRY_IDLE, 13]);
    expect(on.entered[1]?.frame[0]).toBe(IDLE);
    expect(bench.cpu.pendingException).toBe(0);
  });
  test("leaves the address of a page fault in CR2", () => {
    on.handler = (entry) => {
      if (entry === ENTRY_IDLE) bench.do.storeVirtual(BigInt(UNMAPPED) + 7n, 1, 0n);
    };
    bench.step();
    bench.step();
    expect(on.entered[1]).toMatchObject({ entry: 14, errorCode: 2 });
    expect(bench.cpu.cr2).toBe(BigInt(UNMAPPED) + 7n);
  });
});
