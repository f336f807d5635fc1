import { describe, expect, test } from "vitest";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Run } from "../../sdk/agent/testing.ts";
import { type Outcome, outcomeOf, runScripts, startScript } from "./testing/run.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (it: Uint8Array) => new TextDecoder().decode(it);

/** Keeps what it is told; answers who asks. */
const STORE = `
import { messages } from "aios";
const kept = new Map();
for await (const message of messages()) {
  const { op, key, value } = message.json();
  if (op === "end") break;
  if (op === "set") kept.set(key, value);
  if (op === "get") message.reply(JSON.stringify(kept.get(key) ?? null));
}
console.log(kept.size);`;

test("a script receives messages and answers who asks", async () => {
  const answers: string[] = [];
  let stdout = "";
  await runScripts({ store: STORE }, function* (sys) {
    const store = yield* startScript(sys, "store");
    const tell = (message: object) => sys.send(store.capability, bytes(JSON.stringify(message)));
    yield* tell({ op: "set", key: "a", value: [1, 2] });
    for (const key of ["a", "b"]) {
      const queue = yield* sys.endpoint("queue");
      yield* sys.send(store.capability, bytes(JSON.stringify({ op: "get", key })), queue);
      answers.push(text((yield* sys.receive(queue)).bytes));
    }
    yield* tell({ op: "end" });
    stdout = (yield* outcomeOf(sys, store)).stdout;
  });
  expect(answers).toEqual(["[1,2]", "null"]);
  expect(stdout).toBe("1\n");
});

test("requests are under way at once, and each gets its own answer", async () => {
  const asker = `
    import { capabilities, request } from "aios";
    const ask = async (n) => (await request("store", JSON.stringify({ n }))).text;
    const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => ask(n)));
    console.log(capabilities, answers.join());`;
  const answerer = `
    import { receive } from "aios";
    // In pairs, the second one first.
    for (let n = 0; n < 20; n++) {
      const [first, second] = [await receive(), await receive()];
      for (const message of [second, first]) message.reply("answer " + message.json().n);
    }`;
  let outcome = "";
  await runScripts({ asker, answerer }, function* (sys) {
    const service = yield* startScript(sys, "answerer");
    const client = yield* startScript(sys, "asker", {
      capabilities: { store: service.capability },
    });
    const { stdout, stderr } = yield* outcomeOf(sys, client);
    outcome = stdout + stderr;
  });
  const expected = Array.from({ length: 40 }, (_, n) => `answer ${n}`).join();
  expect(outcome).toBe(`["store"] ${expected}\n`);
});

test("what the kernel refuses is an error with the status's name", async () => {
  const script = `
    import { request, send, receive } from "aios";
    const failure = async (run) => { try { await run(); return "none"; } catch (error) { return error.name + " " + (error.code ?? error.message); } };
    const { capability } = await receive();
    console.log(await failure(() => send("nobody", "x")));
    console.log(await failure(() => send("gone", "x")));
    console.log(await failure(() => request("gone", "x")));
    console.log(await failure(() => send("init", "x".repeat(65537))));
    console.log(await failure(() => send("init", 5)));
    console.log(await failure(() => send(capability, "y")));`;
  let stdout = "";
  await runScripts({ script, other: "setTimeout(() => {}, 1e6);" }, function* (sys) {
    const gone = yield* startScript(sys, "other");
    const queue = yield* sys.endpoint("queue");
    const capabilities = { gone: gone.capability, init: sys.self };
    const child = yield* startScript(sys, "script", { capabilities });
    yield* sys.kill(gone.capability);
    yield* sys.send(child.capability, bytes("go"), queue);
    yield* sys.close(queue);
    stdout = (yield* outcomeOf(sys, child)).stdout;
  });
  expect(stdout.trimEnd().split("\n")).toEqual([
    'RangeError no capability is called "nobody"',
    "SystemError OBJECT_GONE",
    "SystemError OBJECT_GONE",
    "SystemError TOO_LARGE",
    "TypeError a message is a string or a Uint8Array",
    expect.stringMatching(/^SystemError (OBJECT_GONE|CAPABILITY_)/),
  ]);
});

test("an answer is taken once: what comes later is refused", async () => {
  const asker = `
    import { request } from "aios";
    console.log((await request("init", "?")).text);
    console.log((await request("init", "??")).text);`;
  const late: string[] = [];
  let stdout = "";
  await runScripts({ asker }, function* (sys) {
    const child = yield* startScript(sys, "asker", { capabilities: { init: sys.self } });
    const first = yield* sys.receive();
    yield* sys.send(first.capability, bytes("one"));
    const second = yield* sys.receive();
    try {
      yield* sys.send(first.capability, bytes("one again"));
    } catch (error) {
      late.push((error as { status: string }).status);
    }
    yield* sys.send(second.capability, bytes("two"));
    stdout = (yield* outcomeOf(sys, child)).stdout;
  });
  expect(late).toEqual([expect.stringMatching(/^CAPABILITY_/)]);
  expect(stdout).toBe("one\ntwo\n");
});

