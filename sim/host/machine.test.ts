import { expect, test } from "vitest";
import { STOP_POWER_OFF } from "../spec/stops.ts";
import { Machine } from "./machine.ts";

test("a machine boots, prints on its serial port and powers off", async () => {
  const machine = await Machine.create();
  expect(machine.run()).toBe(STOP_POWER_OFF);
  expect(machine.consoleText).toContain("AIOS");
});
