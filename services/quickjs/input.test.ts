import { expect, test } from "vitest";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { outcomeOf, runScript, runScripts, startScript } from "./testing/run.ts";

const TICK = 5_000_000;

/** Gives a script these parts to read, one after the other, and then the end; what it has written. */
async function given(script: string, parts: readonly Uint8Array[]): Promise<string> {
  let written = "";
  function* feed(sys: Sys): Step<void> {
    const stdin = yield* sys.endpoint("pipe", 64 * 1024);
    const child = yield* startScript(sys, "script", { stdin, capabilities: { parent: sys.self } });
    for (const part of parts) {
      yield* sys.sleep(TICK);
      yield* sys.write(stdin, part);
    }
    yield* sys.sleep(TICK);
    yield* sys.close(stdin);
    const { stdout, stderr, end } = yield* outcomeOf(sys, child);
    expect([end.reason, end.code, stderr]).toEqual(["exited", 0n, ""]);
    written = stdout;
  }
  await runScripts({ script }, feed);
  return written;
}

const bytes = (text: string) => new TextEncoder().encode(text);

test("lines are whole however their bytes come, and the loop ends where the input does", async () => {
  const text = "first\n\nzwölf €\n😀 and more\nwithout its end";
  const all = bytes(text);
  // Each character of several bytes is cut somewhere.
  const parts = Array.from({ length: Math.ceil(all.length / 7) }, (_, n) =>
    all.subarray(7 * n, 7 * n + 7),
  );
  const script = `import { stdin } from "aios";
    for await (const line of stdin.lines()) console.log(JSON.stringify(line));
    console.log(await stdin.read());`;
  const expected = [...text.split("\n").map((line) => JSON.stringify(line)), "undefined\n"];
  expect(await given(script, parts)).toBe(expected.join("\n"));
});

test("bytes come as they are, and what lines have left is there for who reads next", async () => {
  const script = `import { stdin } from "aios";
    for await (const line of stdin.lines()) { console.log(line); break; }
    for await (const part of stdin) console.log(part);`;
  const written = await given(script, [bytes("head\nrest"), new Uint8Array([0, 255, 10])]);
  expect(written).toBe("head\nUint8Array [114, 101, 115, 116]\nUint8Array [0, 255, 10]\n");
});

test("a script that waits for input doesn't stand still: timers go on beside", async () => {
  const script = `import { stdin, now } from "aios";
    let beats = 0;
    const beat = setInterval(() => beats++, 1);
    await stdin.read();
    console.log(beats >= 3);
    const more = [stdin.read(), stdin.read()];
    console.log((await Promise.all(more)).map((it) => it?.length));
    clearInterval(beat);`;
  expect(await given(script, [bytes("a"), bytes("bc")])).toBe("true\n[2, undefined]\n");
});

test("a script that was given no input is at its end at once", async () => {
  const script = `import { stdin } from "aios";
    for await (const line of stdin.lines()) console.log(line);
    console.log("none");`;
  expect((await runScript(script)).stdout).toBe("none\n");
});
