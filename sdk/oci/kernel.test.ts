import { expect, test } from "vitest";
import { Machine } from "../../sim/host/machine.ts";
import { buildBootImage } from "../image/index.ts";
import { verifyImage } from "./read.ts";
import { agentFile, build, CODE } from "./testing.ts";

/** agent.json and the files that it names, by runtime. */
const AGENTS = {
  wasm: [agentFile(), { "agent.wasm": CODE.wasm }],
  quickjs: [agentFile({ runtime: "quickjs", entry: "main.js" }), { "main.js": CODE.quickjs }],
  native: [agentFile({ runtime: "native", entry: "main.elf" }), { "main.elf": CODE.native }],
  host: [agentFile({ runtime: "host", entry: undefined, program: "gateway" }), {}],
} as const;

test("the kernel computes the digest that the configuration says, whatever the runtime", async () => {
  const images = await Promise.all(
    Object.values(AGENTS).map(async ([file, files]) =>
      verifyImage((await build(file, files)).archive),
    ),
  );
  const entries = images.map(({ config, kernelImage }) => ({
    name: config.runtime,
    data: kernelImage,
  }));
  const machine = await Machine.create({
    memory: 64 * 1024 ** 2,
    drives: [{ data: await buildBootImage({ entries }) }],
  });
  machine.boot();
  // The kernel prints the name, the size and its own digest of each entry when it has verified it.
  for (const { config, kernelImage } of images) {
    const hex = config.codeDigest.slice("sha256:".length);
    const line = machine.consoleText.split("\n").find((text) => text.includes(hex));
    expect(line, config.runtime).toContain(`${config.runtime} (${kernelImage.length} bytes)`);
  }
  expect(new Set(images.map(({ codeDigest }) => codeDigest)).size).toBe(4);
});
