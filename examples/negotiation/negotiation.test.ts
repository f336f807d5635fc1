import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { compileAssemblyScript } from "../../sdk/testing/compilers.ts";
import { startSystem } from "../../sdk/testing/index.ts";
import { bundle } from "../../services/quickjs/bundle.ts";

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));
let module: Uint8Array;
let script: Uint8Array;
beforeAll(async () => {
  module = await compileAssemblyScript(file("seller.ts"));
  script = await bundle(file("buyer.ts"));
});

/** Seller: asks, must have, patience in ms. Buyer: first offer, most, patience and pause in ms. */
async function negotiate(seller: readonly number[], buyer: readonly number[]) {
  const system = await startSystem({
    seller: { module, args: seller.map(String) },
    buyer: { script, args: buyer.map(String), peers: ["seller"] },
  });
  const outcome = ["buyer", "seller"].map((name) => system.ended(name).stdout.split("\n").at(-2));
  const offers = system.trace
    .filter(({ agent, call }) => agent === "seller" && call === "aios.receive")
    .map((it) => Number(/"offer (\d+)"/.exec(it.arguments.buffer ?? "")?.[1]))
    .filter((offer) => !Number.isNaN(offer));
  return { outcome, offers, text: system.text };
}

test("they meet between what one must have and the other can pay, and name the same price", async () => {
  const { outcome, offers } = await negotiate([100, 60, 200], [40, 80, 190, 10]);
  const price = Number(/bought for (\d+)/.exec(outcome[0] ?? "")?.[1]);
  expect(outcome).toEqual([`bought for ${price}`, `sold for ${price}`]);
  expect(price).toBeGreaterThanOrEqual(60);
  expect(price).toBeLessThanOrEqual(80);
  expect(offers[0]).toBe(40);
  // Nobody goes back on an offer.
  expect(offers).toEqual([...offers].sort((a, b) => a - b));
  expect(offers.at(-1)).toBe(price);
});

test("where there is nothing between them, both leave when their time is over", async () => {
  const { outcome, offers } = await negotiate([100, 90, 200], [40, 80, 100, 10]);
  expect(outcome).toEqual(["no deal", "no deal"]);
  expect(Math.max(...offers)).toBe(80);
});

test("what is negotiated twice ends the same way, call by call", async () => {
  const texts = [];
  for (let n = 0; n < 2; n++) texts.push((await negotiate([100, 60, 100], [40, 80, 90, 10])).text);
  expect(texts[0]).toBe(texts[1]);
});
