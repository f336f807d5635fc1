/** How `aios boot --kernel` ends: statuses, and what it says of a guest that hangs or loses its processor. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { GUEST_CODE, guestImage } from "../../sim/host/testing/guest64.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aios-end-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function boot(code: string, ...options: string[]) {
  const kernel = join(folder, "kernel");
  writeFileSync(kernel, guestImage(code));
  const command = ["--import", "tsx", "sdk/cli/main.ts", "boot", "--kernel", kernel];
  const args = [...command, "--memory", "32M", "--until", "2ms", ...options];
  return spawnSync(process.execPath, args, { encoding: "utf8", input: "" });
}

test("a guest that hangs ends at --until, with its last addresses, symbols and instructions", () => {
  const symbols = join(folder, "System.map");
  writeFileSync(symbols, `${GUEST_CODE.toString(16).padStart(16, "0")} T startup_64\n`);
  // nop; jmp $
  const { status, stderr } = boot("90 eb fe", "--symbols", symbols);
  expect(status).toBe(3);
  expect(stderr).toMatch(
    /^aios: stopped \(limit\) after \d+ ns of virtual time\nCPU 0 was last at\n/,
  );
  expect(stderr).toContain(
    `0x${(GUEST_CODE + 1).toString(16).padStart(16, "0")} startup_64+0x1 jmp`,
  );
});

test("a guest without handlers ends with a triple fault, and where it was", () => {
  const { status, stderr } = boot("0f 0b");
  expect(status).toBe(1);
  expect(stderr).toContain("aios: stopped (triple-fault)");
  expect(stderr).toContain(GUEST_CODE.toString(16));
});

test.each([
  ["asks for a reset", "66 ba f9 0c b0 06 ee eb fe", "reset", 0],
  ["writes 5 to the debug exit port", "66 ba 01 05 b0 05 ee f4", "debug-exit", 11],
])("a guest that %s ends with the status that the help has", (_, code, reason, expected) => {
  const { status, stdout } = boot(code, "--debug-exit", "--json");
  expect(JSON.parse(stdout)).toMatchObject({ reason, exitStatus: expected });
  expect(status).toBe(expected);
});
