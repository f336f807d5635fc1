/** What a native agent finds on its stack: arguments, environment, auxiliary vector. */
import { describe, expect, test } from "vitest";
import { cProgram } from "../../sdk/c/testing/programs.ts";
import { argumentEntries } from "../../sdk/image/arguments.ts";
import { elfFile } from "../../sdk/image/elf-write.ts";
import { type BundleEntry, buildBootImage, Machine } from "../../sdk/index.ts";
import { bytesOf } from "../../sim/host/testing/code.ts";
import { ARGUMENT_BYTES_MAX, ARGUMENTS_MAX } from "./elf_format.ts";

/** What the agent has written, and its end. */
async function run(entries: readonly BundleEntry[], data = cProgram("args")) {
  const drive = await buildBootImage({ entries: [{ name: "init", data }, ...entries] });
  const machine = await Machine.create({ memory: 64 << 20, drives: [{ data: drive }] });
  expect(machine.boot({ until: 60_000_000_000n })).toBe("idle");
  const [agent] = machine.kernel.agents;
  const text = machine.consoleText;
  return { lines: (text.split("free\r\n")[1] ?? "").split("\n"), end: agent?.end, text };
}

const exited = { reason: "exited", code: 0n };
const entry = (name: string, text: string): BundleEntry => ({
  name,
  data: new TextEncoder().encode(text),
});

describe("the stack of an agent", () => {
  // Each number of words puts RSP elsewhere; it must be a multiple of 16 for all (psABI 3.4.1).
  test.each([0, 1, 2, 3])(
    "has %i arguments and as many strings of the environment",
    async (count) => {
      const words = ["one", "", "three has blanks and ü"].slice(0, count);
      const environment = ["HOME=/", "EMPTY=", "odd"].slice(0, count);
      const { lines, end } = await run(argumentEntries("init", { arguments: words, environment }));
      expect(lines).toEqual(["init", ...words, ...environment, "init", ""]);
      expect(end).toEqual(exited);
    },
  );
  test("has an odd number of words, and RSP is a multiple of 16 still", async () => {
    const { lines, end } = await run(argumentEntries("init", { arguments: ["a", "b"] }));
    expect(lines).toEqual(["init", "a", "b", "init", ""]);
    expect(end).toEqual(exited);
  });
  test("has as many arguments, and as many bytes of them, as there may be", async () => {
    const most = Array.from({ length: ARGUMENTS_MAX }, (_, index) => `${index}`.padStart(62, "."));
    const last = ARGUMENT_BYTES_MAX - 63 * (ARGUMENTS_MAX - 1) - 1;
    const words = [...most.slice(1), "x".repeat(last)];
    const { lines, end } = await run(argumentEntries("init", { arguments: words }));
    expect(end).toEqual(exited);
    expect(lines).toEqual(["init", ...words, "init", ""]);
  });
});

describe("arguments are refused", () => {
  const manyEmpty = "\0".repeat(ARGUMENTS_MAX + 1);
  const tooLong = "x".repeat(ARGUMENT_BYTES_MAX);
  test.each([
    ["one too many", "init.args", manyEmpty, "too-many-arguments"],
    ["one string of the environment too many", "init.env", manyEmpty, "too-many-arguments"],
    ["a byte too long", "init.args", `${tooLong}\0`, "arguments-too-large"],
    ["that don't end", "init.args", "one\0two", "bad-arguments"],
  ])("%s: by the kernel, by name", async (_, name, text, reason) => {
    const { text: said, end } = await run([entry(name, text)]);
    expect(said).toContain(`agents: init refused: ${reason}\r\n`);
    expect(end).toBeUndefined();
  });
  test("that would take more than half of the stack that the file asks for", async () => {
    const page = (bytes: number) =>
      run(
        argumentEntries("init", { arguments: ["x".repeat(bytes)] }),
        elfFile({ segments: [{ address: 0x40_0000, bytes: bytesOf("0f0b") }], stack: 4096 }),
      );
    // A page of stack: 2,048 bytes are strings, their ends, and 19 words, in 16s.
    const most = 2048 - 19 * 8 - 8 - "init".length - 2;
    expect((await page(most)).end?.reason).toBe("fault");
    expect((await page(most + 16)).text).toContain("agents: init refused: arguments-too-large\r\n");
  });
  test("by whoever makes the bundle as well", () => {
    const refusal = (words: readonly string[]) => {
      try {
        argumentEntries("init", { arguments: words });
        return "";
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(refusal(["a\0b"])).toBe("an agent can't have these: bad-arguments (agent-arguments)");
    expect(refusal([tooLong])).toContain("arguments-too-large");
    expect(refusal(Array(ARGUMENTS_MAX + 1).fill(""))).toContain("too-many-arguments");
    expect(refusal(Array(ARGUMENTS_MAX).fill(""))).toBe("");
  });
});
