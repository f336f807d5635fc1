import { expect, test } from "vitest";
import { underWay } from "./progress.ts";

/** A terminal, and what is on it; `written` is resolved by the first word. */
function terminal() {
  let [text, wake] = ["", () => {}];
  const written = new Promise<void>((resolve) => {
    wake = resolve;
  });
  const write = (more: string) => {
    text += more;
    if (more !== "") wake();
    return true;
  };
  return { err: { isTTY: true, write }, written, text: () => text };
}

test("work that takes long is named on a terminal until it ends, whichever way", async () => {
  const [done, fails] = [terminal(), terminal()];
  expect(await underWay(done.err, "load a.wasm", done.written)).toBe(undefined);
  expect(done.text()).toBe("load a.wasm …\r\x1b[K");
  const failure = fails.written.then(() => Promise.reject(new Error("refused")));
  await expect(underWay(fails.err, "load", failure)).rejects.toThrow("refused");
  expect(fails.text()).toBe("load …\r\x1b[K");
});

test("what is done at once isn't, nor anything in a pipe", async () => {
  const { err, text } = terminal();
  expect(await underWay(err, "load", Promise.resolve(1))).toBe(1);
  expect(await underWay({ ...err, isTTY: false }, "load", Promise.resolve(2))).toBe(2);
  expect(text()).toBe("");
});
