/** Agents that are machine code: an ELF file in the bundle runs in ring 3. */
import { expect, test } from "vitest";
import { elfFile } from "../../sdk/image/elf-write.ts";
import { buildBootImage, Machine } from "../../sdk/index.ts";
import { SYSCALL_AGENT_KILL } from "../syscall/numbers.ts";

const CODE = 0x40_1000;

/** mov eax, AgentKill; mov esi, code; syscall: its own capability is in RDI. */
const exits = (code: number) =>
  Uint8Array.of(0xb8, SYSCALL_AGENT_KILL, 0, 0, 0, 0xbe, code, 0, 0, 0, 0x0f, 0x05);

async function boot(init: Uint8Array): Promise<Machine> {
  const drive = await buildBootImage({ entries: [{ name: "init", data: init }] });
  const machine = await Machine.create({ memory: 64 << 20, drives: [{ data: drive }] });
  expect(machine.boot({ until: 60_000_000_000n })).toBe("idle");
  return machine;
}

test("an ELF file's code runs in ring 3 and calls the kernel by SYSCALL", async () => {
  const machine = await boot(elfFile({ segments: [{ address: CODE, bytes: exits(42) }] }));
  expect(machine.kernel.agents[0]?.end).toMatchObject({ reason: "exited", code: 42n });
});

test("an instruction that ring 3 may not execute ends the agent with its fault", async () => {
  const machine = await boot(
    elfFile({ segments: [{ address: CODE, bytes: Uint8Array.of(0x90, 0xf4) }] }),
  );
  expect(machine.kernel.agents[0]?.end).toMatchObject({ reason: "fault", code: 13n });
});
