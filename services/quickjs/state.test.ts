import { expect, test } from "vitest";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { machineWith, type Run } from "../../sdk/agent/testing.ts";
import { Machine } from "../../sim/host/machine.ts";
import { Snapshot } from "../../sim/host/snapshot.ts";
import { replayed } from "../wasm/testing/replayed.ts";
import {
  cloneScript,
  drain,
  outcomeOf,
  programsOf,
  runScripts,
  startScript,
} from "./testing/run.ts";

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

/** For each line of its input it starts a worker and makes a clone of itself; all draw from their own streams. */
const FAMILY = {
  family: `import { childEnded, clone, exit, id, random, request, spawn, stdin } from "aios";
    const draw = () => [id(), Math.random(), ...random(4)].join(":");
    for await (const line of stdin.lines()) {
      const worker = spawn("worker", { args: [line], memory: 3 << 20 });
      const child = clone();
      if (child === undefined) { console.log("clone " + line + " " + draw()); exit(line.length); }
      console.log((await request(worker.capability, line)).text, draw());
      worker.kill(line.length);
      for (let n = 0; n < 2; n++) { const { reason, code } = await childEnded(); console.log(reason, code); }
    }`,
  worker: `import { args, messages, id, random } from "aios";
    for await (const it of messages()) it.reply(args[0] + it.text + " " + [id(), Math.random(), ...random(4)].join(":"));`,
};
const PART = 90;
const UNTIL = 10_000_000_000n;

test("with children, clones and input under way, copies of the machine go on as it does", async () => {
  const written: string[] = [];
  const init: Run = function* (sys) {
    const stdin = yield* sys.endpoint("pipe", 64);
    const capabilities = { worker: yield* sys.image("worker") };
    const given = { stdin, capabilities, quota: 24 << 20 };
    const family = yield* startScript(sys, "family", given);
    for (const text of ["a\nb", "cd\n", "efg"]) {
      yield* sys.write(stdin, new TextEncoder().encode(text));
      yield* sys.sleep(8_000_000);
    }
    yield* sys.close(stdin);
    const { stdout, stderr } = yield* outcomeOf(sys, family);
    written.push(stdout + stderr);
  };
  const boot = async () => {
    const programs = { init: replayed(init), ...(await programsOf(FAMILY)) };
    return await machineWith({}, { programs });
  };
  const finish = (machine: Machine): string => {
    machine.run({ until: UNTIL });
    expect(machine.agents.failures).toEqual([]);
    return machine.stateHash();
  };
  const whole = finish(await boot());
  const machine = await boot();
  const options = {
    drives: machine.drives.map(({ options }) => options),
    programs: machine.agents.programs,
  };
  const copies: Machine[] = [];
  for (let n = 0; machine.run({ steps: PART, until: UNTIL }) === "steps"; n++) {
    if (n % 3 === 0) copies.push(machine.fork());
    if (n % 6 !== 2) continue;
    const file = await machine.snapshot().toBytes();
    copies.push(await Machine.restore(await Snapshot.fromBytes(file), options));
  }
  copies.push(await Machine.replay(machine.journal, options));
  expect(copies.length).toBeGreaterThan(3);
  for (const copy of copies) expect(finish(copy)).toBe(whole);
  expect(new Set(written).size).toBe(1);
  const drawn = [...(written[0] ?? "").matchAll(/\d+:0\.\d+(:\d+){4}/g)].map(([it]) => it);
  expect(drawn).toHaveLength(9);
  expect(new Set(drawn.map((it) => it.replace(/^\d+:/, ""))).size).toBe(9);
});
