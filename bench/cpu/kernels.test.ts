/** What the kernels answer, against the same computed in TypeScript in another way. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { requireTool } from "../../sim/host/testing/tools.ts";
import { compile, KERNELS, type Target } from "./images.ts";
import { runOurs } from "./ours.ts";
import { findPeers, type Peer } from "./peers.ts";

const ROUNDS = 3;
const mod64 = (value: bigint) => BigInt.asUintN(64, value);

/** Marsaglia 2003, the 32-bit generator with shifts 13, 17, 5. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
}

const draw = (count: number, seed: number) => Array.from({ length: count }, random(seed));
const digest = (values: readonly (number | bigint)[]) =>
  values.reduce<bigint>((sum, value) => mod64(sum * 31n + BigInt(value)), 0n);

function primesBelow(limit: number): number {
  const isPrime = (n: number) => {
    for (let by = 2; by * by <= n; by++) if (n % by === 0) return false;
    return true;
  };
  return Array.from({ length: limit - 2 }, (_, at) => at + 2).filter(isPrime).length;
}

function product(round: number): bigint {
  const side = 12;
  const drawn = draw(2 * side * side, round + 1).map((value) => value & 1023);
  const [a, b] = [0, 1].map((odd) => drawn.filter((_, at) => at % 2 === odd)) as [
    number[],
    number[],
  ];
  const cells = a.map((_, cell) => {
    const [row, column] = [Math.floor(cell / side), cell % side];
    return Array.from(
      { length: side },
      (_, k) => (a[row * side + k] ?? 0) * (b[k * side + column] ?? 0),
    );
  });
  return digest(cells.map((terms) => terms.reduce((sum, term) => sum + term, 0)));
}

function copied(round: number): bigint {
  const words = 256;
  const from = new DataView(new ArrayBuffer((words + 1) * 8));
  for (const [at, value] of draw(words + 1, round + 1).entries())
    from.setUint32(at * 8, value, true);
  const word = (pass: number, at: number) => from.getBigUint64(at * 8 + (pass & 1) * 3, true);
  const sums = [0, 1, 2, 3, 4, 5].map((pass) => word(pass, round & 255) + word(pass, words - 1));
  return digest(sums);
}

/** One cycle through all (Sattolo 1986). */
function chased(round: number): number {
  const next = random(12345);
  const order = Array.from({ length: 256 }, (_, at) => at);
  for (let at = 255; at > 0; at--) {
    const other = next() % at;
    [order[at], order[other]] = [order[other] ?? 0, order[at] ?? 0];
  }
  let at = round & 255;
  for (let step = 0; step < 3000; step++) at = order[at] ?? 0;
  return at;
}

function fibonacci(n: number): number {
  const phi = (1 + Math.sqrt(5)) / 2;
  return Math.round(phi ** n / Math.sqrt(5));
}

/** A round of each kernel, in the order of KERNELS. */
const ANSWERS: readonly ((round: number) => number | bigint)[] = [
  (round) => crc32(Buffer.concat(Array(8).fill(Uint8Array.from(draw(1024, round + 1))))),
  (round) => primesBelow(4096 - (round & 7)),
  (round) => digest(draw(512, round + 1).sort((a, b) => a - b)),
  product,
  copied,
  chased,
  (round) => fibonacci(9 + (round & 1)),
];

function expected(kernel: number): string {
  let sum = 0n;
  for (let round = 1; round <= ROUNDS; round++)
    sum = mod64(sum * 1000003n + BigInt(ANSWERS[kernel]?.(round) ?? 0));
  return sum.toString(16).padStart(16, "0");
}

describe("each kernel of the benchmark computes what it should", () => {
  let directory = "";
  let found: readonly Peer[] | undefined;
  const peers = () => {
    found ??= findPeers(directory);
    return found;
  };
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "kernels-"));
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  const image = (target: Target, kernel: number) =>
    compile(target, { kernel, rounds: ROUNDS, repeat: 2, small: true }, directory);

  for (const [kernel, { name }] of KERNELS.entries()) {
    it(`${name}: on the machine with 64 and 32 bits, and on the host`, async () => {
      requireTool("gcc");
      for (const target of ["bare64", "bare32"] as const)
        expect((await runOurs(image(target, kernel))).checksum, target).toBe(expected(kernel));
      const native = peers().find(({ target }) => target === "hosted");
      expect((await native?.run(image("hosted", kernel)))?.checksum).toBe(expected(kernel));
    });
  }

  it("what is repeated is counted: twice the repetitions are twice the instructions", async () => {
    requireTool("gcc");
    const count = async (repeat: number) => {
      const work = { kernel: 2, rounds: ROUNDS, repeat, small: true };
      return (await runOurs(compile("bare64", work, directory))).instructions;
    };
    // The marks cost some, and end within a turn.
    const [two, six] = [await count(2), await count(6)];
    expect(six / two).toBeGreaterThan(2.99);
    expect(six / two).toBeLessThan(3.01);
  });

  it("under every emulator that is installed, from its own way of starting", async () => {
    requireTool("gcc");
    for (const peer of peers())
      expect((await peer.run(image(peer.target, 3))).checksum, peer.name).toBe(expected(3));
  });
});
