import { expect, test } from "vitest";
import { compileAssemblyScript } from "./compilers.ts";
import { startSystem } from "./index.ts";

test("the seller takes what it asks for", async () => {
  const module = await compileAssemblyScript("examples/negotiation/seller.ts");
  const buyer = `
    import { request } from "aios";
    console.log((await request("seller", "offer 100")).text);`;
  const system = await startSystem({
    seller: { module, args: ["100", "60", "200"] },
    buyer: { script: new TextEncoder().encode(buyer), peers: ["seller"] },
  });
  expect(system.ended("buyer").stdout).toBe("accept 100\n");
  expect(system.ended("seller")).toMatchObject({ code: 0, stdout: "sold for 100\n" });
});
