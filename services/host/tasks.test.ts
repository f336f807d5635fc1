import { expect, test } from "vitest";
import { RIGHTS_ALL } from "../../kernel/cap/rights.ts";
import type { SyscallError } from "../../sdk/agent/error.ts";
import { runAgents } from "../../sdk/agent/testing.ts";
import { giveUp } from "./tasks.ts";

/** Itself and its pool are two of them. */
const CAPABILITIES = 8;

test("what the kernel has cleared away, since somebody else has made it worthless, can be given up", async () => {
  const refusals: string[] = [];
  await runAgents({
    *holder(sys) {
      const { capability } = yield* sys.receive();
      yield* sys.send(capability, new Uint8Array());
      // From here on it is worth nothing, and a full table has no place for it.
      yield* sys.receive();
      for (let n = 0; n < CAPABILITIES; n++)
        try {
          yield* sys.derive(sys.self, { rights: RIGHTS_ALL });
        } catch (error) {
          refusals.push((error as SyscallError).status);
        }
      try {
        yield* sys.drop(capability);
      } catch (error) {
        refusals.push((error as SyscallError).status);
      }
      yield* giveUp(sys, capability);
    },
    *init(sys) {
      const image = yield* sys.image("holder");
      const child = yield* sys.spawn({ image, quota: 4 << 20, capabilities: CAPABILITIES });
      const queue = yield* sys.endpoint("queue", 1);
      yield* sys.send(child.capability, new Uint8Array(), queue);
      yield* sys.receive(queue);
      yield* sys.drop(queue);
      yield* sys.send(child.capability, new Uint8Array());
      expect(yield* sys.ended(child.id)).toMatchObject({ reason: "exited", code: 0n });
    },
  });
  expect(refusals).toContain("LIMIT");
  expect(refusals.at(-1)).toMatch(/^CAPABILITY_/);
});
