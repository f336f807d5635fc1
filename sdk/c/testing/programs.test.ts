/** The recorded ELF files, for hosts without a compiler: of the present sources, and they run. */
import { expect, test } from "vitest";
import { checkElf } from "../../image/elf.ts";
import { buildBootImage, Machine } from "../../index.ts";
import { cPrograms, recordedC, recordedDigests, sourceDigests } from "./programs.ts";

test("recorded programs are of the present sources: else run tsx sdk/c/testing/programs.ts", () => {
  expect(recordedDigests()).toBe(sourceDigests());
  for (const name of cPrograms()) checkElf(recordedC(name), name);
});

test("the recorded hello says hello", async () => {
  const drive = await buildBootImage({ entries: [{ name: "init", data: recordedC("hello") }] });
  const machine = await Machine.create({ memory: 64 << 20, drives: [{ data: drive }] });
  expect(machine.boot({ until: 60_000_000_000n })).toBe("idle");
  expect(machine.kernel.agents[0]?.end).toEqual({ reason: "exited", code: 0n });
  expect(machine.consoleText.split("free\r\n")[1]).toBe("hello from ring 3\n");
});
