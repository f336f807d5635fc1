/**
 * Page tables may lie in the code that uses them. A walk that sets an accessed or dirty flag there changes
 * the instruction for whose sake it was made: that one is fetched again, with blocks of it or without.
 */
import { beforeEach, describe, expect, test } from "vitest";
import { CODE, CodeBench, DATA } from "../../host/testing/code.ts";
import { PML4 } from "../../host/testing/longmode.ts";

const ACCESSED = 0x20n;
const TABLE = 0x50_0000;

let on: CodeBench;
beforeEach(async () => {
  on = await CodeBench.create();
});

/** Goes on at `rip` for so many cycles; how many instructions have ended. */
function go(rip: number, registers: Record<string, bigint> = {}, cycles = 20_000): bigint {
  const { cpu } = on;
  Object.assign(cpu, { rip: BigInt(rip), activity: 1, ...registers });
  const before = cpu.retired;
  on.run(cycles);
  return cpu.retired - before;
}

describe("the walk of an operand", () => {
  test("through tables of 64-bit mode", () => {
    const { bench } = on.on;
    const linear = 0x4000_0000;
    bench.write64(PML4 + 0x1008, BigInt(TABLE) | 7n);
    bench.write64(TABLE, BigInt(TABLE + 0x1000) | 7n);
    // mov al, [rdi]; mov rcx, the entry that maps RDI; hlt
    const entry = BigInt(DATA) | 7n;
    const at = TABLE + 0x1100;
    on.put("8a 07 48 b9", at - 4);
    bench.write64(at, entry);
    on.put("f4", at + 8);
    expect(go(at - 4, { rdi: BigInt(linear + 0x20 * 0x1000) })).toBe(3n);
    expect(on.cpu.rcx).toBe(entry | ACCESSED);
  });
  test("through those of 32-bit paging", () => {
    const { bench, cpu } = { ...on.on, cpu: on.cpu };
    // The first 8 MiB to themselves, and 4000_0000 by pages of 4 KiB.
    bench.write64(TABLE, 0x83n | (0x40_0083n << 32n));
    bench.write64(TABLE + 0x400, BigInt(TABLE + 0x1000) | 7n);
    // mov al, [edi]; mov ecx, the entry that maps EDI; hlt
    const entry = BigInt(DATA) | 7n;
    const at = TABLE + 0x1100;
    bench.write64(at, entry);
    on.put("8a 07 b9", at - 3);
    on.put("f4", at + 4);
    Object.assign(cpu, { cr0: 0x8000_0011n, cr3: BigInt(TABLE), cr4: 0x10n, efer: 0n });
    Object.assign(cpu.segmentsAt(1), { base: 0n, limit: 0xffff_ffff, attributes: 0xc9b });
    Object.assign(cpu.segmentsAt(3), { base: 0n, limit: 0xffff_ffff, attributes: 0xc93 });
    expect(go(at - 3, { rdi: BigInt(0x4000_0000 + 0x40 * 0x1000) })).toBe(3n);
    expect(cpu.rcx).toBe(entry | ACCESSED);
  });
});

/**
 * An instruction on two pages begins with the entry that maps the second: the last one of a table that is the
 * frame of the first page.
 */
describe("the walk of an instruction's second page", () => {
  const FIRST = 0x4000_0000 + 510 * 0x1000;
  const SECOND = FIRST + 0x1000;
  const ENTRY = TABLE + 0x1ff8;
  const RIP = FIRST + 0xff8;
  const ADDRESS = 0x5084;
  const VALUE = 0x1234_5678;
  const registers = { rax: BigInt(DATA), rdx: 0n };

  /** @param entry of the second page, whose bytes are code; nothing has been walked through */
  function build(entry: bigint, second: string): void {
    const { bench } = on.on;
    bench.write64(PML4 + 0x1008, BigInt(TABLE) | 7n);
    bench.write64(TABLE, BigInt(TABLE + 0x1000) | 7n);
    bench.write64(ENTRY - 8, BigInt(TABLE + 0x1000) | 0x63n);
    write(ENTRY, entry);
    on.put(second, Number(entry & 0xffff_f000n));
    bench.write64(ADDRESS, BigInt(VALUE));
    bench.write64(DATA, 0n);
  }
  /** As the host does it, translations stay. */
  function write(at: number, entry: bigint): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(entry);
    on.put(bytes, at);
  }
  const memory = () => on.on.bench.read64(DATA);

  // 81 84 50 …: add dword [rax + rdx*2], imm32; when it has been accessed, a1 84 50 …: mov eax, [5084h]
  const ADD = 0x50_8481n;
  const SECOND_OF_ADD = "00 01 00";
  const SUMMAND = 0x1_0000n;

  test("changes it before it is executed for the first time", () => {
    build(ADD, SECOND_OF_ADD);
    expect(go(RIP, registers, 1)).toBe(1n);
    expect(on.cpu.rax).toBe(BigInt(VALUE));
    expect(memory()).toBe(0n);
  });
  test("and when a block was made of it", () => {
    build(ADD, SECOND_OF_ADD);
    on.put("90", Number(ADD & 0xffff_f000n) + 0x10);
    // What the TLB knows isn't walked to: the entry may be as it was.
    go(SECOND + 0x10, registers, 1);
    write(ENTRY, ADD);
    expect(go(RIP, registers, 1)).toBe(1n);
    expect(on.cpu.rax).toBe(BigInt(DATA));
    expect(memory()).toBe(SUMMAND);
    on.on.bench.do.invalidatePage(BigInt(SECOND));
    expect(go(RIP, registers, 1)).toBe(1n);
    expect(on.cpu.rax).toBe(BigInt(VALUE));
    expect(memory()).toBe(SUMMAND);
  });
  test("may make it end on the first: then the second isn't fetched any more", () => {
    // c7 84 50 …: mov dword [rax + rdx*2], imm32; when it has been accessed, e7 84: out 84h, eax
    build(0x50_84c7n, "00 00 00 00");
    expect(go(RIP, registers, 1)).toBe(1n);
    expect(on.cpu.rip).toBe(BigInt(RIP + 2));
    // SMEP: the second page is a user's.
    on.on.bench.do.writeControl(4, on.cpu.cr4 | 0x10_0000n);
    expect(go(RIP, registers, 1)).toBe(1n);
    expect(on.cpu.rip).toBe(BigInt(RIP + 2));
    expect(memory()).toBe(0n);
  });
});
