import { createCipheriv } from "node:crypto";
import { expect, test } from "vitest";
import { ProcessorBench } from "../../host/testing/processor.ts";

const seed = Uint8Array.from({ length: 32 }, (_, index) => 3 * index + 1);

const draw = (bench: ProcessorBench, count: number) =>
  Array.from({ length: count }, () => BigInt.asUintN(64, bench.do.readSeed()));

test("CPUID leaf 7 says that there is RDSEED (EBX bit 18)", async () => {
  const bench = await ProcessorBench.create();
  bench.do.cpuid(7, 0);
  expect((bench.cpu.rbx >> 18n) & 1n).toBe(1n);
});

test("RDSEED gives the key stream of ChaCha20 under the machine's seed, block after block", async () => {
  const bench = await ProcessorBench.create({ seed });
  const iv = Buffer.alloc(16);
  iv.write("DNRD", 8);
  const stream = createCipheriv("chacha20", seed, iv).update(Buffer.alloc(24 * 8));
  const expected = Array.from({ length: 24 }, (_, index) => stream.readBigUInt64LE(index * 8));
  expect(draw(bench, 24)).toEqual(expected);
});

test("each draw changes the machine's state, and another seed gives other numbers", async () => {
  const bench = await ProcessorBench.create({ seed });
  const before = bench.machine.stateHash();
  const [first] = draw(bench, 1);
  expect(bench.machine.stateHash()).not.toBe(before);
  const other = await ProcessorBench.create();
  expect(draw(other, 1)).not.toEqual([first]);
});
