/** Every row of the description, drawn at random, is decoded to what it was made of. */
import { beforeAll, describe, expect, test } from "vitest";
import * as D from "../../host/decoder.ts";
import { loadModule } from "../../host/modules.ts";
import { type Drawn, drawInstruction, formsOf, HIGH_BYTES } from "../../host/testing/isa-draw.ts";
import { randomFrom } from "../../host/testing/random.ts";
import { FORMS } from "../../spec/isa/forms.ts";
import * as O from "../../spec/isa/operands.ts";
import * as OPERATIONS from "../../spec/isa/operations.generated.ts";

let decoder: D.Decoder;

beforeAll(async () => {
  decoder = new D.Decoder(await loadModule("sim"));
});

const NAMES = new Map(Object.entries(OPERATIONS).map(([name, number]) => [number, name.slice(3)]));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** The register of an operand, by the fields of the decoded instruction. */
function registerOf(kind: number, bytes: number, fixed: number | null): number | null {
  const { reg, rm, rex, memory } = decoder.instruction;
  const general = (number: number) =>
    bytes === 1 && rex === 0 && number >= 4 ? HIGH_BYTES + number - 4 : number;
  const byReg = [O.KIND_S, O.KIND_C, O.KIND_D, O.KIND_P, O.KIND_V];
  const byRm = [O.KIND_Q, O.KIND_N, O.KIND_W, O.KIND_U, O.KIND_STI];
  if (kind === O.KIND_G || kind === O.KIND_Z) return general(reg);
  if (kind === O.KIND_E || kind === O.KIND_R) return memory ? null : general(rm);
  if (byReg.includes(kind)) return reg;
  if (byRm.includes(kind)) return memory ? null : rm;
  return fixed;
}

/** What the decoder says, in the terms of a drawn instruction. */
function decoded(drawn: Drawn) {
  const i = decoder.instruction;
  const kinds = [i.kind0, i.kind1, i.kind2, i.kind3];
  const bytes = [i.bytes0, i.bytes1, i.bytes2, i.bytes3];
  const base = i.base === D.BASE_RIP ? "rip" : i.base === D.NO_REGISTER ? null : i.base;
  return {
    length: i.length,
    index: i.form,
    operation: NAMES.get(i.operation),
    operandBytes: i.operandBytes,
    prefixes: [i.lock, i.rep, i.prefix66, i.segmentPrefix, i.rex],
    operands: drawn.operands.map(({ register }, n) => ({
      kind: kinds[n],
      bytes: bytes[n],
      register: registerOf(kinds[n] ?? 0, bytes[n] ?? 0, register),
    })),
    memory:
      i.memory === 0
        ? null
        : {
            addressBytes: i.addressBytes,
            segment: i.segment,
            base,
            index: i.index === D.NO_REGISTER ? null : i.index,
            scale: i.scale,
            displacement: i.displacement,
          },
    immediates: [i.immediate, BigInt(i.immediate2)].slice(0, drawn.immediates.length),
  };
}

function expected(drawn: Drawn) {
  const { index, operation, operandBytes, operands, memory, immediates } = drawn;
  const { lock, rep, has66, segment, rex } = drawn.prefixes;
  return {
    length: drawn.bytes.length,
    index,
    operation,
    operandBytes,
    prefixes: [Number(lock), rep, Number(has66), segment, rex],
    operands,
    memory,
    immediates,
  };
}

describe.each([
  ["16-bit", D.CODE_16],
  ["32-bit", D.CODE_32],
  ["64-bit", D.CODE_64],
])("in %s code", (_, mode) => {
  test("every row is decoded to what it was made of", () => {
    for (const form of formsOf(mode)) {
      const random = randomFrom(form * 3 + mode);
      for (let round = 0; round < 20; round++) {
        const drawn = drawInstruction(random, { mode, forms: [form] });
        const text = `${hex(drawn.bytes)} ${FORMS[form]?.text}`;
        expect(decoder.decode(drawn.bytes, mode), text).toBe(D.DECODED);
        expect(decoded(drawn), text).toEqual(expected(drawn));
      }
    }
  });

  test("every beginning of an instruction asks for more, and reads nothing behind it", () => {
    const random = randomFrom(mode);
    for (let round = 0; round < 2000; round++) {
      const { bytes } = drawInstruction(random, { mode });
      for (let length = 0; length < bytes.length; length++) {
        expect(decoder.decode(bytes.subarray(0, length), mode), hex(bytes)).toBe(D.NEED_MORE);
      }
    }
  });
});
