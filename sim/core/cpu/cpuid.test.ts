/**
 * CPUID tells the truth (Intel SDM 2A, CPUID, tables 3-8 to 3-10; 2, 13.2): every bit that stands for
 * instructions, a bit of CR4 or an MSR is set if and only if those are there. Each is tried.
 */
import { beforeAll, describe, expect, test } from "vitest";
import { CODE, CodeBench, DATA } from "../../host/testing/code.ts";

const END = CODE + 0x800;
const HALTED = 2;
const CR4_PAE = 1n << 5n;
const CR4_OSFXSR = 1n << 9n;
const CR4_OSXSAVE = 1n << 18n;
const CR4_FSGSBASE = 1n << 16n;

/** An instruction that is #UD without the feature; a bit of CR4; an MSR; or nothing to try. */
type Probe = { code: string } | { cr4: number } | { msr: number } | { is: 0 | 1; why: string };
type Row = readonly [bit: number, name: string, probe: Probe];
const code = (bytes: string): Probe => ({ code: bytes });
const cr4 = (bit: number): Probe => ({ cr4: bit });
const msr = (number: number): Probe => ({ msr: number });
const no = (why: string): Probe => ({ is: 0, why });
const yes = (why: string): Probe => ({ is: 1, why });
const ABSENT = "nothing of it is here";
const HINT = "its encodings are NOPs without it";

interface Leaf {
  readonly leaf: number;
  readonly subleaf: number;
  readonly register: "rax" | "rbx" | "rcx" | "rdx";
  readonly rows: readonly Row[];
}

