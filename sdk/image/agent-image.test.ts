import { describe, expect, test } from "vitest";
import { AGENT_TEXT_BYTES_MAX, agentImage } from "./agent-image.ts";
import { imageErrorOf } from "./testing.ts";

const view = (image: Uint8Array) => new DataView(image.buffer);

describe("an agent's image", () => {
  test("begins with 64 bytes of header: magic, runtime, program, entry; the text follows", () => {
    const image = agentImage({
      runtime: "synthetic",
      text: Uint8Array.from({ length: 64 }, (_, n) => n),
      entry: 32,
    });
    expect(Buffer.from(image.subarray(0, 8)).toString()).toBe("AIOSIMG1");
    expect(view(image).getUint32(8, true)).toBe(0);
    expect(view(image).getBigUint64(16, true)).toBe(32n);
    expect([...image.subarray(24, 64)].every((byte) => byte === 0)).toBe(true);
    expect([image.length, image[64], image[127]]).toEqual([128, 0, 63]);
  });

  test("of a program names it by number: FNV-1a of its name, as published", () => {
    // fnv1a32("foobar") of the test vectors of Noll's FNV page.
    const image = agentImage({ runtime: "host", program: "foobar" });
    expect([view(image).getUint32(8, true), view(image).getUint32(12, true)]).toEqual([
      1, 0xbf9cf968,
    ]);
    expect(view(agentImage({ runtime: "host", program: 7 })).getUint32(12, true)).toBe(7);
  });

  test.each([
    [
      "too much text",
      () => agentImage({ runtime: "synthetic", text: new Uint8Array(AGENT_TEXT_BYTES_MAX + 1) }),
    ],
    [
      "an entry behind the text",
      () => agentImage({ runtime: "synthetic", text: new Uint8Array(32), entry: 33 }),
    ],
    [
      "half an entry",
      () => agentImage({ runtime: "synthetic", text: new Uint8Array(32), entry: 0.5 }),
    ],
    ["a program that is no number of 32 bits", () => agentImage({ runtime: "host", program: -1 })],
  ])("with %s is refused", async (_, make) => {
    expect((await imageErrorOf(async () => make())).code).toBe("agent-image");
  });
});
