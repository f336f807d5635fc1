/** `aios boot --agent`: output, statuses, refusals. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SYSCALL_AGENT_KILL, SYSCALL_CONSOLE_WRITE } from "../../kernel/syscall/numbers.ts";
import { bytesOf } from "../../sim/host/testing/code.ts";
import { cProgram } from "../c/testing/programs.ts";
import { elfFile } from "../image/elf-write.ts";

const CODE = 0x40_1000;
const TEXT = "hello\n";
const hex32 = (value: number) => Buffer.from(Uint32Array.of(value).buffer).toString("hex");

/** Says hello to the kernel whose capability is in RDX, then ends with 7. */
const HELLO = bytesOf(
  `4889fb 4889d7 be${hex32(CODE + 0x100)} ba${hex32(TEXT.length)} b8${hex32(SYSCALL_CONSOLE_WRITE)} 0f05
   4889df be07000000 b8${hex32(SYSCALL_AGENT_KILL)} 0f05`.replace(/\s/g, ""),
);

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "aios-agent-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

function bootAgent(file: Uint8Array, more: readonly string[] = []) {
  const path = join(folder, "agent.elf");
  writeFileSync(path, file);
  const args = ["--import", "tsx", "sdk/cli/main.ts", "boot", "--agent", path, ...more];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
  return { status, stdout, stderr };
}

const withText = (code: Uint8Array) => {
  const bytes = new Uint8Array(0x100 + TEXT.length);
  bytes.set(code);
  bytes.set(new TextEncoder().encode(TEXT), 0x100);
  return elfFile({ segments: [{ address: CODE, bytes }] });
};

describe("aios boot --agent", () => {
  test("shows what the agent writes and ends with the agent's own code", () => {
    const { status, stdout, stderr } = bootAgent(withText(HELLO));
    expect([status, stderr]).toEqual([7, ""]);
    expect(stdout).toContain("\nhello\n");
  });
  test("names the fault that has ended the agent", () => {
    const { status, stderr } = bootAgent(withText(bytesOf("0f0b")));
    expect(status).toBe(128 + 6);
    expect(stderr).toBe("aios: the agent's fault: #UD invalid opcode, error code 0, at 0x401000\n");
  });
  test("hands on arguments and environment", () => {
    const more = ["--env", "COLOR=no", "--env", "B=", "--", "some", "--words", ""];
    const { status, stdout } = bootAgent(cProgram("args"), more);
    expect(status).toBe(0);
    expect(stdout).toContain("free\r\ninit\nsome\n--words\n\nCOLOR=no\nB=\ninit\n");
  });
  test("refuses arguments that can't be had, and those that nobody gets", () => {
    const words = Array.from({ length: 257 }, () => "x");
    expect(bootAgent(withText(HELLO), ["--", ...words])).toMatchObject({
      status: 2,
      stderr: "aios: an agent can't have these: too-many-arguments (agent-arguments)\n",
    });
    const args = ["--import", "tsx", "sdk/cli/main.ts", "boot", "some", "words"];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: "utf8" });
    expect([status, stderr]).toEqual([
      2,
      "aios: arguments and --env are for an --agent, and there is none\n",
    ]);
  });
  test("says how to link what the compiler has made position-independent", () => {
    const file = withText(HELLO);
    file[16] = 3;
    expect(bootAgent(file).stderr).toBe(
      "aios: agent.elf can't be an agent: position-independent; link it with -static -no-pie (agent-elf)\n",
    );
  });
  test("refuses by name what can't be an agent, before anything runs", () => {
    const file = withText(HELLO);
    file[18] = 40;
    const { status, stdout, stderr } = bootAgent(file);
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toBe("aios: agent.elf can't be an agent: not-x86-64 (agent-elf)\n");
  });
});
