/** Control registers, model-specific registers and CPUID: what can be written, and what is said. */
import { beforeEach, describe, expect, test } from "vitest";
import { ProcessorBench } from "../../host/testing/processor.ts";
import * as X86 from "../../spec/x86.ts";

const GP = 13;
const UD = 6;
let bench: ProcessorBench;

beforeEach(async () => {
  bench = await ProcessorBench.create({ cpus: 3 });
});

const unsigned = (value: bigint) => BigInt.asUintN(64, value);
const control = (number: number, value: bigint) => {
  bench.do.writeControl(number, value);
  return bench.takeException();
};
const msr = (index: number, value: bigint) => {
  bench.do.writeMsr(index, value);
  return bench.takeException();
};

/** The sequence of SDM 3A, 9.8.5: PAE, CR3, LME, PG. */
function enterLongMode(): void {
  expect(control(0, 0x11n)).toBe(-1);
  expect(control(4, 0x20n)).toBe(-1);
  expect(control(3, 0x10_0000n)).toBe(-1);
  expect(msr(X86.MSR_EFER, 0x100n)).toBe(-1);
  expect(control(0, 0x8000_0011n)).toBe(-1);
}

describe("after power-up", () => {
  test("registers hold what SDM 3A, table 9-1 says", () => {
    const { cpu } = bench;
    expect([cpu.rflags, cpu.rip, cpu.cr0]).toEqual([2n, 0xfff0n, 0x6000_0010n]);
    expect([cpu.cr2, cpu.cr3, cpu.cr4, cpu.efer, cpu.xcr0]).toEqual([0n, 0n, 0n, 0n, 1n]);
    expect([cpu.dr6, cpu.dr7]).toEqual([0xffff_0ff0n, 0x400n]);
    expect((cpu.rdx >> 8n) & 0xfn).toBe(6n);
    const code = cpu.segmentsAt(1);
    expect([code.selector, code.base, code.limit]).toEqual([0xf000, 0xffff_0000n, 0xffff]);
    expect([cpu.gdtLimit, cpu.idtLimit]).toEqual([0xffff, 0xffff]);
    expect(unsigned(bench.do.readMsr(X86.MSR_PAT))).toBe(0x0007_0406_0007_0406n);
  });
});

describe("CR0", () => {
  test.each([
    ["PG without PE", 0x8000_0010n],
    ["NW without CD", 0x2000_0011n],
    ["bit 32", 0x1_0000_0011n],
  ])("%s is #GP", (_, value) => {
    const before = bench.cpu.cr0;
    expect(control(0, value)).toBe(GP);
    expect(bench.cpu.cr0).toBe(before);
  });
  test("PG with LME but without PAE is #GP", () => {
    bench.do.writeMsr(X86.MSR_EFER, 0x100n);
    expect(control(0, 0x8000_0011n)).toBe(GP);
    expect(bench.cpu.efer).toBe(0x100n);
  });
  test("ET is 1 and reserved low bits are 0, whatever is written", () => {
    expect(control(0, 0xffc1n)).toBe(-1);
    expect(unsigned(bench.do.readControl(0))).toBe(0x11n);
  });
});

describe("long mode", () => {
  test("is active when PAE, LME and PG are set in this order", () => {
    enterLongMode();
    expect(bench.cpu.efer).toBe(0x500n);
  });
  test("ends when PG is cleared outside 64-bit code", () => {
    enterLongMode();
    expect(control(0, 0x11n)).toBe(-1);
    expect(bench.cpu.efer).toBe(0x100n);
  });
  test("PG stays set in 64-bit code and under PCIDs", () => {
    enterLongMode();
    bench.cpu.segmentsAt(1).attributes = 0xa9b;
    expect(control(0, 0x11n)).toBe(GP);
    bench.cpu.segmentsAt(1).attributes = 0xc9b;
    expect(control(4, 0x2_0020n)).toBe(-1);
    expect(control(0, 0x11n)).toBe(GP);
  });
  test("neither PAE nor LME changes while it is active", () => {
    enterLongMode();
    expect(control(4, 0n)).toBe(GP);
    expect(msr(X86.MSR_EFER, 0n)).toBe(GP);
    expect(msr(X86.MSR_EFER, 0x100n)).toBe(-1);
    expect(bench.cpu.efer).toBe(0x500n);
  });
});

