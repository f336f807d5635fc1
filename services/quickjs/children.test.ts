import { expect, test } from "vitest";
import type { Run } from "../../sdk/agent/testing.ts";
import { outcomeOf, runScripts, startScript } from "./testing/run.ts";

/** Runs the script "parent" with capabilities to itself and to images by the names of the other scripts. */
async function run(scripts: Readonly<Record<string, string>>): Promise<string[]> {
  const others = Object.keys(scripts).filter((name) => name !== "parent");
  let lines: string[] = [];
  const init: Run = function* (sys) {
    const capabilities: Record<string, number> = { init: sys.self };
    for (const name of others) capabilities[name] = yield* sys.image(name);
    const parent = yield* startScript(sys, "parent", { capabilities, quota: 40 << 20 });
    const { stdout, stderr, end } = yield* outcomeOf(sys, parent);
    expect([stderr, end.reason, end.code]).toEqual(["", "exited", 0n]);
    lines = stdout.trimEnd().split("\n");
  };
  await runScripts(scripts, init);
  return lines;
}

test("a script starts others of an image, with arguments and part of what it has, and learns how they end", async () => {
  const lines = await run({
    worker: `import { args, capabilities, exit, receive } from "aios";
      console.log("worker", args, capabilities);
      const message = await receive();
      message.reply("done " + message.text);
      exit(Number(args[0]));`,
    parent: `import { childEnded, request, spawn } from "aios";
      const one = spawn("worker", { args: ["7", "ü"], capabilities: ["init"] });
      console.log((await request(one.capability, "one")).text);
      console.log(await one.ended());
      const two = spawn("worker", { args: ["8"], capabilities: { boss: "init" }, memory: 4 << 20 });
      console.log((await request(two.capability, "two")).text);
      const end = await childEnded();
      console.log(end.child === two.id, end.reason, end.code, await two.ended() === end);`,
  });
  expect(lines).toEqual([
    'worker ["7", "ü"] ["init"]',
    "done one",
    expect.stringMatching(/^{ child: \d+, reason: "exited", code: 7n }$/),
    'worker ["8"] ["boss"]',
    "done two",
    "true exited 8n true",
  ]);
});

test("what can't be started or ended is an error, and changes nothing", async () => {
  const lines = await run({
    worker: "setTimeout(() => {}, 1e6);",
    parent: `import { spawn } from "aios";
      const failure = async (run) => { try { await run(); return "none"; } catch (error) { return error.name + " " + (error.code ?? ""); } };
      console.log(await failure(() => spawn("nobody")));
      console.log(await failure(() => spawn("init")));
      console.log(await failure(() => spawn("worker", { memory: 1 << 30 })));
      console.log(await failure(() => spawn("worker", { args: ["a\\0b"] })));
      console.log(await failure(() => spawn("worker", { capabilities: ["more"] })));
      console.log(await failure(() => spawn("worker", { memory: -1 })));
      const child = spawn("worker");
      console.log(await failure(() => child.kill(-1)));
      child.kill(9);
      const { reason, code } = await child.ended();
      console.log(reason, code, await failure(() => child.kill()));`,
  });
  expect(lines).toEqual([
    "RangeError ",
    "SystemError CAPABILITY_KIND",
    "SystemError QUOTA",
    "RangeError ",
    "RangeError ",
    "RangeError ",
    "RangeError ",
    "killed 9n SystemError CAPABILITY_STALE",
  ]);
});

test("a clone knows that it is one, and is an agent of its own: identity, chance, requests", async () => {
  const lines = await run({
    echo: `import { messages } from "aios";
      for await (const message of messages()) message.reply("to " + message.sender + ": " + message.text);`,
    parent: `import { childEnded, clone, exit, id, random, request, spawn } from "aios";
      const echo = spawn("echo", { memory: 4 << 20 });
      // A queue for answers is there already when clones are made.
      await request(echo.capability, "first");
      const original = id();
      const early = Math.random();
      const pending = request(echo.capability, "asked by the original");
      const drawn = [];
      for (let n = 0; n < 3; n++) {
        const child = clone();
        if (child !== undefined) continue;
        const refused = await pending.then(() => "answered", (error) => error.code);
        const inherited = await echo.ended();
        console.log(JSON.stringify([id(), refused, inherited.reason, early, Math.random(), [...random(4)]]));
        exit(n);
      }
      const codes = [];
      for (let n = 0; n < 3; n++) codes.push((await childEnded()).code);
      console.log(JSON.stringify([id(), original === id(), (await pending).text, early, Math.random(), [...random(4)]]));
      console.log(codes.sort().join());
      echo.kill();`,
  });
  const rows = lines.slice(0, 4).map((line) => JSON.parse(line) as unknown[]);
  const [clones, originals] = [rows.slice(0, 3), rows.slice(3)];
  for (const [, refused, inherited] of clones)
    expect([refused, inherited]).toEqual(["CAPABILITY_FOREIGN", "none"]);
  expect(originals[0]?.[2]).toMatch(/^to \d+: asked by the original$/);
  expect(new Set(rows.map(([, , , early]) => early)).size).toBe(1);
  for (const at of [0, 4, 5])
    expect(new Set(rows.map((row) => JSON.stringify(row[at]))).size).toBe(4);
  expect(lines[4]).toBe("0,1,2");
});

test("a clone asks with queues of its own, though its original has asked before", async () => {
  const lines = await run({
    parent: `import { clone, exit, messages, id, request, receive } from "aios";
      const child = clone();
      if (child === undefined) {
        // The original's own answers come to it alone.
        for (let n = 0; n < 2; n++) { const message = await receive(); message.reply("served " + n); }
        const inner = clone();
        if (inner === undefined) { (await receive()).reply("inner"); exit(0); }
        console.log((await request(inner.capability, "?")).text);
        exit(0);
      }
      console.log((await request(child.capability, "?")).text);
      const second = clone();
      if (second === undefined) { const m = await receive(); m.reply("second"); exit(0); }
      console.log((await request(second.capability, "?")).text);
      console.log((await request(child.capability, "?")).text);
      await child.ended();`,
  });
  expect(lines).toEqual(["served 0", "second", "served 1", "inner"]);
});