const LEAVES: readonly Leaf[] = [
  {
    leaf: 1,
    subleaf: 0,
    register: "rcx",
    rows: [
      [0, "SSE3", code("f2 0f d0 c1")],
      [1, "PCLMULQDQ", code("66 0f 3a 44 c1 00")],
      [3, "MONITOR", code("0f 01 c8")],
      [5, "VMX", cr4(13)],
      [6, "SMX", cr4(14)],
      [7, "EIST", msr(0x198)],
      [9, "SSSE3", code("66 0f 38 00 c1")],
      [11, "SDBG", msr(0xc80)],
      [12, "FMA", code("c4 e2 f1 98 c2")],
      [13, "CMPXCHG16B", code("48 0f c7 0f")],
      [15, "PDCM", msr(0x345)],
      [17, "PCID", cr4(17)],
      [19, "SSE4.1", code("66 0f 38 17 c1")],
      [20, "SSE4.2", code("f2 0f 38 f0 c1")],
      [21, "x2APIC", yes("lapic.test.ts")],
      [22, "MOVBE", code("0f 38 f0 07")],
      [23, "POPCNT", code("f3 0f b8 c1")],
      [24, "TSC deadline", msr(0x6e0)],
      [25, "AES", code("66 0f 38 dc c1")],
      [26, "XSAVE", cr4(18)],
      [27, "OSXSAVE", yes("the test has set CR4.OSXSAVE")],
      [28, "AVX", code("c5 f8 77")],
      [29, "F16C", code("c4 e2 79 13 c1")],
      [30, "RDRAND", code("0f c7 f0")],
      [31, "hypervisor", yes("a simulated machine says that it is one")],
    ],
  },
  {
    leaf: 1,
    subleaf: 0,
    register: "rdx",
    rows: [
      [0, "FPU", code("d9 e8")],
      [1, "VME", cr4(0)],
      [2, "DE", cr4(3)],
      [3, "PSE", cr4(4)],
      [4, "TSC", code("0f 31")],
      [5, "MSR", msr(0x10)],
      [6, "PAE", cr4(5)],
      [7, "MCE", cr4(6)],
      [8, "CX8", code("0f c7 0f")],
      [9, "APIC", msr(0x1b)],
      [11, "SEP", msr(0x174)],
      [12, "MTRR", msr(0xfe)],
      [13, "PGE", cr4(7)],
      [14, "MCA", msr(0x179)],
      [15, "CMOV", code("0f 44 c1")],
      [16, "PAT", msr(0x277)],
      [17, "PSE-36", yes("processor.test.ts: reserved bits of 32-bit paging")],
      [18, "PSN", no(ABSENT)],
      [19, "CLFLUSH", code("0f ae 3f")],
      [21, "DS", msr(0x600)],
      [22, "ACPI", msr(0x19a)],
      [23, "MMX", code("0f 77")],
      [24, "FXSR", code("0f ae 07")],
      [25, "SSE", code("0f 57 c0")],
      [26, "SSE2", code("66 0f 57 c0")],
      [28, "HTT", no("one processor")],
    ],
  },
  {
    leaf: 7,
    subleaf: 0,
    register: "rbx",
    rows: [
      [0, "FSGSBASE", code("f3 0f ae c0")],
      [1, "TSC_ADJUST", msr(0x3b)],
      [2, "SGX", code("0f 01 d7")],
      [3, "BMI1", code("c4 e2 78 f2 c1")],
      [5, "AVX2", code("c4 e2 7d 78 c1")],
      [7, "SMEP", cr4(20)],
      [8, "BMI2", code("c4 e2 70 f5 c1")],
      [10, "INVPCID", code("66 0f 38 82 0f")],
      [11, "RTM", code("c7 f8 00 00 00 00")],
      [12, "PQM", msr(0xc8d)],
      [13, "no FCS and FDS", yes("fxsave.test.ts")],
      [14, "MPX", no(HINT)],
      [15, "RDT", msr(0xc90)],
      [16, "AVX512F", code("62 f1 7c 48 58 c1")],
      [18, "RDSEED", code("0f c7 f8")],
      [19, "ADX", code("66 0f 38 f6 c1")],
      [20, "SMAP", cr4(21)],
      [23, "CLFLUSHOPT", code("66 0f ae 3f")],
      [24, "CLWB", code("66 0f ae 37")],
      [25, "PT", msr(0x570)],
      [29, "SHA", code("0f 38 c8 c1")],
    ],
  },
  {
    leaf: 7,
    subleaf: 0,
    register: "rcx",
    rows: [
      [0, "PREFETCHWT1", no(HINT)],
      [2, "UMIP", cr4(11)],
      [3, "PKU", cr4(22)],
      [5, "WAITPKG", code("f3 0f ae f0")],
      [7, "CET", cr4(23)],
      [8, "GFNI", code("66 0f 38 cf c1")],
      [16, "LA57", cr4(12)],
      [22, "RDPID", code("f3 0f c7 f8")],
      [25, "CLDEMOTE", no(HINT)],
      [27, "MOVDIRI", code("0f 38 f9 07")],
      [28, "MOVDIR64B", code("66 0f 38 f8 07")],
    ],
  },
  {
    leaf: 7,
    subleaf: 0,
    register: "rdx",
    rows: [
      [14, "SERIALIZE", code("0f 01 e8")],
      [18, "PCONFIG", code("0f 01 c5")],
      [26, "IBRS", msr(0x48)],
      [29, "ARCH_CAPABILITIES", msr(0x10a)],
      [30, "CORE_CAPABILITIES", msr(0xcf)],
    ],
  },
  {
    leaf: 0xd,
    subleaf: 1,
    register: "rax",
    rows: [
      [0, "XSAVEOPT", code("0f ae 37")],
      [1, "XSAVEC", code("0f c7 27")],
      [3, "XSAVES", code("0f c7 2f")],
    ],
  },
  {
    leaf: 0x8000_0001,
    subleaf: 0,
    register: "rcx",
    rows: [
      [0, "LAHF in 64-bit mode", code("9f")],
      [6, "SSE4A", code("f2 0f 79 c1")],
      [8, "PREFETCHW", yes("a hint")],
    ],
  },
  {
    leaf: 0x8000_0001,
    subleaf: 0,
    register: "rdx",
    rows: [
      [11, "SYSCALL", yes("syscall.test.ts")],
      [20, "NX", yes("mmu.test.ts")],
      [26, "pages of 1 GiB", yes("processor.test.ts: reserved bits")],
      [27, "RDTSCP", code("0f 01 f9")],
      [29, "64-bit mode", code("48 90")],
    ],
  },
];

let on: CodeBench;
beforeAll(async () => {
  on = await CodeBench.create();
  on.put("f4", END);
});

/** Vector of the exception that code raises at level 0, or -1. */
function exceptionOf(
  bytes: string,
  registers: Parameters<CodeBench["execute"]>[1] = {},
  cr4 = CR4_PAE | CR4_OSFXSR | CR4_OSXSAVE | CR4_FSGSBASE,
): number {
  const { bench } = on.on;
  on.on.entered = [];
  on.on.handler = () => {
    bench.write64(Number(on.cpu.rsp), BigInt(END));
    bench.write64(Number(on.cpu.rsp) + 8, 8n);
  };
  on.cpu.cr0 &= ~0xcn;
  on.cpu.cr4 = cr4;
  on.execute(bytes, { rdi: BigInt(DATA), rcx: 0n, ...registers });
  for (let turns = 0; turns < 8 && on.cpu.activity !== HALTED; turns++) on.run();
  return on.on.entered[0]?.entry ?? -1;
}

