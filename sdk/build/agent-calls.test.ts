/** Every system call as a function in C and in Rust: none is missing, and each hands on its arguments. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import * as numbers from "../../kernel/syscall/numbers.ts";
import { requireTool } from "../../sim/host/testing/tools.ts";
import { compileCText } from "../c/testing/programs.ts";
import { buildBootImage, Machine } from "../index.ts";
import { compileRustText } from "../rust/testing.ts";
import { agentCalls, cCalls, rustCalls, rustFunction } from "./agent-calls.ts";

const calls = agentCalls();

test("the kernel's table has each of them once, and no other", () => {
  const known = Object.keys(numbers).filter((name) => name.startsWith("SYSCALL_"));
  expect(calls.map(({ name }) => `SYSCALL_${name}`).sort()).toEqual(known.sort());
});

test("the documentation has as many arguments for each", () => {
  const rows = readFileSync("docs/syscalls.md", "utf8").split("\n");
  const documented = new Map<string, number>();
  let name = "";
  for (const row of rows) {
    const cells = row.split("|").map((cell) => cell.trim());
    // Four columns: call; capability, right; arguments; value.
    if (cells.length !== 6) continue;
    name = cells[1] || name;
    const used = [...(cells[3] ?? "").matchAll(/\ba([1-5])\b/g)].map(([, number]) =>
      Number(number),
    );
    documented.set(name, Math.max(documented.get(name) ?? 0, ...used));
  }
  for (const call of calls) {
    const plain = call.name.replaceAll("_", "").toLowerCase();
    const found = [...documented].find(([title]) => title.toLowerCase() === plain);
    expect([call.name, found?.[1]]).toEqual([call.name, call.arguments.length]);
  }
});

test("the files in sdk/c and sdk/rust are made of it", () => {
  expect(readFileSync("sdk/c/aios_calls.h", "utf8")).toBe(cCalls());
  expect(readFileSync("sdk/rust/src/sys.rs", "utf8")).toBe(rustCalls());
});

/** Arguments that nothing confuses: call n has 100 n, 100 n + 1 and so on. */
const given = calls.map((call, index) => ({
  call,
  capability: 100 * (index + 1),
  values: call.arguments.map((_, at) => 100 * (index + 1) + at + 1),
}));

function cProgram(): string {
  const lines = given.map(({ call, capability, values }) => {
    const words = values.map((value, at) =>
      call.arguments[at]?.address ? `(void *)${value}L` : `${value}`,
    );
    return `  aios_sys_${call.name.toLowerCase()}(${[capability, ...words].join(", ")});\n`;
  });
  return `#include "aios.h"\nuint64_t aios_main(const struct aios_start *start) {\n  (void)start;\n${lines.join("")}  return 0;\n}\n`;
}

function rustProgram(): string {
  const lines = given.map(({ call, capability, values }) => {
    const words = values.map((value, at) =>
      call.arguments[at]?.address ? `${value} as _` : `${value}`,
    );
    return `        let _ = aios::sys::${rustFunction(call)}(${[capability, ...words].join(", ")});\n`;
  });
  const parts = [
    "#![no_std]\n#![no_main]\n#[no_mangle]\nfn aios_main(_: &aios::Start) -> u64 {\n    unsafe {\n",
    ...lines,
    "    }\n    0\n}\n#[panic_handler]\n",
    "fn panicked(_: &core::panic::PanicInfo) -> ! {\n    loop {}\n}\n",
  ];
  return parts.join("");
}

/** Number, capability and arguments of each call that the kernel has seen. */
async function seen(init: Uint8Array): Promise<bigint[][]> {
  const drive = await buildBootImage({ entries: [{ name: "init", data: init }] });
  const machine = await Machine.create({ memory: 64 << 20, drives: [{ data: drive }] });
  const found: bigint[][] = [];
  let syscalls = 0n;
  const condition = () => {
    const [agent] = machine.kernel.agents;
    if (agent === undefined || agent.block.syscalls === syscalls) return false;
    syscalls = agent.block.syscalls;
    const call = machine.kernel.cpus[0]?.callAt(0);
    if (call !== undefined)
      found.push([
        BigInt(call.number),
        call.capability,
        call.a1,
        call.a2,
        call.a3,
        call.a4,
        call.a5,
      ]);
    return false;
  };
  // Nobody is there to look at before the bundle is read.
  machine.run({ until: 120_000_000n });
  expect(machine.run({ until: 60_000_000_000n, condition })).toBe("idle");
  expect(machine.kernel.agents[0]?.end).toEqual({ reason: "exited", code: 0n });
  return found.slice(0, -1);
}

const expected = given.map(({ call, capability, values }) =>
  [call.number, capability, ...Array.from({ length: 5 }, (_, at) => values[at] ?? 0)].map(BigInt),
);

describe("the kernel is called with number, capability and arguments", () => {
  test("by C", async () => {
    requireTool("gcc");
    expect(await seen(compileCText(cProgram()))).toEqual(expected);
  });
  test("by Rust", async () => {
    expect(await seen(compileRustText(rustProgram()))).toEqual(expected);
  });
});
