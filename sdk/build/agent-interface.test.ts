/** What C and Rust agents know of the kernel: made from its tables, and alike in both languages. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { elfErrorName } from "../../kernel/agent/elf_error_names.ts";
import { requireTool } from "../../sim/host/testing/tools.ts";
import { C_FLAGS, compileC, compileCText, cProgram } from "../c/testing/programs.ts";
import { elfProblem } from "../image/elf.ts";
import { buildBootImage, Machine } from "../index.ts";
import { compileRust, compileRustText } from "../rust/testing.ts";
import { agentConstants, cConstants, rustConstants } from "./agent-interface.ts";

/** The agent's end and what it has written. */
async function outcome(init: Uint8Array) {
  const drive = await buildBootImage({ entries: [{ name: "init", data: init }] });
  const machine = await Machine.create({ memory: 64 << 20, drives: [{ data: drive }] });
  expect(machine.boot({ until: 60_000_000_000n })).toBe("idle");
  const [agent] = machine.kernel.agents;
  return {
    end: agent?.end,
    calls: agent?.block.syscalls,
    text: machine.consoleText.split("free\r\n")[1],
  };
}

test("the files in sdk/c and sdk/rust are what the kernel's tables say now", () => {
  expect(readFileSync("sdk/c/aios_constants.h", "utf8")).toBe(cConstants());
  expect(readFileSync("sdk/rust/src/constants.rs", "utf8")).toBe(rustConstants());
});

test("no name stands for two things", () => {
  const names = [...agentConstants().values()].flat().map(({ name }) => name);
  expect(names.length).toBeGreaterThan(250);
  expect([...new Set(names)].length).toBe(names.length);
});

test("a clone in C shares memory until it writes, and has its own registers", async () => {
  const { end } = await outcome(cProgram("clone"));
  expect(end).toEqual({ reason: "exited", code: 0n });
});

describe("hello", () => {
  const said = { end: { reason: "exited", code: 0n }, calls: 2n, text: "hello from ring 3\n" };
  test("in C runs in ring 3 and makes two calls", async () => {
    expect(await outcome(cProgram("hello"))).toEqual(said);
  });
  test("in Rust makes the same", async () => {
    expect(await outcome(compileRust("sdk/rust/hello.rs"))).toEqual(said);
  });
});

describe("memcpy, memmove, memset and memcmp", () => {
  /** Moves in both directions, over itself; compares; sets. Ends with 0, or the number of what was wrong. */
  const body = (line: (test: string, number: number) => string) =>
    [
      ["b[0] == 1 && b[299] == 1 && b[300] == 0", 1],
      ["up == 0", 2],
      ["down == 0", 3],
      ["less < 0 && more > 0 && none == 0", 4],
    ]
      .map(([test, number]) => line(`${test}`, Number(number)))
      .join("");
  test("are there for a compiler that calls them", async () => {
    const file = compileCText(`#include "aios.h"
void *memcpy(void *, const void *, size_t); void *memmove(void *, const void *, size_t);
void *memset(void *, int, size_t); int memcmp(const void *, const void *, size_t);
static unsigned char a[512], b[512], c[512];
uint64_t aios_main(const struct aios_start *start) {
  volatile size_t size = 300; (void)start;
  memset(b, 1, size);
  for (int i = 0; i < 512; i++) a[i] = c[i] = (unsigned char)(i * 7);
  memmove(a + 5, a, size);
  int up = memcmp(a + 5, c, size);
  memcpy(a, c, size + 12); memmove(a, a + 9, size);
  int down = memcmp(a, c + 9, size);
  int less = memcmp("ab", "b\\xff", size / 150), more = memcmp("\\xff", "a", size / 300), none = memcmp("x", "y", size - 300);
${body(
  (test, number) => `  if (!(${test})) return ${number};
`,
)}  return 0;
}
`);
    expect((await outcome(file)).end).toEqual({ reason: "exited", code: 0n });
  });
  test("are there for Rust, too", async () => {
    const file = compileRustText(`#![no_std]
#![no_main]
use core::hint::black_box;
#[no_mangle]
fn aios_main(_: &aios::Start) -> u64 {
    let size = black_box(300);
    let mut a = [0u8; 512];
    let mut b = [0u8; 512];
    b[..size].fill(black_box(1));
    for i in 0..512 { a[i] = (i * 7) as u8; }
    let c = black_box(a);
    a.copy_within(0..size, 5);
    let up = (a[5..size + 5] != c[..size]) as i32;
    a[..size + 12].copy_from_slice(&c[..size + 12]);
    a.copy_within(9..size + 9, 0);
    let down = (a[..size] != c[9..size + 9]) as i32;
    let order = |x: &[u8], y: &[u8]| black_box(x).cmp(black_box(y)) as i32;
    let (less, more, none) = (order(b"ab", b"b\\xff"), order(b"\\xff", b"a"), order(b"", b""));
${body(
  (test, number) => `    if !(${test}) { return ${number}; }
`,
)}    0
}
#[panic_handler]
fn panicked(_: &core::panic::PanicInfo) -> ! { loop {} }
`);
    expect((await outcome(file)).end).toEqual({ reason: "exited", code: 0n });
  });
});

test("what -static makes is accepted, and what -static-pie makes is refused by name", () => {
  requireTool("gcc");
  const own = C_FLAGS.filter((flag) => flag !== "-no-pie" && flag !== "-static");
  // Without the script, as linkers do it by themselves.
  const plain = own.filter((flag, index) => flag !== "-T" && own[index - 1] !== "-T");
  const compiled = (...flags: string[]) => {
    const pages = plain.filter((flag) => !flag.startsWith("-Wl"));
    return elfErrorName(elfProblem(compileC("sdk/c/hello.c", [...pages, ...flags])));
  };
  expect(compiled("-static")).toBe("ok");
  expect(compiled("-static-pie", "-fpie")).toBe("position-independent");
  // With the script addresses are fixed; pointers that nobody would relocate are the linker's error.
  const pointers = ['static const char *volatile text = "x";', "return (uint64_t)text[0];"];
  const source = `#include "aios.h"\n${pointers[0]}\nuint64_t aios_main(const struct aios_start *start) { (void)start; ${pointers[1]} }\n`;
  expect(() => compileCText(source, [...own, "-static-pie", "-fpie"])).toThrow("-no-pie");
  expect(elfErrorName(elfProblem(compileCText(source)))).toBe("ok");
});
