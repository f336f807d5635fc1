/**
 * Code that changes is executed as it is when it is reached: by its own stores, another CPU's, a
 * device's or through another mapping (Intel SDM 3A, 8.1.3, 11.6: on processors since the P6 without
 * any precaution within one CPU).
 */
import { beforeEach, describe, expect, test } from "vitest";
import { CODE, CodeBench, DATA } from "../../host/testing/code.ts";
import { PML4 } from "../../host/testing/longmode.ts";
import { configWrite } from "../../host/testing/pci.ts";

let on: CodeBench;
beforeEach(async () => {
  on = await CodeBench.create({ cpus: 2 });
});

/** mov eax, imm32; hlt at `at`. */
const answer = (value: number) => `b8 ${value.toString(16).padStart(2, "0")} 00 00 00`;
/** Far from the code that changes it, on another page. */
const FAR = CODE + 0x1234;
/** It can master the bus itself. */
const HOST_BRIDGE = 0;

/** Goes on at `rip` up to HLT. */
function go(rip: number, registers: Record<string, bigint> = {}): bigint {
  const { cpu } = on;
  Object.assign(cpu, { rip: BigInt(rip), activity: 1, ...registers });
  on.run();
  expect(cpu.activity).toBe(2);
  return cpu.rax;
}

describe("a store of the running CPU", () => {
  test("into the next instruction of the same block is seen by it", () => {
    // mov byte [rip + 1], 2; mov eax, 1; hlt
    on.put(`c6 05 01 00 00 00 02 ${answer(1)} f4`);
    expect(go(CODE)).toBe(2n);
    // And so is each of its successors: the code counts itself up.
    on.put(`fe 05 01 00 00 00 ${answer(5)} f4`);
    for (let n = 6n; n < 20n; n++) expect(go(CODE)).toBe(n);
  });
  test("into its own loop is seen in the next round", () => {
    // L: add eax, 1; add byte [rip - 7 + …], 1 (the immediate of the first); dec ecx; jnz L; hlt
    on.put("83 c0 01  80 05 f8 ff ff ff 01  ff c9  75 f2  f4");
    expect(go(CODE, { rax: 0n, rcx: 10n })).toBe(55n);
  });
  test("into a page that was executed before, and not since, is seen", () => {
    on.put(`${answer(1)} f4`, FAR);
    expect(go(FAR)).toBe(1n);
    // mov byte [rdi], 7; jmp to it
    on.put("c6 07 07 ff e6");
    expect(go(CODE, { rdi: BigInt(FAR + 1), rsi: BigInt(FAR) })).toBe(7n);
  });
  test("by REP MOVS over code drops all of it", () => {
    on.put(`${answer(1)} f4`, FAR);
    expect(go(FAR)).toBe(1n);
    on.put(`${answer(9)} f4`, DATA);
    on.put("f3 a4 ff e3");
    const registers = { rsi: BigInt(DATA), rdi: BigInt(FAR), rcx: 6n, rbx: BigInt(FAR) };
    expect(go(CODE, registers)).toBe(9n);
  });
  test("beside code, on its page or among its 64 bytes, changes nothing but data", () => {
    // mov [rip + 9], ecx; mov eax, [rip + 3]; hlt; data
    on.put("89 0d 07 00 00 00 8b 05 01 00 00 00 f4 00 00 00 00");
    for (let n = 1n; n < 5n; n++) expect(go(CODE, { rcx: n })).toBe(n);
    const { retired } = on.cpu;
    expect(retired).toBe(12n);
  });
  test("that crosses from data into code is seen", () => {
    on.put(`${answer(1)} f4`, 0x40_3000);
    expect(go(0x40_3000)).toBe(1n);
    // mov [rdi], rax with rdi four bytes before the code: its first four bytes become b8 03 00 00.
    on.put("48 89 07 ff e6");
    const registers = { rax: (0xb8n << 32n) | (3n << 40n), rdi: 0x40_2ffcn, rsi: 0x40_3000n };
    expect(go(CODE, registers)).toBe(3n);
  });
  test("into the second page of an instruction that lies on two is seen", () => {
    const at = 0x40_2ffe;
    on.put(`${answer(1)} f4`, at);
    expect(go(at)).toBe(1n);
    // The immediate begins on the first page; its third byte is on the second.
    on.put("c6 07 04 ff e6");
    expect(go(CODE, { rdi: 0x40_3000n, rsi: BigInt(at) })).toBe(0x401n);
    expect(go(at)).toBe(0x401n);
  });
  test("through another linear address of the same frame is seen", () => {
    const { bench } = on.on;
    // The 2 MiB at 16 MiB + 4 MiB are those at 4 MiB.
    bench.write64(PML4 + 0x2000 + 8 * 10, 0x40_0087n);
    on.put(`${answer(1)} f4`, FAR);
    expect(go(FAR)).toBe(1n);
    on.put("c6 07 08 ff e6");
    const alias = BigInt(FAR + 1 + 0x100_0000);
    expect(go(CODE, { rdi: alias, rsi: BigInt(FAR) })).toBe(8n);
  });
  test("into an instruction both of whose pages are one frame is seen", () => {
    const { bench } = on.on;
    const linear = 0x4000_0000;
    const tables = 0x50_0000;
    bench.write64(PML4 + 0x1008, BigInt(tables) | 7n);
    bench.write64(tables, BigInt(tables + 0x1000) | 7n);
    for (let n = 0; n < 2; n++) bench.write64(tables + 0x1000 + 8 * n, 0x40_3007n);
    on.put("b8 01", 0x40_3ffe);
    on.put("00 00 00 f4", 0x40_3000);
    expect(go(linear + 0xffe)).toBe(1n);
    on.put("c6 07 05 ff e6");
    const rsi = BigInt(linear + 0xffe);
    expect(go(CODE, { rdi: 0x40_3fffn, rsi })).toBe(5n);
    expect(go(CODE, { rdi: 0x40_3000n, rsi })).toBe(0x505n);
    expect(go(linear + 0xffe)).toBe(0x505n);
  });
});

