import { expect, test } from "vitest";
import { Machine } from "./machine.ts";

test("a machine boots, prints on its serial port and powers off", async () => {
  const machine = await Machine.create();
  expect(machine.run()).toBe("power-off");
  expect(machine.consoleText).toContain("AIOS");
});
