import fc from "fast-check";
import { expect, test } from "vitest";
import { CHUNK_BYTES, Drive, type DriveBackend } from "./drives.ts";

const BYTES = 3 * CHUNK_BYTES + 512;
const IMAGE = new Uint8Array(BYTES).map((_, at) => (at * 7 + (at >> 9)) & 0xff);

/** A backend that counts what is read of it. */
function counting(): DriveBackend & { reads: number } {
  return {
    bytes: BYTES,
    reads: 0,
    read(offset, into) {
      this.reads += 1;
      into.set(IMAGE.subarray(offset, offset + into.length));
    },
  };
}

const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0;

test("zeroing whole chunks of an overlay reads nothing of the image", () => {
  const backend = counting();
  const drive = new Drive({ backend });
  drive.zero(0, BYTES);
  expect(backend.reads).toBe(0);
  expect(same(drive.image(), new Uint8Array(BYTES))).toBe(true);
});

test("any writes and zeroes, over a fork as well, leave what they leave in a plain array", () => {
  const range = fc
    .tuple(fc.nat(BYTES - 1), fc.oneof(fc.nat(2048), fc.nat(BYTES)))
    .map(([at, bytes]) => [at, Math.min(bytes, BYTES - at)] as const);
  const step = fc.tuple(fc.nat(1), fc.oneof(fc.constant([0, BYTES] as const), range), fc.nat(255));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), fc.nat(12), (steps, forkAt) => {
      const drives = [new Drive({ data: IMAGE })];
      const models = [IMAGE.slice()];
      steps.forEach(([who, [at, bytes], fill], n) => {
        if (n === forkAt) {
          drives.push((drives[0] as Drive).fork());
          models.push((models[0] as Uint8Array).slice());
        }
        const which = who % drives.length;
        const [drive, model] = [drives[which] as Drive, models[which] as Uint8Array];
        if (fill % 2) drive.zero(at, bytes);
        else drive.write(at, new Uint8Array(bytes).fill(fill));
        model.fill(fill % 2 ? 0 : fill, at, at + bytes);
      });
      drives.forEach((drive, n) => {
        expect(same(drive.image(), models[n] as Uint8Array)).toBe(true);
      });
    }),
    { numRuns: 100 },
  );
});
