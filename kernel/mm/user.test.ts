import fc from "fast-check";
import { expect, test } from "vitest";
import { BASE, EXECUTE, GUARD, Memory, MIB, PAGE, READ, WRITE } from "../testing/memory-host.ts";

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const TEXT = 0x40_0000;

test("a check changes nothing, and says what the copy would say", async () => {
  const memory = await Memory.create();
  const agent = memory.tenant();
  const at = agent.allocate(2 * PAGE, READ | WRITE | GUARD);
  const fixed = agent.allocate(PAGE, READ, at + 4 * PAGE);
  const text = agent.allocate(PAGE, READ | EXECUTE, at + 5 * PAGE);
  const free = memory.exports.framesFree();
  const cases: [number | bigint, number | bigint, boolean, boolean][] = [
    [at, 2 * PAGE, true, true],
    [at, 2 * PAGE + 1, true, false],
    [at - 1, 2, false, false],
    [at + 2 * PAGE - 1, 1, true, true],
    [fixed, PAGE, false, true],
    [fixed, 1, true, false],
    [fixed, 2 * PAGE, false, true],
    [text, 8, true, false],
    [0, 1, false, false],
    [0, 0, true, true],
    [ALL_ONES, 1, false, false],
    [ALL_ONES, 2, false, false],
    [at, ALL_ONES, false, false],
    [at, 1n << 40n, true, false],
    [0xffff_8000_0000_0000n, 8, false, false],
    [0x7fff_ffff_0000n, 8, false, false],
    [1n << 47n, 8, true, false],
  ];
  for (const [address, bytes, write, allowed] of cases)
    expect([address, bytes, agent.check(address, bytes, write)]).toEqual([
      address,
      bytes,
      allowed ? "OK" : "BAD_ADDRESS",
    ]);
  expect(memory.exports.framesFree()).toBe(free);
  expect(agent.walk(at)).toBeNull();
});

test("copies cross pages, bring in what isn't there, and copy what is shared before they write", async () => {
  const memory = await Memory.create();
  const [agent, clone] = [memory.tenant(), memory.tenant()];
  const at = agent.allocate(5 * MIB);
  await fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 4 * MIB }),
      fc.uint8Array({ minLength: 1, maxLength: 20000 }),
      (offset, bytes) => {
        expect(agent.write(at + offset, bytes)).toBe("OK");
        expect(agent.read(at + offset, bytes.length)).toEqual(bytes);
      },
    ),
    { numRuns: 50 },
  );
  agent.write(at, new Uint8Array([1, 2]));
  memory.exports.worldClone(BigInt(agent.id), BigInt(clone.id));
  agent.write(at, new Uint8Array([9]));
  expect(clone.read(at, 2)).toEqual(new Uint8Array([1, 2]));
  expect(memory.broken).toBe("INVARIANTS_HOLD");
});

test("the text of the image can be read and not written, with a space and without", async () => {
  const memory = await Memory.create();
  const agent = memory.tenant();
  // The image's format (kernel/agent/image_format.ts): "AIOSIMG1", runtime, program, entry, text.
  const image = new Uint8Array(64 + 5000);
  image.set(new TextEncoder().encode("AIOSIMG1"));
  image.fill(7, 64);
  memory.scratch.set(image);
  const { byteOffset } = memory.scratch;
  expect(memory.exports.worldImage(BigInt(agent.id), byteOffset, BigInt(image.length))).toBe(1);
  for (let round = 0; round < 2; round++) {
    expect(agent.read(TEXT + 4000, 1000)).toEqual(new Uint8Array(1000).fill(7));
    expect(agent.check(TEXT, 2 * PAGE)).toBe("OK");
    expect(agent.check(TEXT, 2 * PAGE + 1)).toBe("BAD_ADDRESS");
    expect(agent.check(TEXT, 1, true)).toBe("BAD_ADDRESS");
    expect(agent.write(TEXT, new Uint8Array([1]))).toBe("BAD_ADDRESS");
    expect(agent.walk(TEXT + PAGE)).toMatchObject({ writable: false, user: true });
    expect(agent.walk(0x7fff_ffff_0000)).toMatchObject({ writable: false, user: true });
    expect(agent.fault(TEXT, 6)).toBe(false);
    agent.allocate(PAGE, READ | WRITE, BASE + round * PAGE);
  }
  expect(memory.broken).toBe("INVARIANTS_HOLD");
});
