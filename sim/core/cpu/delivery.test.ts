/**
 * Interrupts and exceptions, as SDM 3A chapter 6 describes their delivery in IA-32e mode: tables
 * are built in RAM by hand, and the kernel is a function that looks at the state it is entered in.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { ProcessorBench } from "../../host/testing/processor.ts";
import { ENTRY_BYTES, ENTRY_IDLE, ENTRY_START } from "../../spec/entries.ts";
import { STOP_STEPS, STOP_TRIPLE_FAULT } from "../../spec/stops.ts";

const TEXT = 0xffff_ffff_8000_0000n;
const PML4 = 0x10_0000;
const GDT = 0x11_0000;
const TSS = 0x11_1000;
const IDT = 0x11_2000;
const KERNEL_STACK = 0x12_0000n;
const RSP0 = 0x13_0008n;
const IST1 = 0x14_0000n;
const KERNEL_CODE = 0x08;
const KERNEL_DATA = 0x10;
const USER_CODE = 0x1b;
const USER_DATA = 0x23;
const TASK = 0x28;
const UNMAPPED = 0x80_0000;
const INTERRUPT_GATE = 0x8e;
const TRAP_GATE = 0x8f;
const IDLE = TEXT + BigInt(ENTRY_IDLE * ENTRY_BYTES);
const IF = 0x200n;

interface Entered {
  readonly entry: number;
  readonly errorCode: number;
  readonly rsp: bigint;
  readonly rflags: bigint;
  readonly cs: number;
  readonly ss: number;
  readonly cpl: number;
  /** RIP, CS, RFLAGS, RSP, SS. */
  readonly frame: bigint[];
}

let bench: ProcessorBench;
let entered: Entered[];
let handler: (entry: number) => void;

function gate(vector: number, type: number, ist = 0, selector = KERNEL_CODE): void {
  const target = TEXT + BigInt(vector * ENTRY_BYTES);
  const low =
    (target & 0xffffn) |
    (BigInt(selector) << 16n) |
    (BigInt(ist) << 32n) |
    (BigInt(type) << 40n) |
    (((target >> 16n) & 0xffffn) << 48n);
  bench.write64(IDT + vector * 16, low);
  bench.write64(IDT + vector * 16 + 8, target >> 32n);
}

/** Identity-maps the first 8 MiB for everyone, but for the page at `UNMAPPED`. */
function buildTables(): void {
  bench.write64(PML4, BigInt(PML4 + 0x1000) | 7n);
  bench.write64(PML4 + 0x1000, BigInt(PML4 + 0x2000) | 7n);
  for (let n = 0; n < 4; n++) bench.write64(PML4 + 0x2000 + 8 * n, BigInt(n * 0x20_0000) | 0x87n);
  const descriptors = [
    0n,
    0x00af_9b00_0000_ffffn,
    0x00cf_9300_0000_ffffn,
    0x00af_fb00_0000_ffffn,
    0x00cf_f300_0000_ffffn,
    0x0000_8900_0000_0067n | (BigInt(TSS & 0xff_ffff) << 16n),
    0n,
  ];
  descriptors.forEach((descriptor, n) => void bench.write64(GDT + 8 * n, descriptor));
  bench.write64(TSS + 4, RSP0);
  bench.write64(TSS + 36, IST1);
  for (let vector = 0; vector < 256; vector++) gate(vector, INTERRUPT_GATE);
}

/** As the kernel does it: tables, long mode, segments, stack. */
function enterLongMode(): void {
  const { do: instructions, cpu } = bench;
  instructions.writeControl(0, 0x1_0011n);
  instructions.writeControl(4, 0x20n);
  instructions.writeControl(3, BigInt(PML4));
  instructions.writeMsr(0xc000_0080, 0x900n);
  instructions.writeControl(0, 0x8001_0011n);
  instructions.loadGdt(BigInt(GDT), 0x37);
  instructions.loadSegment(1, KERNEL_CODE);
  instructions.loadSegment(2, KERNEL_DATA);
  instructions.loadTask(TASK);
  instructions.loadIdt(BigInt(IDT), 0xfff);
  instructions.writeRegister(4, KERNEL_STACK);
  cpu.rip = IDLE;
  cpu.activity = 1;
  expect(bench.takeException()).toBe(-1);
}

beforeEach(async () => {
  bench = await ProcessorBench.create();
  entered = [];
  handler = () => undefined;
  buildTables();
  enterLongMode();
  bench.setKernel((_, entry, errorCode) => {
    const { cpu } = bench;
    const frame = [0, 8, 16, 24, 32].map((at) =>
      cpu.rsp < 0x80_0000n ? bench.read64(Number(cpu.rsp) + at) : 0n,
    );
    const { rsp, rflags, cpl } = cpu;
    const cs = cpu.segmentsAt(1).selector;
    const ss = cpu.segmentsAt(2).selector;
    entered.push({ entry, errorCode, rsp, rflags, cs, ss, cpl, frame });
    handler(entry);
  });
});

