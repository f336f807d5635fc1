/**
 * DPPS and DPPD (Intel SDM 2A): products of the lanes that bits 7-4 of the immediate name, their sum
 * in those of bits 3-0, zeros elsewhere. Each step ends the instruction if it raises what is unmasked:
 * `cpu.fault` is set then.
 */
import { Cpu } from "../cpu/cpu";
import { float32Add, float32Multiply } from "../float/float32";
import { float64Add, float64Multiply } from "../float/float64";
import { endLane, endWork, resultOf, Work } from "./exceptions";

@inline
function product32(work: Work, x: usize, y: usize, lane: u32, n: u32): u32 {
  if (((n >> (4 + lane)) & 1) == 0) return 0;
  const at = <usize>lane << 2;
  const product = <u32>float32Multiply(work, load<u32>(x + at), load<u32>(y + at));
  endLane(work);
  return product;
}

@inline
function sum32(work: Work, a: u32, b: u32): u32 {
  const sum = <u32>float32Add(work, a, b);
  endLane(work);
  return sum;
}

export function dotSingles(cpu: Cpu, work: Work, x: usize, y: usize, n: u32): void {
  const p0 = product32(work, x, y, 0, n);
  const p1 = product32(work, x, y, 1, n);
  const p2 = product32(work, x, y, 2, n);
  const p3 = product32(work, x, y, 3, n);
  if (!endWork(cpu, work)) return;
  const low = sum32(work, p0, p1);
  const high = sum32(work, p2, p3);
  if (!endWork(cpu, work)) return;
  const sum = sum32(work, low, high);
  const result = resultOf(work);
  for (let lane: u32 = 0; lane < 4; lane++)
    store<u32>(result + (<usize>lane << 2), (n >> lane) & 1 ? sum : 0);
}

@inline
function product64(work: Work, x: usize, y: usize, lane: u32, n: u32): u64 {
  if (((n >> (4 + lane)) & 1) == 0) return 0;
  const at = <usize>lane << 3;
  const product = float64Multiply(work, load<u64>(x + at), load<u64>(y + at));
  endLane(work);
  return product;
}

export function dotDoubles(cpu: Cpu, work: Work, x: usize, y: usize, n: u32): void {
  const p0 = product64(work, x, y, 0, n);
  const p1 = product64(work, x, y, 1, n);
  if (!endWork(cpu, work)) return;
  const sum = float64Add(work, p0, p1);
  endLane(work);
  const result = resultOf(work);
  store<u64>(result, n & 1 ? sum : 0);
  store<u64>(result, n & 2 ? sum : 0, 8);
}
