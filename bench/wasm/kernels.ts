/** Seven kernels as a module: the work that a compiler's output does, and a checksum of it. */

/** Exported functions of the module, in the order of the table; each takes some milliseconds. */
export const KERNELS = [
  "crc32",
  "sieve",
  "quicksort",
  "matmul",
  "copy",
  "chase",
  "interpreter",
] as const;
export type Kernel = (typeof KERNELS)[number];

/** AssemblyScript. Each kernel leaves its checksum in the exported global `checksum`. */
export const SOURCE = `
export let checksum: u32 = 0;

const TABLE = memory.data(1024);
const AREA = memory.data(1 << 20);
const OTHER = memory.data(1 << 20);
let seed: u32 = 1;
function random(): u32 { seed ^= seed << 13; seed ^= seed >>> 17; seed ^= seed << 5; return seed; }
function fill(bytes: usize): void {
  seed = 0x9e3779b9;
  for (let at: usize = 0; at < bytes; at += 4) store<u32>(AREA + at, random());
}

export function crc32(): void {
  for (let n: u32 = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1;
    store<u32>(TABLE + (n << 2), c);
  }
  fill(1 << 18);
  let crc: u32 = 0xffffffff;
  for (let round = 0; round < 6; round++)
    for (let at: usize = 0; at < 1 << 18; at++)
      crc = load<u32>(TABLE + (((crc ^ load<u8>(AREA + at)) & 255) << 2)) ^ (crc >>> 8);
  checksum = ~crc;
}

export function sieve(): void {
  const size: usize = 1 << 20;
  let found: u32 = 0;
  memory.fill(AREA, 1, size);
  for (let n: usize = 2; n < size; n++) {
    if (!load<u8>(AREA + n)) continue;
    found++;
    for (let at = n + n; at < size; at += n) store<u8>(AREA + at, 0);
  }
  checksum = found;
}

function sort(low: i32, high: i32): void {
  while (low < high) {
    const pivot = load<u32>(AREA + (((low + high) >> 1) << 2));
    let i = low;
    let j = high;
    while (i <= j) {
      while (load<u32>(AREA + (i << 2)) < pivot) i++;
      while (load<u32>(AREA + (j << 2)) > pivot) j--;
      if (i > j) break;
      const t = load<u32>(AREA + (i << 2));
      store<u32>(AREA + (i << 2), load<u32>(AREA + (j << 2)));
      store<u32>(AREA + (j << 2), t);
      i++;
      j--;
    }
    sort(low, j);
    low = i;
  }
}
export function quicksort(): void {
  const count = 1 << 16;
  fill(count << 2);
  sort(0, count - 1);
  let sum: u32 = 0;
  for (let n = 0; n < count; n++) sum = sum * 31 + load<u32>(AREA + (n << 2));
  checksum = sum;
}

export function matmul(): void {
  const size = 160;
  const b = AREA + size * size * 8;
  for (let n = 0; n < size * size; n++) {
    store<f64>(AREA + (n << 3), <f64>(n % 7));
    store<f64>(b + (n << 3), <f64>(n % 5));
  }
  for (let i = 0; i < size; i++)
    for (let j = 0; j < size; j++) {
      let sum = 0.0;
      for (let k = 0; k < size; k++)
        sum += load<f64>(AREA + ((i * size + k) << 3)) * load<f64>(b + ((k * size + j) << 3));
      store<f64>(OTHER + ((i * size + j) << 3), sum);
    }
  let total = 0.0;
  for (let n = 0; n < size * size; n++) total += load<f64>(OTHER + (n << 3));
  checksum = <u32>total;
}

export function copy(): void {
  fill(1 << 20);
  for (let round = 0; round < 8; round++)
    for (let at: usize = 0; at < 1 << 20; at += 8) store<u64>(OTHER + at, load<u64>(AREA + at) + 1);
  checksum = load<u32>(OTHER + 4096);
}

export function chase(): void {
  const count: u32 = 1 << 16;
  for (let n: u32 = 0; n < count; n++) store<u32>(AREA + (n << 2), (n * 40503 + 12345) & (count - 1));
  let at: u32 = 0;
  let sum: u32 = 0;
  for (let n = 0; n < 2000000; n++) { at = load<u32>(AREA + (at << 2)); sum += at; }
  checksum = sum;
}

/** Fibonacci numbers by a tree of calls of a small language: 0 number, 1 argument, 2 less, 3 add, 4 subtract, 5 call. */
function node(at: usize, kind: u8, a: u8, b: u8, c: u8): void {
  store<u8>(AREA + at, kind);
  store<u8>(AREA + at + 1, a);
  store<u8>(AREA + at + 2, b);
  store<u8>(AREA + at + 3, c);
}
function evaluate(at: usize, argument: i32): i32 {
  const a: usize = load<u8>(AREA + at + 1);
  const b: usize = load<u8>(AREA + at + 2);
  switch (load<u8>(AREA + at)) {
    case 0: return <i32>a;
    case 1: return argument;
    case 2: return evaluate(a, argument) < 2 ? argument : evaluate(b, argument);
    case 3: return evaluate(a, argument) + evaluate(b, argument);
    case 4: return evaluate(a, argument) - <i32>b;
    default: return evaluate(0, evaluate(a, argument));
  }
}
export function interpreter(): void {
  node(0, 2, 4, 8, 0);
  node(4, 1, 0, 0, 0);
  node(8, 3, 12, 20, 0);
  node(12, 5, 16, 0, 0);
  node(16, 4, 4, 1, 0);
  node(20, 5, 24, 0, 0);
  node(24, 4, 4, 2, 0);
  checksum = evaluate(0, 26);
}
`;
