/** Memory as a debugger sees it: linear addresses as a CPU translates them, or physical; RAM only. */
import { RAM_BASE } from "../core.ts";
import { HIGH_RAM_BASE, LOW_RAM_MAX } from "../physical.ts";
import type { Debugger } from "./debugger.ts";

const PAGE_BYTES = 4096;
const NOT_MAPPED = 0xffff_ffff_ffff_ffffn;

interface Span {
  /** Linear address in WebAssembly's memory. */
  readonly at: number;
  readonly bytes: number;
}

/** The CPU that translates linear addresses; null: addresses are physical. */
type Translator = number | null;

/** Where the bytes are, page by page, up to the first that is not mapped or is no RAM. */
function* spans(on: Debugger, cpu: Translator, address: bigint, length: number): Generator<Span> {
  for (let done = 0; done < length; ) {
    const linear = BigInt.asUintN(64, address + BigInt(done));
    const bytes = Math.min(length - done, PAGE_BYTES - Number(linear & 0xfffn));
    const at = ramAt(on, cpu === null ? linear : translate(on, cpu, linear));
    if (at === null) return;
    yield { at, bytes };
    done += bytes;
  }
}

const translate = (on: Debugger, cpu: number, linear: bigint) =>
  BigInt.asUintN(64, on.engine.core.sim.peekTranslate(cpu, linear));

function ramAt(on: Debugger, physical: bigint): number | null {
  const { memory } = on.engine.configuration;
  if (physical === NOT_MAPPED || physical >= 2n ** 52n) return null;
  const address = Number(physical);
  const low = Math.min(memory, LOW_RAM_MAX);
  if (address < low) return RAM_BASE + address;
  const offset = address - HIGH_RAM_BASE;
  return offset >= 0 && offset < memory - low ? RAM_BASE + low + offset : null;
}

/** As many of the bytes as there are. */
export function readMemory(
  on: Debugger,
  cpu: Translator,
  address: bigint,
  length: number,
): Uint8Array {
  const result = new Uint8Array(length);
  let done = 0;
  const { core } = on.engine;
  for (const { at, bytes } of spans(on, cpu, address, length)) {
    core.sim.fetchFrames(at, bytes);
    result.set(core.bytes.subarray(at, at + bytes), done);
    done += bytes;
  }
  return result.subarray(0, done);
}

/** Writes all of the bytes, or none and says so. */
export function writeMemory(
  on: Debugger,
  cpu: Translator,
  address: bigint,
  data: Uint8Array,
): boolean {
  const found = [...spans(on, cpu, address, data.length)];
  if (found.reduce((sum, { bytes }) => sum + bytes, 0) !== data.length) return false;
  let done = 0;
  for (const { at, bytes } of found) {
    on.edit(at, data.subarray(done, done + bytes));
    done += bytes;
  }
  return true;
}
