/** IRETQ (SDM 2A, IRET), code outside the kernel's window, INIT and SIPI (SDM 3A, 8.4). */
import { beforeEach, describe, expect, test } from "vitest";
import {
  IDLE,
  KERNEL_DATA,
  KERNEL_STACK,
  LongModeBench,
  TEXT,
  USER_DATA,
} from "../../host/testing/longmode.ts";
import type { ProcessorBench } from "../../host/testing/processor.ts";
import { ENTRY_BYTES, ENTRY_IDLE, ENTRY_START } from "../../spec/entries.ts";
import { STOP_RESET } from "../../spec/stops.ts";

let on: LongModeBench;
let bench: ProcessorBench;

beforeEach(async () => {
  on = await LongModeBench.create();
  bench = on.bench;
});

describe("IRETQ", () => {
  const good = [IDLE, 8n, 0x202n, 0x32_8000n, 0x10n];
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
    on.returnTo(frame);
    const { rsp, rip, cpl } = bench.cpu;
    expect([rsp, rip, cpl]).toEqual([KERNEL_STACK - 40n, TEXT + 0x800n, 0]);
    expect(bench.cpu.pendingErrorCode).toBe(errorCode);
    expect(bench.takeException()).toBe(vector);
  });
  test("accepts a null SS for the kernel's 64-bit code", () => {
    on.returnTo(change(good, 4, 0n));
    expect(bench.takeException()).toBe(-1);
    expect(bench.cpu.rsp).toBe(0x32_8000n);
  });
  test("to user code empties segments that it couldn't have loaded", () => {
    bench.do.loadSegment(3, KERNEL_DATA);
    bench.do.loadSegment(0, USER_DATA);
    on.returnTo(user);
    expect(bench.cpu.cpl).toBe(3);
    expect(bench.cpu.segmentsAt(3).selector).toBe(0);
    expect(bench.cpu.segmentsAt(0).selector).toBe(USER_DATA);
  });
  test("loads only flags that exist", () => {
    on.returnTo(change(good, 2, 0xffff_ffff_ffff_ffffn & ~0x4000n));
    expect(bench.cpu.rflags & ~0x1_0000n).toBe(0x24_3fd7n);
  });
});

describe("user code", () => {
  test("that stands in the kernel's window is not the kernel", () => {
    on.goToUser(TEXT + BigInt(ENTRY_IDLE * ENTRY_BYTES));
    bench.step();
    expect(on.entered).toEqual([]);
    bench.step();
    expect(on.entered[0]).toMatchObject({ entry: 14, errorCode: 0x14 });
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
    expect(on.entered[0]).toMatchObject({ entry: ENTRY_START, cs: 0x9a00, rflags: 2n });
    expect(second.segmentsAt(1).base).toBe(0x9_a000n);
    expect(second.tscAux).toBe(77n);
  });
  test("of the bootstrap processor leads to the reset vector, where nothing is", () => {
    bench.cpu.pendingInit = 1;
    bench.step();
    expect(bench.step()).toBe(STOP_RESET);
  });
});