test("an answer that comes twice is refused, and is never that of the next request", async () => {
  const script = `
    import { request } from "aios";
    for (let n = 0; n < 3; n++) console.log((await request("init", "?")).text);`;
  const refusals = new Set<string>();
  let stdout = "";
  const play: Run = function* (sys) {
    const child = yield* startScript(sys, "script", { capabilities: { init: sys.self } });
    for (let n = 0; n < 3; n++) {
      const { capability } = yield* sys.receive();
      yield* sys.send(capability, bytes(`answer ${n}`));
      // Until the first one is taken there is no room; from then on there is nobody.
      for (let status = "FULL"; status === "FULL"; )
        try {
          yield* sys.send(capability, bytes("forged"));
          status = "OK";
        } catch (error) {
          status = error instanceof SyscallError ? error.status : "";
          if (status !== "FULL") refusals.add(status);
        }
    }
    stdout = (yield* outcomeOf(sys, child)).stdout;
  };
  // On a processor of its own the other one answers at any moment.
  await runScripts({ script }, play, { cpus: 2 });
  expect(stdout).toBe("answer 0\nanswer 1\nanswer 2\n");
  expect([...refusals]).not.toContain("");
});

test("a script gives up what others send along, so that its table isn't filled by them", async () => {
  const script = `
    import { receive, send } from "aios";
    for (let n = 0; n < 40; n++) {
      (await receive()).capability.drop();
      send("init", "next");
    }
    const { capability } = await receive();
    capability.drop();
    try { capability.drop(); } catch (error) { console.log(error.message); }`;
  let outcome: Outcome | null = null;
  await runScripts({ script }, function* (sys) {
    const given = { handles: 12, capabilities: { init: sys.self } };
    const child = yield* startScript(sys, "script", given);
    const queue = yield* sys.endpoint("queue");
    for (let n = 0; n < 41; n++) {
      yield* sys.send(child.capability, bytes("keep this"), queue);
      if (n < 40) yield* sys.receive();
    }
    outcome = yield* outcomeOf(sys, child);
  });
  expect(outcome).toMatchObject({ end: { reason: "exited", code: 0n }, stderr: "" });
  expect(outcome).toMatchObject({ stdout: expect.stringMatching(/^drop: CAPABILITY_\w+\n$/) });
});

describe("a request that nobody answers", () => {
  /** What a script writes that can ask init, which answers once, and somebody who never does. */
  async function written(asker: string): Promise<string> {
    let stdout = "";
    const play: Run = function* (sys) {
      const deaf = yield* startScript(sys, "deaf");
      const capabilities = { deaf: deaf.capability, init: sys.self };
      const child = yield* startScript(sys, "asker", { capabilities });
      yield* sys.send((yield* sys.receive()).capability, bytes("answer"));
      const outcome = yield* outcomeOf(sys, child);
      stdout = outcome.stdout + outcome.stderr;
    };
    const deaf = 'import { receive } from "aios"; while (true) await receive();';
    await runScripts({ asker, deaf }, play, { until: 100_000_000_000n });
    return stdout;
  }

  test("is refused when its time is over, and so is one that waits for its turn", async () => {
    const said = await written(`
      import { now, request } from "aios";
      const ask = (timeout) => request("deaf", "?", { timeout }).catch((error) => error.code ?? error.name);
      const began = now();
      const all = await Promise.all([...Array(20).fill(500), 100].map(ask));
      console.log(all.join() === Array(21).fill("TIMED_OUT").join(), (now() - began) / 500_000_000n);
      console.log(await ask(-1), await ask(NaN), await ask("1"));
      console.log((await request("init", "?")).text);`);
    expect(said).toBe("true 1n\nRangeError RangeError RangeError\nanswer\n");
  });

  test("has a minute unless it says another time; one that is answered keeps nobody waiting", async () => {
    const said = await written(`
      import { now, request } from "aios";
      await request("init", "?", { timeout: 1e9 });
      const began = now();
      await request("deaf", "?").catch(() => {});
      console.log((now() - began) / 1_000_000_000n);`);
    expect(said).toBe("60n\n");
  });
});

test("who answers is told when nobody waits any more, and goes on", async () => {
  const answerer = `
    import { receive, send, sleep } from "aios";
    const heard = [];
    for (let n = 0; n < 3; n++) {
      const message = await receive();
      await sleep(100);
      heard.push(message.reply("late"));
    }
    send("init", heard.join());`;
  const ends = `
    import { exit, request } from "aios";
    request("answerer", "?");
    setTimeout(exit, 10);`;
  const gives = `
    import { request } from "aios";
    try { await request("answerer", "?", { timeout: 10 }); } catch ({ code }) { console.log(code); }
    console.log((await request("answerer", "?")).text);`;
  const said: string[] = [];
  await runScripts({ answerer, ends, gives }, function* (sys) {
    const service = yield* startScript(sys, "answerer", { capabilities: { init: sys.self } });
    const capabilities = { answerer: service.capability };
    for (const name of ["ends", "gives"])
      said.push((yield* outcomeOf(sys, yield* startScript(sys, name, { capabilities }))).stdout);
    said.push(text((yield* sys.receive()).bytes));
  });
  expect(said).toEqual(["", "TIMED_OUT\nlate\n", "false,false,true"]);
});
