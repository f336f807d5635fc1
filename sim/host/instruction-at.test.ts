/** The instruction at which a processor stands, for reports. */
import { beforeEach, describe, expect, test } from "vitest";
import { instructionAt } from "./instruction-at.ts";
import { ProcessorBench } from "./testing/processor.ts";

const CODE = 0x5000;
const ATTRIBUTES_16 = 0x9b;
const ATTRIBUTES_32 = 0x49b;
const ATTRIBUTES_64 = 0x29b;
const LONG_MODE = 0x500n;
const RAM_BYTES = 16 * 1024 * 1024;

let bench: ProcessorBench;

beforeEach(async () => {
  bench = await ProcessorBench.create();
  // OR CX, [BX+SI] or OR ECX, [EAX], then HLT.
  bench.write64(CODE, 0xf4_080bn);
});

/** What stands at CODE when it is in a code segment of these attributes, based at 0x1000. */
function at(attributes: number, efer = 0n): string | undefined {
  const segment = bench.cpu.segmentsAt(1);
  [segment.attributes, segment.base, bench.cpu.efer] = [attributes, 0x1000n, efer];
  const base = attributes === ATTRIBUTES_64 ? 0n : 0x1000n;
  return instructionAt(bench.machine, 0, BigInt(CODE) - base)?.text;
}

describe("the instruction at an address", () => {
  test("is read through the code segment, in the mode of the processor", () => {
    expect(at(ATTRIBUTES_16)).toBe("or cx,WORD PTR [bx+si]");
    expect(at(ATTRIBUTES_32)).toBe("or ecx,DWORD PTR [eax]");
    expect(at(ATTRIBUTES_64, LONG_MODE)).toBe("or ecx,DWORD PTR [rax]");
    expect(at(ATTRIBUTES_32, LONG_MODE)).toBe("or ecx,DWORD PTR [eax]");
  });

  test("is there at the end of RAM, and none behind it", () => {
    bench.machine.core.bytes[0x0200_0000 + RAM_BYTES - 1] = 0xf4;
    bench.cpu.segmentsAt(1).base = 0n;
    expect(instructionAt(bench.machine, 0, BigInt(RAM_BYTES - 1))?.text).toBe("hlt");
    expect(instructionAt(bench.machine, 0, BigInt(RAM_BYTES))).toBeNull();
  });

  test("is looked at without a change of the machine", () => {
    expect(at(ATTRIBUTES_16)).toBeDefined();
    const before = bench.machine.stateHash();
    expect(at(ATTRIBUTES_16)).toBeDefined();
    expect(bench.machine.stateHash()).toBe(before);
  });
});
