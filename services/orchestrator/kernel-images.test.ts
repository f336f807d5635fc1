/** Images of the kernel: how many there can be, who pays for them, and when they go. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { compileCText } from "../../sdk/c/testing/programs.ts";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { putImage } from "./images.ts";
import { TestSystem } from "./testing/system.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start({});
});
afterAll(() => system.stop());

const MIB = 1 << 20;
/** Waits for ever; each is another one, of a bit more than 8 MiB. */
const elf = (n: number) =>
  compileCText(`#include "aios_birth.h"
    static const unsigned char filler[8 << 20] = {${n}, 1};
    static uint64_t room[8192];
    uint64_t aios_main(const struct aios_start *start) {
      struct aios_birth birth;
      __asm__ volatile("" : : "r"(filler));
      if (aios_born(start, &birth, room, sizeof room) != AIOS_STATUS_OK) return 1;
      return aios_next(start->self, room, sizeof room, 0).status;
    }`);

async function register(n: number): Promise<string> {
  const file = agentFile({ name: `large${n}`, runtime: "native", entry: "main.elf" });
  const { archive } = await build(file, { "main.elf": elf(n) });
  const image = await system.call("image.register", {
    archive: await putImage(system.store, archive),
  });
  return image.digest;
}
const free = async () => (await system.call("system.status", {})).memory.free;
const start = (image: string, name: string) => system.call("agent.run", { image, name });

test("an image is paid once for all its agents, and goes with the last one when it is removed", async () => {
  const image = await register(0);
  const before = await free();
  await start(image, "a");
  const one = before - (await free());
  expect(one).toBeGreaterThan(16 * MIB);
  await start(image, "b");
  expect(before - (await free())).toBeLessThan(one + MIB);
  await expect(system.call("image.remove", { reference: image })).rejects.toThrow(
    `${image} is wanted by default/a, default/b; remove`,
  );
  for (const name of ["a", "b"]) await system.call("agent.remove", { name, force: true });
  expect(before - (await free())).toBeGreaterThan(16 * MIB);
  await system.call("image.remove", { reference: image });
  expect(before - (await free())).toBeLessThan(MIB);
});

test("when their pool is full, those that nobody runs give way; else the start is refused, and runs later", async () => {
  const [first, second, third] = [await register(1), await register(2), await register(3)];
  // Of an eighth of 512 MiB one takes 32 while it is made, and then 16: powers of two.
  await start(first, "one");
  await start(second, "two");
  await expect(start(third, "three")).rejects.toThrow(
    /QUOTA: of 6\d{7} bytes, images of agents that run leave no room for 83\d{5}/,
  );
  expect((await system.call("agent.list", {})).map(({ name }) => name)).toEqual(["one", "two"]);
  await system.call("agent.remove", { name: "one", force: true });
  expect(await start(third, "three")).toMatchObject({ state: "running" });
  for (const name of ["two", "three"]) await system.call("agent.remove", { name, force: true });
});
