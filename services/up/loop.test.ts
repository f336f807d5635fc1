import { expect, test } from "vitest";
import { Machine } from "../../sim/host/machine.ts";
import { JOURNAL_MIN } from "../../sim/host/options.ts";
import { CONTROLLER_ADDRESS } from "../host/door.ts";
import { giveInput } from "./loop.ts";

test("an input that finds the journal full is given all the same: nothing comes to an end by it", async () => {
  const machine = await Machine.create({ nic: CONTROLLER_ADDRESS, journal: JOURNAL_MIN });
  const frame = new Uint8Array(1514);
  const give = () => machine.input.frame(frame);
  const count = Math.ceil(JOURNAL_MIN / frame.length) + 1;
  expect(() => Array.from({ length: count }, give)).toThrow(
    expect.objectContaining({ code: "journal-full" }),
  );
  for (let n = 0; n < count; n++) giveInput(machine, give);
  expect(machine.journal.entries.length).toBeGreaterThan(0);
});
