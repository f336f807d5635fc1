import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { agentImage } from "../image/agent-image.ts";
import { runAgents } from "./testing.ts";

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test("an agent makes an image of bytes and starts it; everybody's digest is that of the bytes", async () => {
  const text = Uint8Array.from({ length: 150_000 }, (_, n) => n ^ (n >> 8));
  const file = agentImage({ runtime: "host", program: "worker", text });
  const digests: string[] = [];
  const ends: string[] = [];
  await runAgents({
    *init(sys) {
      const used = (yield* sys.info(sys.self)).used;
      const image = yield* sys.createImage(file);
      const children = [
        yield* sys.spawn({ image, argument: sys.self }),
        yield* sys.spawn({ image: yield* sys.image("worker") }),
      ];
      yield* sys.drop(image);
      digests.push((yield* sys.info(sys.self)).digest);
      for (const { id, capability } of children) {
        digests.push((yield* sys.info(capability)).digest);
        const { reason, code } = yield* sys.ended(id);
        ends.push(`${reason} ${code}`);
      }
      // What is left is the page for arguments and the room for pieces.
      expect((yield* sys.info(sys.self)).used - used).toBeLessThan(100_000);
      const wrong = sys.createImage(file.subarray(1));
      const refused = yield* catching(wrong);
      expect(refused).toBe("IMAGE_SEAL: BAD_IMAGE");
    },
    *worker(sys) {
      yield* sys.exit(7);
    },
  });
  const plain = (program: string) => sha256(agentImage({ runtime: "host", program }));
  expect(digests).toEqual([plain("init"), sha256(file), plain("worker")]);
  expect(ends).toEqual(["exited 7", "exited 7"]);
});

function* catching<Y, T, N>(steps: Generator<Y, T, N>): Generator<Y, string, N> {
  try {
    yield* steps;
    return "done";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
