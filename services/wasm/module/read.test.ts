import { describe, expect, test } from "vitest";
import { Writer } from "./bytes.ts";
import { WasmError } from "./errors.ts";
import { prepare } from "./prepare.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const section = (id: number, ...bytes: number[]) => [id, bytes.length, ...bytes];
const module = (...sections: number[][]) => Uint8Array.from([...HEADER, ...sections.flat()]);
const text = (value: string) => [value.length, ...new TextEncoder().encode(value)];
/** One function without parameters or results, whose body is `code`. */
const withCode = (...code: number[]) =>
  module(
    section(1, 1, 0x60, 0, 0),
    section(3, 1, 0),
    section(5, 1, 0, 1),
    section(10, 1, code.length + 2, 0, ...code, 0x0b),
  );

/** So many functions, each with so many variables of a type. */
const withLocals = (count: number, type: number, functions = 1) => {
  const body = new Writer().u32(1).u32(count).byte(type).byte(0x0b).bytes;
  const bodies = Array.from({ length: functions }, () => [body.length, ...body]);
  return module(section(1, 1, 0x60, 0, 0), section(3, functions, ...Array(functions).fill(0)), [
    10,
    ...new Writer().vector(new Writer().u32(functions).raw(bodies.flat()).bytes).bytes,
  ]);
};

/** What is wrong, and the refusal. The numbers are those of WebAssembly 2.0, chapter 5. */
const REFUSED: readonly (readonly [what: string, bytes: Uint8Array, message: RegExp])[] = [
  ["an empty file", new Uint8Array(), /no module \(wasm-truncated at byte 0\)/],
  ["a text", new TextEncoder().encode("#!/bin/sh\nexit\n"), /no WebAssembly module.*byte 0/],
  ["a component", Uint8Array.from([0, 0x61, 0x73, 0x6d, 13, 0, 1, 0]), /version 65549.*byte 4/],
  ["half a header", Uint8Array.from([0, 0x61, 0x73]), /wasm-truncated/],
  ["half a section", Uint8Array.from([...HEADER, 1, 200]), /wasm-invalid at byte/],
  ["code of the wrong type", withCode(0x41, 1), /wasm-invalid at byte/],
  [
    "a memory from outside",
    module(section(2, 1, ...text("env"), ...text("memory"), 2, 0, 1)),
    /imports the memory "env.memory" \(wasm-import at byte 11\)/,
  ],
  [
    "a table from outside",
    module(section(2, 1, ...text("env"), ...text("t"), 1, 0x70, 0, 1)),
    /imports the table "env.t"/,
  ],
  [
    "a global from outside",
    module(section(2, 1, ...text("env"), ...text("g"), 3, 0x7f, 0)),
    /imports the global "env.g"/,
  ],
  ["a shared memory", module(section(5, 1, 3, 1, 1)), /shared or 64-bit memories/],
  ["an atomic operation", withCode(0xfe, 0x03, 0x00), /threads|wasm-invalid/],
  [
    "a data segment outside of the memory",
    module(section(5, 1, 0, 1), section(11, 1, 0, 0x41, 0xff, 0xff, 0x03, 0x0b, 2, 1, 2)),
    /data segment 0 ends at 65537; the memory has 65536 bytes/,
  ],
  [
    "a global that holds a function and changes",
    module(section(6, 1, 0x70, 1, 0xd0, 0x70, 0x0b)),
    /globals that change and are no numbers/,
  ],
  [
    "a change of a table",
    module(
      section(1, 1, 0x60, 0, 0),
      section(3, 1, 0),
      section(4, 1, 0x70, 0, 1),
      section(10, 1, 12, 0, ...[0x41, 0, 0x41, 0, 0x41, 0], 0xfc, 0x0e, 0, 0, 0x0b),
    ),
    /changes of tables \(wasm-feature at byte/,
  ],
  ["a reference in a variable", withLocals(1, 0x70), /references as values \(wasm-feature at byte/],
  ["a reference on the operand stack", withCode(0xd0, 0x6f, 0x1a), /references as values/],
  [
    "a function that takes a reference",
    module(section(1, 1, 0x60, 1, 0x6f, 0)),
    /references as values \(wasm-feature at byte 11\)/,
  ],
  [
    "a block that leaves a reference",
    withCode(0x02, 0x70, 0x00, 0x0b, 0x1a),
    /references as values/,
  ],
  [
    "a global that holds a function",
    module(section(6, 1, 0x70, 0, 0xd0, 0x70, 0x0b)),
    /references as values/,
  ],
  ...["asyncify_start_unwind", "aios:fuel"].map(
    (name) =>
      [
        `an export called ${name}`,
        module(
          section(1, 1, 0x60, 0, 0),
          section(3, 1, 0),
          section(7, 1, ...text(name), 0, 0),
          section(10, 1, 2, 0, 0x0b),
        ),
        /a name of the runtime's own \(wasm-export at byte/,
      ] as const,
  ),
  [
    "more variables than can be prepared",
    withLocals(50_000, 0x7f, 41),
    /2050000 variables of functions; 2000000 at most \(wasm-too-large\)/,
  ],
  [
    "a loop with parameters",
    module(
      section(1, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 0),
      section(3, 1, 0),
      section(10, 1, 9, 0, 0x41, 0, 0x03, 1, 0x1a, 0x0b, 0x0b, 0x0b),
    ),
    /loops with parameters|wasm-invalid/,
  ],
];

describe("what can't be an agent's code is refused by name and place", () => {
  test.each(REFUSED)("%s", async (_what, bytes, message) => {
    const refusal = await prepare(bytes).then(
      () => null,
      (error: unknown) => error,
    );
    expect(refusal).toBeInstanceOf(WasmError);
    expect((refusal as WasmError).message).toMatch(message);
  });
});

test("a module with nothing in it is one", async () => {
  expect((await prepare(module())).imports).toEqual([]);
});