describe("CR3, CR4, CR8", () => {
  test("CR3 holds 40 bits; bit 63 only with PCIDs", () => {
    expect(control(3, (1n << 40n) - 1n)).toBe(-1);
    expect(control(3, 1n << 40n)).toBe(GP);
    expect(control(3, 1n << 63n)).toBe(GP);
  });
  test.each([0, 1, 6, 12, 13, 14, 22, 23, 24, 63])("CR4 bit %i is reserved", (n) => {
    expect(control(4, 1n << BigInt(n))).toBe(GP);
  });
  test("PCIDE needs long mode and PCID 0", () => {
    expect(control(4, 0x2_0020n)).toBe(GP);
    enterLongMode();
    expect(control(3, 0x10_0001n)).toBe(-1);
    expect(control(4, 0x2_0020n)).toBe(GP);
    expect(control(3, 0x10_0000n)).toBe(-1);
    expect(control(4, 0x2_0020n)).toBe(-1);
  });
  test("CR8 has four bits", () => {
    expect(control(8, 15n)).toBe(-1);
    expect(control(8, 16n)).toBe(GP);
  });
  test.each([1, 5, 6, 7, 9, 15])("CR%i doesn't exist", (number) => {
    expect(control(number, 0n)).toBe(UD);
    bench.do.readControl(number);
    expect(bench.takeException()).toBe(UD);
  });
  test("XCR0 holds x87 with or without SSE, once OSXSAVE is set", () => {
    bench.do.writeExtendedControl(0, 3n);
    expect(bench.takeException()).toBe(UD);
    control(4, 0x4_0000n);
    for (const [value, vector] of [
      [3n, -1],
      [1n, -1],
      [0n, GP],
      [2n, GP],
      [7n, GP],
    ] as const) {
      bench.do.writeExtendedControl(0, value);
      expect(bench.takeException()).toBe(vector);
    }
    bench.do.writeExtendedControl(1, 1n);
    expect(bench.takeException()).toBe(GP);
  });
});

describe("MSRs", () => {
  const CANONICAL = [0x0000_7fff_ffff_ffffn, 0xffff_8000_0000_0000n];
  const NOT_CANONICAL = [0x0000_8000_0000_0000n, 0xffff_7fff_ffff_ffffn];
  test.each([
    ["LSTAR", X86.MSR_LSTAR],
    ["CSTAR", X86.MSR_CSTAR],
    ["FS_BASE", X86.MSR_FS_BASE],
    ["GS_BASE", X86.MSR_GS_BASE],
    ["KERNEL_GS_BASE", X86.MSR_KERNEL_GS_BASE],
    ["SYSENTER_EIP", X86.MSR_SYSENTER_EIP],
  ])("%s holds canonical addresses", (_, index) => {
    for (const value of CANONICAL) {
      expect(msr(index, value)).toBe(-1);
      expect(unsigned(bench.do.readMsr(index))).toBe(value);
    }
    for (const value of NOT_CANONICAL) expect(msr(index, value)).toBe(GP);
  });
  test.each([1, 9, 12, 13, 16, 63])("EFER bit %i is reserved", (n) => {
    expect(msr(X86.MSR_EFER, 1n << BigInt(n))).toBe(GP);
  });
  test("each byte of PAT is one of the six types", () => {
    for (let type = 0n; type < 256n; type++)
      for (const shift of [0n, 56n]) {
        const valid = [0n, 1n, 4n, 5n, 6n, 7n].includes(type);
        expect(msr(X86.MSR_PAT, type << shift)).toBe(valid ? -1 : GP);
      }
  });
  test("MTRRs refuse reserved types and bits", () => {
    expect(Number(bench.do.readMsr(X86.MSR_MTRR_CAPABILITY)) & 0xff).toBe(8);
    expect(msr(X86.MSR_MTRR_CAPABILITY, 0n)).toBe(GP);
    expect(msr(0x200, 0x8000_0006n)).toBe(-1);
    expect(msr(0x200, 0x8000_0002n)).toBe(GP);
    expect(msr(0x200, 0x8000_0106n)).toBe(GP);
    expect(msr(0x201, 0xff_8000_0800n)).toBe(-1);
    expect(msr(0x201, 0x100_8000_0800n)).toBe(GP);
    expect(msr(0x20f, 0x800n)).toBe(-1);
    expect(msr(0x210, 0x800n)).toBe(GP);
    expect(msr(0x250, 0x0606_0606_0606_0606n)).toBe(-1);
    expect(msr(0x250, 0x0606_0606_0606_0607n)).toBe(GP);
    expect(msr(X86.MSR_MTRR_DEFAULT, 0xc06n)).toBe(-1);
    expect(msr(X86.MSR_MTRR_DEFAULT, 0x1006n)).toBe(GP);
  });
  test("TSC and TSC_ADJUST move together", () => {
    expect(msr(X86.MSR_TSC_ADJUST, 1000n)).toBe(-1);
    expect(bench.cpu.tscOffset).toBe(1000n);
    expect(msr(X86.MSR_TSC, 0n)).toBe(-1);
    expect(unsigned(bench.do.readMsr(X86.MSR_TSC))).toBeLessThan(1000n);
    expect(bench.cpu.tscAdjust).toBe(bench.cpu.tscOffset);
  });
  test("what doesn't exist or is read-only is #GP", () => {
    bench.do.readMsr(0x1234_5678);
    expect(bench.takeException()).toBe(GP);
    expect(msr(0x1234_5678, 0n)).toBe(GP);
    expect(msr(X86.MSR_FEATURE_CONTROL, 1n)).toBe(GP);
    expect(unsigned(bench.do.readMsr(X86.MSR_FEATURE_CONTROL))).toBe(1n);
  });
});

