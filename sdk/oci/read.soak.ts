/** Images that an attacker's program writes: many changes at once, with checksums and digests made right again. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { OciError } from "./errors.ts";
import { verifyImage } from "./read.ts";
import { TAR_BLOCK, TAR_FIELDS, tarChecksum } from "./tar-write.ts";
import { agentFile, build } from "./testing.ts";

const RUNS = 50_000;
const { archive, digest } = await build(agentFile({ capabilities: ["FS_READ:/projects/demo"] }));
const text = new TextDecoder("latin1").decode(archive);

/** Where headers begin. */
const headers = [...text.matchAll(/ustar.00/gs)].map(({ index }) => index - TAR_FIELDS.magic[0]);

interface Change {
  readonly at: number;
  readonly bytes: Uint8Array;
}

const somewhere = fc.record({
  at: fc.nat(archive.length - 1),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 16 }),
});
const inHeader = fc
  .tuple(
    fc.constantFrom(...headers),
    fc.constantFrom(...Object.values(TAR_FIELDS)),
    fc.oneof(
      fc.constantFrom(
        "00000000000",
        "77777777777",
        "../../x",
        "index.json",
        "x",
        "2",
        "S",
        "L",
        "\0",
      ),
      fc.string({ maxLength: 12 }),
    ),
  )
  .map(([header, [from, length], value]) => ({
    at: header + from,
    bytes: new TextEncoder().encode(value).slice(0, length),
  }));

function changed(changes: readonly Change[]): Uint8Array {
  const copy = archive.slice();
  for (const { at, bytes } of changes) copy.set(bytes.slice(0, copy.length - at), at);
  for (const at of headers) {
    const header = copy.subarray(at, at + TAR_BLOCK);
    const sum = `${tarChecksum(header).toString(8).padStart(6, "0")}\0 `;
    header.set(new TextEncoder().encode(sum), TAR_FIELDS.checksum[0]);
  }
  return copy;
}

test("whatever is changed, it is refused in one line or is still the same agent", async () => {
  let accepted = 0;
  const changes = fc.array(fc.oneof(somewhere, inHeader), { minLength: 1, maxLength: 4 });
  await fc.assert(
    fc.asyncProperty(changes, async (list) => {
      try {
        expect((await verifyImage(changed(list))).digest).toBe(digest);
        accepted += 1;
      } catch (error) {
        if (!(error instanceof OciError)) throw error;
        expect(error.message).toMatch(/^[^\n]+ \([a-z-]+\)$/);
      }
    }),
    { numRuns: RUNS },
  );
  // Times and owners are nobody's business, so some changes don't matter.
  expect(accepted).toBeGreaterThan(0);
});
