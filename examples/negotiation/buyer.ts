/** Buys as cheaply as it can before its deadline: each offer is nearer to what the seller asks. */
import { args, now, request, send, sleep } from "aios";

const [first = 0, most = 0, patience = 0, pause = 0] = args.map(Number);
const deadline = now() + BigInt(patience) * 1_000_000n;

async function negotiate(): Promise<string> {
  let offer = first;
  while (now() < deadline) {
    const [verb, price] = (await request("seller", `offer ${offer}`)).text.split(" ");
    if (verb === "accept") return `bought for ${price}`;
    console.log(`${offer}? no, ${price}`);
    offer = Math.min(most, Math.floor((offer + Number(price)) / 2));
    await sleep(pause);
  }
  send("seller", "leave");
  return "no deal";
}

console.log(await negotiate());
