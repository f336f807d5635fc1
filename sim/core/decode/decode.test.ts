/** Bytes to instructions: prefixes, ModR/M, immediates, and where an instruction ends. */
import { beforeAll, describe, expect, test } from "vitest";
import * as D from "../../host/decoder.ts";
import { loadModule } from "../../host/modules.ts";
import type { Instruction } from "../../host/views.generated.ts";
import * as O from "../../spec/isa/operands.ts";
import * as OP from "../../spec/isa/operations.generated.ts";

let decoder: D.Decoder;

beforeAll(async () => {
  decoder = new D.Decoder(await loadModule("sim"));
});

const bytes = (hex: string) => Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
const verdict = (hex: string, mode = D.CODE_64) => decoder.decode(bytes(hex), mode);
function decode(hex: string, mode = D.CODE_64): Instruction {
  expect(verdict(hex, mode)).toBe(D.DECODED);
  return decoder.instruction;
}

describe("an instruction", () => {
  test("has operation, operands and their widths", () => {
    // add rcx, [r8 + rdx*4 - 0x10]
    expect(decode("49 03 4c 90 f0")).toMatchObject({
      length: 5,
      operation: OP.OP_ADD,
      operandBytes: 8,
      addressBytes: 8,
      segment: 3,
      rex: 0x49,
      opcode: 3,
      reg: 1,
      memory: 1,
      base: 8,
      index: 2,
      scale: 2,
      displacement: -16n,
      kind0: O.KIND_G,
      kind1: O.KIND_E,
      bytes0: 8,
      bytes1: 8,
    });
  });
});
