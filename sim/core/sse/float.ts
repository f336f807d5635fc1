/** Floating-point instructions: which lanes of what, and where the result goes. */
import { Cpu } from "../cpu/cpu";
import { setStatusFlags } from "../engine/flags";
import { float32CompareQuiet, float32CompareSignalling } from "../float/float32";
import { float64CompareQuiet, float64CompareSignalling } from "../float/float64";
import {
  doubles,
  horizontalDoubles,
  horizontalSingles,
  KIND_COMPARE,
  KIND_RCP,
  KIND_ROUND,
  KIND_RSQRT,
  singles,
} from "./arithmetic";
import {
  convertFromSlot,
  convertToSlot,
  convertVector,
  isFromInteger,
  isToInteger,
} from "./convert";
import { dotDoubles, dotSingles } from "./dot";
import { beginWork, endLane, endWork, resultOf, Work } from "./exceptions";
import { quickVector } from "./quick-vectors";
import { MXCSR_AT, unitAt } from "./unit";
import {
  OP_ADDSUBPS,
  OP_CMPPS,
  OP_CMPSD,
  OP_COMISD,
  OP_COMISS,
  OP_DPPD,
  OP_DPPS,
  OP_HADDPD,
  OP_MAXSD,
  OP_RCPPS,
  OP_RCPSS,
  OP_ROUNDPS,
  OP_ROUNDSD,
  OP_RSQRTPS,
  OP_RSQRTSS,
  OP_SQRTPS,
  OP_UCOMISD,
  OP_UCOMISS,
} from "../../spec/isa/operations.generated";

/** REX.W in a micro-op's s (emit.ts). */
const WIDE: u32 = 0x10;

/** No form of the operations that come in groups of four: PS, PD, SS, SD. */
const NO_FORM: u32 = 0xffff_ffff;

/** The kind of operation (arithmetic.ts) times four and its form, or NO_FORM. */
function formOf(operation: u32): u32 {
  if (operation - OP_SQRTPS <= <u32>(OP_MAXSD - OP_SQRTPS)) return operation - OP_SQRTPS;
  if (operation - OP_CMPPS <= <u32>(OP_CMPSD - OP_CMPPS)) return (KIND_COMPARE << 2) + operation - OP_CMPPS;
  if (operation - OP_ROUNDPS <= <u32>(OP_ROUNDSD - OP_ROUNDPS))
    return (KIND_ROUND << 2) + operation - OP_ROUNDPS;
  return NO_FORM;
}

export function executeFloat(cpu: Cpu, ip: usize, operation: u32): void {
  const form = formOf(operation);
  if (form != NO_FORM) {
    const x = unitAt(cpu, load<u8>(ip, 2));
    const y = unitAt(cpu, load<u8>(ip, 3));
    const n = <u32>load<u8>(ip, 8);
    if (quickVector(cpu.fxsave + MXCSR_AT, form >> 2, form & 3, x, v128.load(y), n)) return;
    const work = beginWork(cpu);
    inForm(work, form >> 2, form & 3, x, y, n);
    if (endWork(cpu, work)) v128.store(x, v128.load(resultOf(work)));
    return;
  }
  const work = beginWork(cpu);
  const a = load<u8>(ip, 2);
  const b = load<u8>(ip, 3);
  const n = <u32>load<u8>(ip, 8);
  const wide = (load<u8>(ip, 5) & WIDE) != 0;
  if (isToInteger(operation)) {
    const value = convertToSlot(work, operation, unitAt(cpu, b), wide);
    if (endWork(cpu, work)) store<u64>(changetype<usize>(cpu) + a, value);
    return;
  }
  if (operation >= <u32>OP_UCOMISS && operation <= <u32>OP_COMISD)
    return compareToFlags(cpu, work, operation, unitAt(cpu, a), unitAt(cpu, b));
  const x = unitAt(cpu, a);
  if (isFromInteger(operation)) convertFromSlot(cpu, work, operation, x, b, wide);
  else compute(cpu, work, operation, x, unitAt(cpu, b), n);
  if (cpu.fault == 0 && endWork(cpu, work)) v128.store(x, v128.load(resultOf(work)));
}

/** UCOMISS, UCOMISD, COMISS, COMISD: ZF, PF and CF; the other status flags are 0. */
function compareToFlags(cpu: Cpu, work: Work, operation: u32, x: usize, y: usize): void {
  let relation: u32;
  switch (operation) {
    case OP_UCOMISS:
      relation = float32CompareQuiet(work, load<u32>(x), load<u32>(y));
      break;
    case OP_UCOMISD:
      relation = float64CompareQuiet(work, load<u64>(x), load<u64>(y));
      break;
    case OP_COMISS:
      relation = float32CompareSignalling(work, load<u32>(x), load<u32>(y));
      break;
    default:
      relation = float64CompareSignalling(work, load<u64>(x), load<u64>(y));
  }
  endLane(work);
  if (endWork(cpu, work)) setStatusFlags(cpu, relation);
}

/** The result of x and y. */
function compute(cpu: Cpu, work: Work, operation: u32, x: usize, y: usize, n: u32): void {
  if (operation - OP_HADDPD <= <u32>(OP_ADDSUBPS - OP_HADDPD)) {
    const index = operation - OP_HADDPD;
    if (index & 1) return horizontalSingles(work, index >> 1, x, y);
    return horizontalDoubles(work, index >> 1, x, y);
  }
  switch (operation) {
    case OP_RSQRTPS:
      return singles(work, KIND_RSQRT, 4, x, y, 0);
    case OP_RSQRTSS:
      return singles(work, KIND_RSQRT, 1, x, y, 0);
    case OP_RCPPS:
      return singles(work, KIND_RCP, 4, x, y, 0);
    case OP_RCPSS:
      return singles(work, KIND_RCP, 1, x, y, 0);
    case OP_DPPS:
      return dotSingles(cpu, work, x, y, n);
    case OP_DPPD:
      return dotDoubles(cpu, work, x, y, n);
    default: {
      const converted = convertVector(work, operation, x, y);
      assert(converted, "sse: an operation that no part executes");
    }
  }
}

/** The description has these operations in groups of four: PS, PD, SS, SD. */
function inForm(work: Work, kind: u32, form: u32, x: usize, y: usize, n: u32): void {
  switch (form) {
    case 0:
      return singles(work, kind, 4, x, y, n);
    case 1:
      return doubles(work, kind, 2, x, y, n);
    case 2:
      return singles(work, kind, 1, x, y, n);
    default:
      return doubles(work, kind, 1, x, y, n);
  }
}
