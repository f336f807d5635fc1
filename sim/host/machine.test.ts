import { expect, test } from "vitest";
import { Machine } from "./machine.ts";

test("a machine without a drive boots until it needs one, and says so by name", async () => {
  const machine = await Machine.create();
  expect(machine.run()).toBe("panic");
  expect(machine.consoleText).toContain("AIOS");
  expect(machine.consoleText).toContain("panic: no-drive");
});