function exception(vector: number, errorCode = 0): void {
  bench.cpu.pendingException = vector + 1;
  bench.cpu.pendingErrorCode = errorCode;
}

function nmi(): void {
  bench.cpu.pendingNmi = 1;
}

/** Puts the CPU at CPL 3, at an address where nothing is mapped. */
function goToUser(rip = 0x40_0000n): void {
  const stack = Number(KERNEL_STACK) - 40;
  [rip, BigInt(USER_CODE), 0x202n, 0x30_0000n, BigInt(USER_DATA)].forEach(
    (word, n) => void bench.write64(stack + 8 * n, word),
  );
  bench.cpu.rsp = BigInt(stack);
  bench.cpu.rip = TEXT + BigInt(0x80 * ENTRY_BYTES);
  bench.step();
  expect([bench.cpu.cpl, bench.cpu.rip]).toEqual([3, rip]);
  entered = [];
}

describe("the frame", () => {
  test("holds SS, RSP, RFLAGS, CS, RIP below the stack's top, aligned to 16 bytes", () => {
    bench.cpu.rsp = KERNEL_STACK + 9n;
    bench.cpu.rflags = 0x246n;
    nmi();
    expect(bench.step()).toBe(STOP_STEPS);
    expect(entered).toEqual([
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
    nmi();
    bench.step();
    const { rsp, rip, rflags } = bench.cpu;
    expect([rsp, rip, rflags]).toEqual([KERNEL_STACK + 9n, IDLE, 0x246n]);
  });
  test("of an exception with an error code gives the handler both, and RF in the saved flags", () => {
    exception(13, 0x1234);
    bench.step();
    expect(entered[0]).toMatchObject({ entry: 13, errorCode: 0x1234, rsp: KERNEL_STACK - 40n });
    expect(entered[0]?.frame[2]).toBe(0x1_0002n);
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
    exception(vector, 0);
    bench.step();
    expect(entered[0]?.rsp).toBe(KERNEL_STACK - 40n);
    expect(bench.cpu.rsp).toBe(KERNEL_STACK);
    bench.write64(Number(KERNEL_STACK) - 48, 0xdeadn);
    exception(vector, 0);
    bench.step();
    expect(bench.read64(Number(KERNEL_STACK) - 48)).toBe(has ? 0n : 0xdeadn);
  });
});

describe("the gate", () => {
  test("of interrupt type clears IF, of trap type keeps it", () => {
    gate(6, TRAP_GATE);
    bench.cpu.rflags = 0x302n | IF;
    exception(6);
    bench.step();
    expect(entered[0]?.rflags).toBe(0x202n);
    gate(6, INTERRUPT_GATE);
    exception(6);
    bench.step();
    expect(entered[1]?.rflags).toBe(0x2n);
  });
  test.each([
    ["is absent", 0x0e, 11],
    ["has a type that isn't a gate", 0x85, 13],
    ["is a 16-bit gate", 0x86, 13],
  ])("that %s: the fault's code names it, with IDT and EXT", (_, type, vector) => {
    gate(6, type);
    exception(6);
    bench.step();
    expect(entered[0]).toMatchObject({ entry: vector, errorCode: 6 * 8 + 3 });
  });
  test("must lie within the limit, to its last byte", () => {
    bench.do.loadIdt(BigInt(IDT), 0x20 * 16 - 1);
    exception(0x1f);
    bench.step();
    expect(entered[0]).toMatchObject({ entry: 0x1f });
    bench.do.loadIdt(BigInt(IDT), 0x20 * 16 - 2);
    exception(0x1f);
    bench.step();
    expect(entered[1]).toMatchObject({ entry: 13, errorCode: 0x1f * 8 + 3 });
  });
  test.each([
    ["null", 0, 1],
    ["beyond the GDT", 0x38, 0x39],
    ["a data segment", KERNEL_DATA, KERNEL_DATA + 1],
    ["a code segment of lower privilege", 0x18, 0x19],
  ])("with a selector that is %s: #GP of it", (_, selector, errorCode) => {
    gate(6, INTERRUPT_GATE, 0, selector);
    exception(6);
    bench.step();
    expect(entered[0]).toMatchObject({ entry: 13, errorCode });
  });
});

describe("the stack", () => {
  test("is the IST's when the gate names one", () => {
    gate(2, INTERRUPT_GATE, 1);
    nmi();
    bench.step();
    expect(entered[0]).toMatchObject({ rsp: IST1 - 40n, ss: KERNEL_DATA });
  });
  test("is RSP0 when user code is interrupted, and SS is null", () => {
    goToUser();
    nmi();
    bench.step();
    expect(entered[0]).toMatchObject({ entry: 2, rsp: 0x13_0000n - 40n, ss: 0, cs: 8, cpl: 0 });
    expect(entered[0]?.frame).toEqual([0x40_0000n, 0x1bn, 0x202n, 0x30_0000n, 0x23n]);
    expect([bench.cpu.cpl, bench.cpu.rsp]).toEqual([3, 0x30_0000n]);
  });
  test("beyond the TSS's limit is #TS of the task", () => {
    bench.cpu.segmentsAt(7).limit = 36 + 6;
    gate(2, INTERRUPT_GATE, 1);
    nmi();
    bench.step();
    expect(entered[0]).toMatchObject({ entry: 10, errorCode: TASK + 1 });
  });
  test("at an address that isn't canonical is #SS", () => {
    bench.write64(TSS + 36, 1n << 47n);
    gate(2, INTERRUPT_GATE, 1);
    nmi();
    bench.step();
    expect(entered[0]).toMatchObject({ entry: 12, errorCode: 1 });
  });
});

describe("a fault in a delivery", () => {
  const unmappedStack = () => {
    bench.cpu.rsp = BigInt(UNMAPPED) + 0x1000n;
    gate(14, INTERRUPT_GATE, 1);
    gate(8, INTERRUPT_GATE, 1);
    gate(13, INTERRUPT_GATE, 1);
  };
  test("of an interrupt is delivered as itself: #PF with the pushed address", () => {
    unmappedStack();
    nmi();
    bench.step();
    expect(entered[0]).toMatchObject({ entry: 14, errorCode: 2 });
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
    gate(11, INTERRUPT_GATE, 1);
    if (trouble === "stack") gate(first, INTERRUPT_GATE);
    if (trouble === "type") gate(first, 0x85, 1);
    if (trouble === "absent") gate(first, 0x0e, 1);
    exception(first);
    expect(bench.step()).toBe(STOP_STEPS);
    expect(entered[0]).toMatchObject({ entry: outcome });
    if (outcome === 8) expect(entered[0]?.errorCode).toBe(0);
  });
  test("of a double fault stops the machine", () => {
    gate(8, 0x0e);
    exception(8);
    expect(bench.step()).toBe(STOP_TRIPLE_FAULT);
    expect(entered).toEqual([]);
    expect(bench.cpu.activity).toBe(3);
  });
  test("before there is an IDT stops the machine", () => {
    bench.do.loadIdt(0n, 0);
    nmi();
    expect(bench.step()).toBe(STOP_TRIPLE_FAULT);
  });
});

describe("NMIs", () => {
  test("wait until IRET, and then come", () => {
    nmi();
    handler = () => {
      if (entered.length === 1) nmi();
    };
    bench.step();
    expect(entered.map(({ entry }) => entry)).toEqual([2]);
    bench.step();
    expect(entered.map(({ entry }) => entry)).toEqual([2, 2]);
    bench.step();
    expect(entered.map(({ entry }) => entry)).toEqual([2, 2, ENTRY_IDLE]);
  });
  test("wake a halted CPU", () => {
    handler = () => {
      bench.machine.state.running = 0;
      bench.do.halt();
    };
    bench.step();
    expect(bench.cpu.activity).toBe(2);
    handler = () => undefined;
    nmi();
    bench.step();
    expect(entered.map(({ entry }) => entry)).toEqual([ENTRY_IDLE, 2]);
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
  const entries = () => entered.map(({ entry }) => entry);
  test("come while IF is set, and not before", () => {
    bench.cpu.rflags = 2n;
    bench.do.writeMsr(SELF_IPI, 0x51n);
    bench.step();
    expect(entries()).toEqual([ENTRY_IDLE]);
    bench.do.enableInterrupts();
    bench.step();
    expect(entries()).toEqual([ENTRY_IDLE, 0x51]);
    expect(entered[1]?.frame[2]).toBe(0x202n);
  });
  test("wait for those of the same class, and for NMI to go first", () => {
    bench.do.writeMsr(SELF_IPI, 0x51n);
    bench.do.writeMsr(SELF_IPI, 0x61n);
    nmi();
    handler = (entry) => {
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
    handler = () => {
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
    handler = () => undefined;
    bench.step();
    expect(entries()).toEqual([ENTRY_IDLE, 0x51]);
  });
});

describe("an exception that the kernel's own instruction raises", () => {
  test("is delivered when the entry has returned, the first one only", () => {
    handler = (entry) => {
      if (entry !== ENTRY_IDLE) return;
      bench.do.writeMsr(0x1234_5678, 0n);
      bench.do.loadVirtual(BigInt(UNMAPPED), 8);
    };
    bench.step();
    handler = () => undefined;
    bench.step();
    expect(entered.map(({ entry }) => entry)).toEqual([ENTRY_IDLE, 13]);
    expect(entered[1]?.frame[0]).toBe(IDLE);
    expect(bench.cpu.pendingException).toBe(0);
  });
  test("leaves the address of a page fault in CR2", () => {
    handler = (entry) => {
      if (entry === ENTRY_IDLE) bench.do.storeVirtual(BigInt(UNMAPPED) + 7n, 1, 0n);
    };
    bench.step();
    bench.step();
    expect(entered[1]).toMatchObject({ entry: 14, errorCode: 2 });
    expect(bench.cpu.cr2).toBe(BigInt(UNMAPPED) + 7n);
  });
});

describe("IRETQ", () => {
  /** Runs a handler on a frame that is made up. */
  function returnTo(frame: bigint[]): void {
    const stack = Number(KERNEL_STACK) - 40;
    frame.forEach((word, n) => void bench.write64(stack + 8 * n, word));
    bench.cpu.rsp = BigInt(stack);
    bench.cpu.rip = TEXT + BigInt(0x80 * ENTRY_BYTES);
    bench.step();
  }
  const good = [IDLE, 8n, 0x202n, 0x12_8000n, 0x10n];
  const user = [0x40_0000n, 0x1bn, 0x202n, 0x30_0000n, 0x23n];
  const change = (frame: bigint[], at: number, value: bigint) => frame.with(at, value);
  test.each([
    ["a null CS", change(good, 1, 0n), 13, 0],
    ["a CS beyond the GDT", change(good, 1, 0x38n), 13, 0x38],
    ["a CS that is data", change(good, 1, 0x10n), 13, 0x10],
    ["a CS whose RPL isn't its DPL", change(good, 1, 0x0bn), 13, 0x08],
    ["a RIP that isn't canonical", change(good, 0, 1n << 47n), 13, 0],
    ["a null SS for user code", change(user, 4, 3n), 13, 0],
    ["an SS of another privilege", change(user, 4, 0x13n), 13, 0x10],
    ["an SS that is code", change(good, 4, 0x08n), 13, 0x08],
  ])("refuses %s, and nothing has changed", (_, frame, vector, errorCode) => {
    returnTo(frame);
    const { rsp, rip, cpl } = bench.cpu;
    expect([rsp, rip, cpl]).toEqual([KERNEL_STACK - 40n, TEXT + 0x800n, 0]);
    expect(bench.cpu.pendingErrorCode).toBe(errorCode);
    expect(bench.takeException()).toBe(vector);
  });
  test("accepts a null SS for the kernel's 64-bit code", () => {
    returnTo(change(good, 4, 0n));
    expect(bench.takeException()).toBe(-1);
    expect(bench.cpu.rsp).toBe(0x12_8000n);
  });
  test("to user code empties segments that it couldn't have loaded", () => {
    bench.do.loadSegment(3, KERNEL_DATA);
    bench.do.loadSegment(0, USER_DATA);
    returnTo(user);
    expect(bench.cpu.cpl).toBe(3);
    expect(bench.cpu.segmentsAt(3).selector).toBe(0);
    expect(bench.cpu.segmentsAt(0).selector).toBe(USER_DATA);
  });
  test("loads only flags that exist", () => {
    returnTo(change(good, 2, 0xffff_ffff_ffff_ffffn & ~0x4000n));
    expect(bench.cpu.rflags & ~0x1_0000n).toBe(0x24_3fd7n);
  });
});

describe("user code", () => {
  test("that stands in the kernel's window is not the kernel", () => {
    goToUser(TEXT + BigInt(ENTRY_IDLE * ENTRY_BYTES));
    bench.step();
    expect(entered).toEqual([]);
    bench.step();
    expect(entered[0]).toMatchObject({ entry: 14, errorCode: 0x14 });
    expect(bench.cpu.cr2).toBe(IDLE);
  });
});

describe("INIT and SIPI", () => {
  test("start a CPU in real mode at the page of the vector, through the start entry", () => {
    bench.do.writeMsr(0xc000_0103, 77n);
    bench.cpu.pendingInit = 1;
    const second = bench.machine.state.cpusAt(0);
    second.index = 1;
    bench.step();
    expect([second.activity, second.cr0 & 0xffn, second.efer, second.cpl]).toEqual([
      0,
      0x10n,
      0n,
      0,
    ]);
    second.pendingSipi = 0x9a + 1;
    bench.step();
    second.index = 0;
    expect(entered[0]).toMatchObject({ entry: ENTRY_START, cs: 0x9a00, rflags: 2n });
    expect(second.segmentsAt(1).base).toBe(0x9_a000n);
    expect(second.tscAux).toBe(77n);
  });
  test("of the bootstrap processor leads to the reset vector, where nothing is", () => {
    bench.cpu.pendingInit = 1;
    bench.step();
    expect(bench.step()).toBe(STOP_TRIPLE_FAULT);
  });
});