test("a list of blocks that stores go through again and again doesn't stay long", () => {
  const page = FAR & ~0xfff;
  const entries = 1000;
  // At each of its addresses a block begins.
  on.put(`${"90 ".repeat(entries)} f4`, page);
  for (let n = 0; n < entries; n++) go(page + n);
  expect(on.exports.testBlocksOf(BigInt(page))).toBeGreaterThan(entries / 2);
  // L: inc byte [rdi]; inc rdi; dec ecx; jnz L; hlt. Each store is into one more block.
  on.put("fe 07 48 ff c7 ff c9 75 f7 f4");
  go(CODE, { rdi: BigInt(page), rcx: 100n });
  expect(on.exports.testBlocksOf(BigInt(page))).toBeLessThan(entries / 4);
});

describe("what others change is seen", () => {
  const LOOP = `83 c0 01 ff c9 75 f9 f4`;
  test("when another CPU stores into the code that this one runs", () => {
    on.copyTo(1);
    const other = on.on.bench.machine.state.cpusAt(1);
    on.put(LOOP);
    Object.assign(on.cpu, { rip: BigInt(CODE), rax: 0n, rcx: 100n, activity: 1 });
    on.run(1 + 3 * 10);
    expect(on.cpu.rax).toBe(11n);
    // mov byte [rdi], 2; hlt on CPU 1, in the middle of CPU 0's loop
    on.put("c6 07 02 f4", FAR);
    Object.assign(other, { rip: BigInt(FAR), rdi: BigInt(CODE + 2), activity: 1 });
    on.run(2, 1);
    expect(other.activity).toBe(2);
    on.run();
    expect(on.cpu.rax).toBe(11n + 89n * 2n);
  });
  test("when a device writes it", () => {
    const { machine } = on.on.bench;
    configWrite(machine, HOST_BRIDGE, 4, 2, 4);
    on.put(LOOP);
    Object.assign(on.cpu, { rip: BigInt(CODE), rax: 0n, rcx: 20n, activity: 1 });
    on.run(30);
    const pointer = on.exports.dmaPointer(HOST_BRIDGE, BigInt(CODE + 2), 1, true) >>> 0;
    expect(pointer).not.toBe(0);
    on.bytes[pointer] = 3;
    on.run();
    expect(on.cpu.rax).toBe(10n + 10n * 3n);
  });
  test("when the page is mapped to another frame", () => {
    const { bench } = on.on;
    on.put(LOOP);
    on.put(LOOP.replace("01", "05"), 0x60_0000);
    Object.assign(on.cpu, { rip: BigInt(CODE), rax: 0n, rcx: 20n, activity: 1 });
    on.run(30);
    bench.write64(PML4 + 0x2000 + 8 * 2, 0x60_0087n);
    on.run(3);
    // Until it is invalidated the old translation may be used, and is.
    expect(on.cpu.rax).toBe(11n);
    bench.do.invalidatePage(BigInt(CODE));
    on.run();
    expect(on.cpu.rax).toBe(11n + 9n * 5n);
  });
  test("when the host writes memory between two steps", () => {
    on.put(LOOP);
    Object.assign(on.cpu, { rip: BigInt(CODE), rax: 0n, rcx: 20n, activity: 1 });
    on.run(30);
    on.on.bench.machine.physical.write(CODE + 2, Uint8Array.of(7));
    on.run();
    expect(on.cpu.rax).toBe(10n + 10n * 7n);
  });
});
