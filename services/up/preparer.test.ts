import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Store } from "../host/store.ts";
import { compileSource } from "../wasm/testing/compile.ts";
import { Preparer } from "./preparer.ts";

test("one module is prepared after the other, what is none in between", async () => {
  const state = mkdtempSync(join(tmpdir(), "aios-preparer-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  const store = await Store.open(state);
  const preparer = new Preparer(store);
  const prepare = async (bytes: Uint8Array) => preparer.prepare(await store.putObject(bytes));
  const module = (n: number) =>
    compileSource(`export function _start(): void { store<i32>(0, ${n}); }`);
  const first = await prepare(await module(1));
  await expect(prepare(Uint8Array.of(0, 1, 2, 3))).rejects.toMatchObject({ code: "bad-request" });
  const [second, third] = await Promise.all([prepare(await module(2)), prepare(await module(3))]);
  expect(new Set([first, second, third].map(({ prepared }) => prepared.code)).size).toBe(3);
  await preparer.close();
  await store.close();
});