function announced({ leaf, subleaf, register }: Leaf): number {
  exceptionOf("0f a2", { rax: BigInt(leaf), rcx: BigInt(subleaf) });
  return Number(on.cpu[register]);
}

/** 1 if the processor has it. */
function has(probe: Probe): number {
  if ("is" in probe) return probe.is;
  if ("msr" in probe) return exceptionOf("0f 32", { rcx: BigInt(probe.msr) }) === -1 ? 1 : 0;
  if ("code" in probe) return exceptionOf(probe.code, { rcx: 2n }) === 6 ? 0 : 1;
  // mov rax, cr4; or rax, rcx; mov cr4, rax. What follows may be #PF: the bench's pages are a user's.
  return exceptionOf("0f 20 e0 48 09 c8 0f 22 e0", { rcx: 1n << BigInt(probe.cr4) }) === 13 ? 0 : 1;
}

describe.each(LEAVES)("CPUID $leaf, $subleaf, $register:", (leaf) => {
  test.each(leaf.rows)("bit %i, %s", (bit, _, probe) => {
    expect((announced(leaf) >>> bit) & 1).toBe(has(probe));
  });
  test("no bit is set that isn't tried", () => {
    const known = leaf.rows.reduce((mask, [bit]) => (mask | (1 << bit)) >>> 0, 0);
    expect((announced(leaf) & ~known) >>> 0).toBe(0);
  });
});

test("IA32_ARCH_CAPABILITIES: what follows from speculation isn't there to be mitigated", () => {
  exceptionOf("0f 32", { rcx: 0x10an });
  // RDCL_NO, IBRS_ALL, SSB_NO, MDS_NO, TAA_NO and the like (SDM 4, table 2-2).
  expect(on.cpu.rax).toBe(0x0d10_e17bn);
  expect(exceptionOf("0f 30", { rcx: 0x10an, rax: 0n, rdx: 0n })).toBe(13);
});

test("IA32_SPEC_CTRL and IA32_PRED_CMD are there for systems that write them", () => {
  expect(exceptionOf("0f 30", { rcx: 0x48n, rax: 1n, rdx: 0n })).toBe(-1);
  exceptionOf("0f 32", { rcx: 0x48n });
  expect(on.cpu.rax).toBe(1n);
  expect(exceptionOf("0f 30", { rcx: 0x48n, rax: 2n, rdx: 0n })).toBe(13);
  expect(exceptionOf("0f 30", { rcx: 0x49n, rax: 1n, rdx: 0n })).toBe(-1);
  expect(exceptionOf("0f 30", { rcx: 0x49n, rax: 2n, rdx: 0n })).toBe(13);
  expect(exceptionOf("0f 32", { rcx: 0x49n })).toBe(13);
});

describe("RDFSBASE and its kin", () => {
  test("read and write the bases of FS and GS, in 32 and 64 bits", () => {
    // wrfsbase rax; rdfsbase ecx; wrgsbase ebx; rdgsbase rdx
    const bytes = "f3 48 0f ae d0 f3 0f ae c1 f3 0f ae db f3 48 0f ae ca";
    expect(exceptionOf(bytes, { rax: 0x7fff_1234_5678n, rbx: 0xffff_ffff_8765_4321n })).toBe(-1);
    expect([on.cpu.segmentsAt(4).base, on.cpu.rcx]).toEqual([0x7fff_1234_5678n, 0x1234_5678n]);
    expect([on.cpu.segmentsAt(5).base, on.cpu.rdx]).toEqual([0x8765_4321n, 0x8765_4321n]);
  });
  test("refuse a base that isn't canonical, and are undefined without CR4.FSGSBASE", () => {
    expect(exceptionOf("f3 48 0f ae d0", { rax: 1n << 47n })).toBe(13);
    for (const modrm of ["c0", "c8", "d0", "d8"])
      expect(exceptionOf(`f3 48 0f ae ${modrm}`, {}, CR4_PAE)).toBe(6);
  });
});
