/** Makes a case that fails smaller: fewer instructions, then simpler registers, flags and memory. */
import { CODE_16 } from "../decoder.ts";
import * as L from "./isa-cases.ts";

type Fails = (one: L.Case) => boolean;

const NOP = 0x90;

/** A case with less in it for which `fails` still holds. */
export function shrink(one: L.Case, fails: Fails): L.Case {
  return shrinkState(shrinkSteps(one, fails), fails);
}

/** The instructions that aren't needed become NOPs; all addresses stay as they are. */
function shrinkSteps(one: L.Case, fails: Fails): L.Case {
  let best = one;
  for (const step of one.steps) {
    if (best.steps.length === 1) break;
    const record = Buffer.from(best.record);
    const from = L.CODE_AT + step.at;
    record.fill(NOP, from, from + step.drawn.bytes.length);
    const steps = best.steps.filter((other) => other !== step);
    const smaller = { ...best, record, steps };
    if (fails(smaller)) best = smaller;
  }
  return best;
}

/** Registers, and words of the window, become 0 where that changes nothing. */
function shrinkState(one: L.Case, fails: Fails): L.Case {
  let best = one;
  const small = one.record.readUInt16LE(L.MODE_AT) === CODE_16;
  const words = [
    // The upper half of ESP is no choice in 16-bit code (isa-native.c).
    ...range(L.REGISTERS_AT, L.RIP_AT).filter((at) => !small || at !== L.RSP_AT),
    ...range(L.WINDOW_AT, L.WINDOW_AT + L.WINDOW_BYTES),
  ];
  for (const at of words) {
    const value = best.record.readBigUInt64LE(at);
    for (const simpler of [0n, 1n, value & 0xffn, value & 0xffff_ffffn]) {
      if (simpler >= value) continue;
      const record = Buffer.from(best.record);
      record.writeBigUInt64LE(simpler, at);
      const smaller = { ...best, record };
      if (!fails(smaller)) continue;
      best = smaller;
      break;
    }
  }
  return best;
}

function range(from: number, to: number): number[] {
  return Array.from({ length: (to - from) / 8 }, (_, n) => from + 8 * n);
}
