import { expect, test } from "vitest";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { cloneScript, drain, runScripts, startScript } from "./testing/run.ts";

test("clones have their original's heap, pipes and capabilities of their own, and each its own chance", async () => {
  const script = `
    import { random, receive, send } from "aios";
    const before = Math.random();
    console.log("begun");
    const { text } = await receive();
    const drawn = [Math.random(), Math.random(), random(8)];
    console.log(JSON.stringify({ before, text, drawn }));
    send("parent", text);`;
  const CLONES = 6;
  const seen: { before: number; text: string; drawn: unknown[] }[] = [];
  const senders = new Map<string, number>();
  const ids: number[] = [];
  function* finish(sys: Sys, it: { readonly id: number; readonly stdout: number }): Step<void> {
    yield* sys.ended(it.id);
    ids.push(it.id);
    seen.push(JSON.parse((yield* drain(sys, it.stdout)).replace("begun\n", "")));
  }
  await runScripts({ script }, function* (sys) {
    const capabilities = { parent: sys.self };
    const original = yield* startScript(sys, "script", { capabilities, quota: 4 << 20 });
    yield* sys.sleep(10_000_000);
    yield* sys.suspend(original.capability);
    const clones = [];
    for (let n = 0; n < CLONES; n++) {
      // The name is another's there, and at another place.
      const others = { aside: original.capability, ...capabilities };
      clones.push(yield* cloneScript(sys, original, { capabilities: others }));
    }
    yield* sys.resume(original.capability);
    for (const [n, it] of [original, ...clones].entries()) {
      yield* sys.send(it.capability, new TextEncoder().encode(`agent ${n}`));
      const { sender, bytes } = yield* sys.receive();
      senders.set(new TextDecoder().decode(bytes), sender);
      yield* finish(sys, it);
    }
  });
  expect(seen.map(({ text }) => text)).toEqual(
    Array.from({ length: CLONES + 1 }, (_, n) => `agent ${n}`),
  );
  expect([...senders.values()]).toEqual(ids);
  expect(new Set(ids).size).toBe(CLONES + 1);
  expect(new Set(seen.map(({ before }) => before)).size).toBe(1);
  const drawn = seen.flatMap(({ drawn }) => drawn.map((it) => JSON.stringify(it)));
  expect(new Set(drawn).size).toBe(3 * (CLONES + 1));
});
