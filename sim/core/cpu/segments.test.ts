/** Loads of segment registers and of TR, outside and inside protected mode (SDM 3A, 5; 2A, LTR). */
import { beforeEach, describe, expect, test } from "vitest";
import {
  KERNEL_CODE,
  KERNEL_DATA,
  LongModeBench,
  TASK,
  USER_CODE,
  USER_DATA,
} from "../../host/testing/longmode.ts";
import { ProcessorBench } from "../../host/testing/processor.ts";

const GDT = 0x31_0000;
const [CS, SS, DS] = [1, 2, 3];
let bench: ProcessorBench;

beforeEach(async () => {
  bench = (await LongModeBench.create()).bench;
});

function load(number: number, selector: number): number {
  bench.do.loadSegment(number, selector);
  return bench.takeException();
}

test("in real mode a selector is its base divided by 16, and there is no task", async () => {
  bench = await ProcessorBench.create();
  expect(load(DS, 0x1234)).toBe(-1);
  expect(bench.cpu.segmentsAt(DS).base).toBe(0x1_2340n);
  bench.do.loadTask(TASK);
  expect(bench.takeException()).toBe(6);
});

describe("in 64-bit mode", () => {
  test.each([
    ["DS", DS, "null", 0, -1, 0],
    ["DS", DS, "user data", USER_DATA, -1, 0],
    ["DS", DS, "readable kernel code", KERNEL_CODE, -1, 0],
    ["DS", DS, "data of a privilege that the selector may not ask for", KERNEL_DATA | 3, 13, 0x10],
    ["DS", DS, "a task", TASK, 13, TASK],
    ["DS", DS, "beyond the table", 0x38, 13, 0x38],
    ["DS", DS, "of an LDT that isn't there", 0x0c, 13, 0x0c],
    ["SS", SS, "null at CPL 0", 0, -1, 0],
    ["SS", SS, "null with another RPL", 3, 13, 0],
    ["SS", SS, "user data at CPL 0", USER_DATA, 13, 0x20],
    ["SS", SS, "code", KERNEL_CODE, 13, 0x08],
    ["CS", CS, "null", 0, 13, 0],
    ["CS", CS, "data", KERNEL_DATA, 13, 0x10],
    ["CS", CS, "user code at CPL 0", USER_CODE, 13, 0x18],
  ])("%s, selector %3$s", (_, number, __, selector, vector, errorCode) => {
    expect(load(number, selector)).toBe(vector);
    if (vector !== -1) expect(bench.cpu.pendingErrorCode).toBe(errorCode);
  });

  test("an absent segment is #NP, an absent stack #SS", () => {
    bench.write64(GDT + KERNEL_DATA, 0x00cf_1300_0000_ffffn);
    expect(load(DS, KERNEL_DATA)).toBe(11);
    expect(load(SS, KERNEL_DATA)).toBe(12);
  });

  test("a load sets the descriptor's accessed flag", () => {
    bench.write64(GDT + KERNEL_DATA, 0x00cf_9200_0000_ffffn);
    expect(load(DS, KERNEL_DATA)).toBe(-1);
    expect(bench.read64(GDT + KERNEL_DATA)).toBe(0x00cf_9300_0000_ffffn);
  });

  test("LTR marks the TSS busy, and refuses a busy, null or cut-off one", () => {
    expect((bench.read64(GDT + TASK) >> 40n) & 0xffn).toBe(0x8bn);
    for (const selector of [TASK, 0, TASK | 4]) {
      bench.do.loadTask(selector);
      expect(bench.takeException()).toBe(13);
    }
    bench.write64(GDT + TASK, 0x0000_8900_0000_0067n);
    bench.do.loadGdt(BigInt(GDT), TASK + 14);
    bench.do.loadTask(TASK);
    expect(bench.takeException()).toBe(13);
    bench.do.loadGdt(BigInt(GDT), TASK + 15);
    bench.do.loadTask(TASK);
    expect(bench.takeException()).toBe(-1);
  });
});
