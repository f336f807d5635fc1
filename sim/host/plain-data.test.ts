import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodePlain, encodePlain } from "./plain-data.ts";

const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<unknown>(undefined, null, true, false),
    fc.double({ noNaN: true }),
    fc.bigInt({ min: -(2n ** 130n), max: 2n ** 130n }),
    fc.string({ unit: "binary" }),
    fc.uint8Array(),
    fc.uint32Array(),
    fc.array(tie("tree")),
    fc.dictionary(fc.string(), tie("tree")),
  ),
}));

describe("plain data", () => {
  test("is what it was after it has been bytes", () => {
    fc.assert(
      fc.property(tree, (value) => {
        expect(decodePlain(encodePlain(value))).toEqual(value);
      }),
    );
  });

  test("has the same bytes in whatever order its keys are, and whatever it shares", () => {
    const page = new Uint8Array(9).fill(7);
    const one = encodePlain({ a: page, b: [page, -1n] });
    expect(encodePlain({ b: [page.slice(), -1n], a: page.slice() })).toEqual(one);
    expect(encodePlain({ a: page, b: [page, 255n] })).not.toEqual(one);
  });

  test("is nothing with behaviour, and nothing that contains itself", () => {
    const ring: unknown[] = [];
    ring.push(ring);
    for (const value of [new Map(), () => 1, Symbol("s"), new Date(), ring])
      expect(() => encodePlain(value)).toThrow(expect.objectContaining({ code: "bad-argument" }));
  });

  test("that was damaged is refused or is other data, and reads nothing beyond its end", () => {
    fc.assert(
      fc.property(tree, fc.nat(), fc.integer({ min: 1, max: 255 }), (value, where, bits) => {
        const bytes = encodePlain(value).slice();
        const at = where % bytes.length;
        bytes[at] = (bytes[at] ?? 0) ^ bits;
        try {
          decodePlain(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(Error);
        }
        const cut = encodePlain(value).slice(0, at);
        expect(() => decodePlain(cut)).toThrow(expect.objectContaining({ code: "bad-argument" }));
      }),
    );
  });
});
