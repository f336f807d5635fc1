import { expect, test } from "vitest";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { runAgents } from "../../sdk/agent/testing.ts";
import { newsQueue, postLast } from "./news.ts";

test("the last word takes the place of one that nobody has taken, of any length", async () => {
  const heard: string[] = [];
  await runAgents({
    *init(sys: Sys): Step<void> {
      const queue = yield* newsQueue(sys, sys.pool) as Step<number>;
      for (const word of ["a long word", "short", "x".repeat(5000), "last"])
        yield* postLast(sys, queue, new TextEncoder().encode(word)) as Step<void>;
      heard.push(new TextDecoder().decode((yield* sys.receive(queue)).bytes));
      const woken = yield* sys.wait({ on: [queue], deadline: (yield* sys.now()) + 1000n });
      heard.push(woken.what);
    },
  });
  expect(heard).toEqual(["last", "deadline"]);
});
