/** The substitution of AES and its inverse, from their definition (FIPS 197, 5.1.1). */

/** Product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
function product(a: number, b: number): number {
  let sum = 0;
  for (let bit = 7; bit >= 0; bit--) {
    sum = (sum << 1) ^ (sum & 0x80 ? 0x11b : 0);
    if ((b >> bit) & 1) sum ^= a;
  }
  return sum;
}

const BYTES = Array.from({ length: 256 }, (_, n) => n);
const inverse = (a: number) => BYTES.find((b) => product(a, b) === 1) ?? 0;
const rotated = (a: number, by: number) => ((a << by) | (a >> (8 - by))) & 0xff;

/** An affine map of the multiplicative inverse; 0, which has none, is its own. */
const SUBSTITUTION = BYTES.map((a) => {
  const b = inverse(a);
  return b ^ rotated(b, 1) ^ rotated(b, 2) ^ rotated(b, 3) ^ rotated(b, 4) ^ 0x63;
});

function table(name: string, values: readonly number[]): string {
  const lines = values.join(", ").replaceAll(/(.{1,100}(?:, |$))/g, "  $1\n");
  return `export const ${name}: StaticArray<u8> = [\n${lines}];\n`;
}

export function aesTables(): string {
  const inverses = BYTES.map((a) => SUBSTITUTION.indexOf(a));
  return table("SUBSTITUTION", SUBSTITUTION) + table("INVERSE_SUBSTITUTION", inverses);
}
