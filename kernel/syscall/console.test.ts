/** ConsoleWrite: who may, and how much; that the bytes come out is sdk/cli/agent.test.ts's to show. */
import { expect, test } from "vitest";
import { Ipc } from "../testing/ipc-host.ts";

test("takes 1 to 256 bytes, of memory that may be read", async () => {
  const party = (await Ipc.create()).party();
  const kernel = party.kernel();
  const at = party.numbers(Array.from({ length: 40 }, () => 0));
  const write = (address: number, bytes: number) =>
    party.call("CONSOLE_WRITE", kernel, address, bytes).status;
  expect(write(at, 1)).toBe("OK");
  expect(write(at, 256)).toBe("OK");
  expect(write(at, 257)).toBe("TOO_LARGE");
  expect(write(at, 0)).toBe("BAD_ARGUMENT");
  expect(write(8, 8)).toBe("BAD_ADDRESS");
});