describe("CPUID", () => {
  const ask = (leaf: number, subleaf = 0) => {
    bench.do.cpuid(leaf, subleaf);
    const { rax, rbx, rcx, rdx } = bench.cpu;
    return [rax, rbx, rcx, rdx].map(Number) as [number, number, number, number];
  };
  const text = (...words: number[]) =>
    new TextDecoder().decode(new Uint8Array(Uint32Array.from(words).buffer)).replace(/\0+$/, "");
  test("names the vendor, the machine and the brand", () => {
    const [, b, c, d] = ask(0);
    expect(text(b, d, c)).toBe("GenuineIntel");
    expect(text(...ask(0x4000_0000).slice(1))).toBe("AIOSAIOSAIOS");
    const brand = [0x8000_0002, 0x8000_0003, 0x8000_0004].flatMap((leaf) => ask(leaf));
    expect(text(...brand)).toBe("AIOS simulated x86_64 processor");
  });
  test("three CPUs need two bits of the APIC ID, one package", () => {
    expect((ask(1)[1] >> 16) & 0xff).toBe(4);
    expect(ask(0xb, 0)).toEqual([0, 1, 0x100, 0]);
    expect(ask(0xb, 1)).toEqual([2, 3, 0x201, 0]);
    expect(ask(0xb, 2)).toEqual([0, 0, 2, 0]);
    expect(ask(4, 3)[0] >>> 26).toBe(3);
  });
  test("says 40 physical and 48 linear bits", () => expect(ask(0x8000_0008)[0]).toBe(0x3028));
  test("OSXSAVE follows CR4", () => {
    expect(ask(1)[2] & (1 << 27)).toBe(0);
    control(4, 0x4_0000n);
    expect(ask(1)[2] & (1 << 27)).not.toBe(0);
  });
  test("APIC is gone while IA32_APIC_BASE has it disabled", () => {
    expect(ask(1)[3] & 0x200).toBe(0x200);
    msr(0x1b, 0xfee0_0100n);
    expect(ask(1)[3] & 0x200).toBe(0);
  });
  test("beyond the last leaf answers as the last basic one: no frequency is enumerated", () => {
    expect(ask(0)[0]).toBeLessThan(0x15);
    expect(ask(0x15)).toEqual(ask(0xd));
    expect(ask(0x8000_0009)).toEqual(ask(0xd));
  });
});
