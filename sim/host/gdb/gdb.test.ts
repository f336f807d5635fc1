/** The judge is gdb itself: what it says about a machine that it debugs. */
import { spawn } from "node:child_process";
import { describe, expect, test } from "vitest";
import { NEVER } from "../engine.ts";
import type { Machine } from "../machine.ts";
import { COUNTER, COUNTING, FUNCTION, LOOP } from "../testing/counting.ts";
import { GUEST_CODE, guestMachine } from "../testing/guest64.ts";
import { requireTool } from "../testing/tools.ts";
import { GdbServer } from "./server.ts";

const STEPS_AT_A_TIME = 200;
const GDB_MS = 30_000;

/** Runs the machine for as long as gdb executes these commands; what gdb has printed. */
async function gdb(machine: Machine, ...commands: string[]): Promise<string> {
  const path = requireTool("gdb");
  const server = await GdbServer.listen(machine, 0);
  const all = ["set confirm off", `target remote 127.0.0.1:${server.port}`, ...commands];
  const child = spawn(path, ["-nx", "-batch", ...all.flatMap((command) => ["-ex", command])]);
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes: Buffer) => {
      text += bytes.toString();
    });
  let ended = false;
  child.on("close", () => {
    ended = true;
  });
  const limit = Date.now() + GDB_MS;
  while (!ended && Date.now() < limit) {
    const reason = await server.run(NEVER, STEPS_AT_A_TIME);
    await server.rest(reason === "condition" ? 20 : 0);
  }
  server.close();
  child.kill();
  return text;
}

const hex = (value: bigint | number) => `0x${value.toString(16)}`;

describe("gdb attaches, and", { timeout: GDB_MS }, () => {
  test("knows the registers, steps and disassembles", async () => {
    const text = await gdb(
      await guestMachine(COUNTING),
      "p/x $rip",
      "stepi",
      "p/x $rsp",
      "stepi 4",
      "info registers rip rcx eflags cs mxcsr fs_base cr0",
      `x/3i ${hex(FUNCTION - 3n)}`,
      "p $st0",
      "p $xmm3.v2_int64",
    );
    expect(text).toContain(`$1 = ${hex(GUEST_CODE)}`);
    expect(text).toContain("$2 = 0x1200000");
    expect(text).toMatch(/rip +0x1000216 +0x1000216/);
    expect(text).toMatch(/rcx +0x1 +1/);
    expect(text).toMatch(/eflags +0x2 +\[ \]/);
    expect(text).toMatch(/mxcsr +0x1f80 +\[ IM DM ZM OM UM PM \]/);
    expect(text).toMatch(/nop\n.*nop\n.*nop/);
    expect(text).toContain("$4 = {0, 0}");
  });

  test("stops at breakpoints and watchpoints", async () => {
    const text = await gdb(
      await guestMachine(COUNTING),
      `break *${hex(FUNCTION)} if $rcx == 70`,
      "continue",
      "p $rcx",
      "delete",
      `hbreak *${hex(LOOP)}`,
      "continue",
      "p $rip",
      "delete",
      `watch *(long *)${hex(COUNTER)}`,
      "continue",
      "continue",
    );
    expect(text).toContain("$1 = 70");
    expect(text).toContain("Breakpoint 2, 0x0000000001000210");
    expect(text).toContain("Old value = 70\nNew value = 71");
    expect(text).toContain("Old value = 71\nNew value = 72");
  });

  test("changes registers and memory", async () => {
    const machine = await guestMachine(COUNTING);
    const text = await gdb(
      machine,
      "stepi 5",
      "set $rcx = 0x123456789",
      "set $xmm5.v2_int64[1] = 77",
      `set *(int *)${hex(COUNTER + 8n)} = 0x55aa`,
      `set *(unsigned char *)${hex(FUNCTION)} = 0xc3`,
      "stepi 3",
      "p/x $rip",
      "stepi 2",
      `p/x *(long *)${hex(COUNTER)}`,
      "p $xmm5.v2_int64[1]",
      `p/x *(int *)${hex(COUNTER + 8n)}`,
      "p *(int *)0xfee00000",
    );
    expect(text).toContain(`$1 = ${hex(LOOP)}`);
    expect(text).toContain("$2 = 0x12345678a");
    expect(text).toContain("$3 = 77");
    expect(text).toContain("$4 = 0x55aa");
    expect(text).toContain("Cannot access memory at address 0xfee00000");
  });

  test("goes backwards", async () => {
    const text = await gdb(
      await guestMachine(COUNTING),
      `break *${hex(FUNCTION)} if $rcx == 90`,
      "continue",
      "reverse-stepi",
      "p/x $rip",
      "reverse-stepi",
      "reverse-stepi",
      "p/x $rip",
      "delete",
      `watch *(long *)${hex(COUNTER)}`,
      "reverse-continue",
      "delete",
      `break *${hex(FUNCTION)} if $rcx == 64`,
      "reverse-continue",
      "p $rcx",
      "delete",
      "reverse-continue",
      "p/x $rip",
    );
    expect(text).toContain("$1 = 0x1000216");
    expect(text).toContain("$2 = 0x1000210");
    expect(text).toContain("Old value = 89\nNew value = 88");
    expect(text).toContain("$3 = 64");
    expect(text).toContain("No more reverse-execution history");
    expect(text).toContain(`$4 = ${hex(GUEST_CODE)}`);
  });

  test("asks the monitor", async () => {
    const text = await gdb(
      await guestMachine(COUNTING),
      "monitor help",
      "monitor info registers",
      "monitor info position",
      "monitor nonsense",
    );
    expect(text).toContain("snapshot FILE");
    expect(text).toMatch(/cr0 +0000000080/);
    expect(text).toContain("step 0, between two turns");
    expect(text).toContain('"nonsense" is no command');
  });
});
