/**
 * Packed instructions whose result is a value of two vectors and an immediate byte: each an
 * AssemblyScript expression of x (destination), y (source) and n (immediate). What isn't one
 * WebAssembly instruction is a function of sim/core/sse/lanes.ts or permute.ts.
 *
 * Rows of HOT become micro-ops; all of them are in the function `packed` too. MMX instructions are the
 * same on vectors of which the low half counts, but for those of NARROW.
 */
import * as O from "../../../sim/spec/isa/operations.generated.ts";

interface Row {
  readonly name: string;
  readonly operation: number;
  readonly expression: string;
}

/** Name(s), then an expression to the end of the line. */
function rowsOf(text: string): Row[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .flatMap((line) => {
      const [, names, expression] = /^(\S+)\s+(.*)$/.exec(line.trim()) as unknown as string[];
      return (names ?? "").split("|").map((name) => {
        const operation = (O as Readonly<Record<string, number>>)[`OP_${name}`];
        if (operation === undefined) throw new Error(`packed: no operation ${name}`);
        return { name, operation, expression: expression ?? "" };
      });
    });
}

const HOT = rowsOf(`
  PAND|ANDPS|ANDPD       v128.and(x, y)
  PANDN|ANDNPS|ANDNPD    v128.andnot(y, x)
  POR|ORPS|ORPD          v128.or(x, y)
  PXOR|XORPS|XORPD       v128.xor(x, y)
  PADDB                  i8x16.add(x, y)
  PADDW                  i16x8.add(x, y)
  PADDD                  i32x4.add(x, y)
  PADDQ                  i64x2.add(x, y)
  PSUBB                  i8x16.sub(x, y)
  PSUBW                  i16x8.sub(x, y)
  PSUBD                  i32x4.sub(x, y)
  PSUBQ                  i64x2.sub(x, y)
  PCMPEQB                i8x16.eq(x, y)
  PCMPEQW                i16x8.eq(x, y)
  PCMPEQD                i32x4.eq(x, y)
  PCMPGTB                i8x16.gt_s(x, y)
  PCMPGTW                i16x8.gt_s(x, y)
  PCMPGTD                i32x4.gt_s(x, y)
  PMINUB                 i8x16.min_u(x, y)
  PMAXUB                 i8x16.max_u(x, y)
  PMINSW                 i16x8.min_s(x, y)
  PMAXSW                 i16x8.max_s(x, y)
  PSUBUSB                i8x16.sub_sat_u(x, y)
  PMULLW                 i16x8.mul(x, y)
  PMULUDQ                productsUnsigned(x, y)
  PMADDWD                i32x4.dot_i16x8_s(x, y)
  PACKUSWB               i8x16.narrow_i16x8_u(x, y)
  PACKSSDW               i16x8.narrow_i32x4_s(x, y)
  PUNPCKLBW              v128.shuffle<i8>(x, y, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
  PUNPCKHBW              v128.shuffle<i8>(x, y, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
  PUNPCKLWD              v128.shuffle<i16>(x, y, 0, 8, 1, 9, 2, 10, 3, 11)
  PUNPCKHWD              v128.shuffle<i16>(x, y, 4, 12, 5, 13, 6, 14, 7, 15)
  PUNPCKLDQ|UNPCKLPS     v128.shuffle<i32>(x, y, 0, 4, 1, 5)
  PUNPCKHDQ|UNPCKHPS     v128.shuffle<i32>(x, y, 2, 6, 3, 7)
  PUNPCKLQDQ|UNPCKLPD|MOVLHPS|MOVHPS|MOVHPD   v128.shuffle<i64>(x, y, 0, 2)
  PUNPCKHQDQ|UNPCKHPD    v128.shuffle<i64>(x, y, 1, 3)
  PSHUFB                 v128.swizzle(x, v128.and(y, i8x16.splat(<i8>0x8f)))
  PSHUFD                 shuffled32(y, y, n)
  SHUFPS                 shuffled32(x, y, n)
  SHUFPD                 shuffled64(x, y, n)
  PALIGNR                aligned(x, y, n)
  MOVDDUP                v128.shuffle<i64>(y, y, 0, 0)
  PSLLQ                  leftBy64(x, countOf(y))
  PSRLQ                  rightBy64(x, countOf(y))
`);

const COLD = rowsOf(`
  MOVSLDUP               v128.shuffle<i32>(y, y, 0, 0, 2, 2)
  MOVSHDUP               v128.shuffle<i32>(y, y, 1, 1, 3, 3)
  PADDSB                 i8x16.add_sat_s(x, y)
  PADDUSB                i8x16.add_sat_u(x, y)
  PADDSW                 i16x8.add_sat_s(x, y)
  PADDUSW                i16x8.add_sat_u(x, y)
  PSUBSB                 i8x16.sub_sat_s(x, y)
  PSUBSW                 i16x8.sub_sat_s(x, y)
  PSUBUSW                i16x8.sub_sat_u(x, y)
  PAVGB                  i8x16.avgr_u(x, y)
  PAVGW                  i16x8.avgr_u(x, y)
  PMULHW                 highProducts(x, y)
  PMULHUW                highProductsUnsigned(x, y)
  PSADBW                 differences(x, y)
  PACKSSWB               i8x16.narrow_i16x8_s(x, y)
  PACKUSDW               i16x8.narrow_i32x4_u(x, y)
  PSLLW                  leftBy16(x, countOf(y))
  PSLLD                  leftBy32(x, countOf(y))
  PSRLW                  rightBy16(x, countOf(y))
  PSRLD                  rightBy32(x, countOf(y))
  PSRAW                  i16x8.shr_s(x, min<u32>(countOf(y), 15))
  PSRAD                  i32x4.shr_s(x, min<u32>(countOf(y), 31))
  PSHUFW|PSHUFLW         shuffledLow(y, n)
  PSHUFHW                shuffledHigh(y, n)
  PHADDW                 i16x8.add(evens16(x, y), odds16(x, y))
  PHADDD                 i32x4.add(evens32(x, y), odds32(x, y))
  PHADDSW                i16x8.add_sat_s(evens16(x, y), odds16(x, y))
  PHSUBW                 i16x8.sub(evens16(x, y), odds16(x, y))
  PHSUBD                 i32x4.sub(evens32(x, y), odds32(x, y))
  PHSUBSW                i16x8.sub_sat_s(evens16(x, y), odds16(x, y))
  PMADDUBSW              mixedProducts(x, y)
  PMULHRSW               roundedProducts(x, y)
  PSIGNB                 v128.andnot(v128.bitselect(i8x16.neg(x), x, i8x16.shr_s(y, 7)), i8x16.eq(y, i8x16.splat(0)))
  PSIGNW                 v128.andnot(v128.bitselect(i16x8.neg(x), x, i16x8.shr_s(y, 15)), i16x8.eq(y, i16x8.splat(0)))
  PSIGND                 v128.andnot(v128.bitselect(i32x4.neg(x), x, i32x4.shr_s(y, 31)), i32x4.eq(y, i32x4.splat(0)))
  PABSB                  i8x16.abs(y)
  PABSW                  i16x8.abs(y)
  PABSD                  i32x4.abs(y)
  PMOVSXBW               i16x8.extend_low_i8x16_s(y)
  PMOVSXBD               i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(y))
  PMOVSXBQ               i64x2.extend_low_i32x4_s(i32x4.extend_low_i16x8_s(i16x8.extend_low_i8x16_s(y)))
  PMOVSXWD               i32x4.extend_low_i16x8_s(y)
  PMOVSXWQ               i64x2.extend_low_i32x4_s(i32x4.extend_low_i16x8_s(y))
  PMOVSXDQ               i64x2.extend_low_i32x4_s(y)
  PMOVZXBW               i16x8.extend_low_i8x16_u(y)
  PMOVZXBD               i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(y))
  PMOVZXBQ               i64x2.extend_low_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(y)))
  PMOVZXWD               i32x4.extend_low_i16x8_u(y)
  PMOVZXWQ               i64x2.extend_low_i32x4_u(i32x4.extend_low_i16x8_u(y))
  PMOVZXDQ               i64x2.extend_low_i32x4_u(y)
  PMULDQ                 products(x, y)
  PMULLD                 i32x4.mul(x, y)
  PCMPEQQ                i64x2.eq(x, y)
  PCMPGTQ                i64x2.gt_s(x, y)
  PMINSB                 i8x16.min_s(x, y)
  PMINSD                 i32x4.min_s(x, y)
  PMINUW                 i16x8.min_u(x, y)
  PMINUD                 i32x4.min_u(x, y)
  PMAXSB                 i8x16.max_s(x, y)
  PMAXSD                 i32x4.max_s(x, y)
  PMAXUW                 i16x8.max_u(x, y)
  PMAXUD                 i32x4.max_u(x, y)
  PHMINPOSUW             leastWord(y)
  MPSADBW                slidingDifferences(x, y, n)
  PBLENDW                v128.bitselect(y, x, wordMask(n))
  BLENDPS                v128.bitselect(y, x, doublewordMask(n))
  BLENDPD                v128.bitselect(y, x, quadwordMask(n))
  INSERTPS               insertedSingle(x, y, n)
  AESENC                 v128.xor(mixColumns(substituted(shiftedRows(x))), y)
  AESENCLAST             v128.xor(substituted(shiftedRows(x)), y)
  AESDEC                 v128.xor(inverseMixColumns(inverseSubstituted(inverseShiftedRows(x))), y)
  AESDECLAST             v128.xor(inverseSubstituted(inverseShiftedRows(x)), y)
  AESIMC                 inverseMixColumns(y)
  AESKEYGENASSIST        keyAssist(y, n)
  PCLMULQDQ              carrylessProduct(x, y, n)
`);

/** Shifts by an immediate, x the only vector. */
const BY_IMMEDIATE = rowsOf(`
  PSLLW                  leftBy16(x, n)
  PSLLD                  leftBy32(x, n)
  PSLLQ                  leftBy64(x, n)
  PSRLW                  rightBy16(x, n)
  PSRLD                  rightBy32(x, n)
  PSRLQ                  rightBy64(x, n)
  PSRAW                  i16x8.shr_s(x, min<u32>(n, 15))
  PSRAD                  i32x4.shr_s(x, min<u32>(n, 31))
  PSLLDQ                 leftByBytes(x, n)
  PSRLDQ                 rightByBytes(x, n)
`);

const HEADER = "// Generated by sdk/build/engine/generate.ts. Do not edit.\n";
/** Module of each function that an expression may call. */
const MODULES: Readonly<Record<string, string>> = {
  lanes:
    "countOf differences evens16 evens32 highProducts highProductsUnsigned leastWord leftBy16 leftBy32 " +
    "leftBy64 leftByBytes mixedProducts odds16 odds32 products productsUnsigned rightBy16 rightBy32 " +
    "rightBy64 rightByBytes roundedProducts slidingDifferences",
  permute:
    "aligned doublewordMask insertedSingle quadwordMask shuffled32 shuffled64 shuffledHigh shuffledLow wordMask",
  aes: "inverseMixColumns inverseShiftedRows inverseSubstituted keyAssist mixColumns shiftedRows substituted",
  carryless: "carrylessProduct",
};

/** Imports of what `code` uses, for a module of sim/core that reaches sim/core/sse by `path`. */
function importsOf(code: string, path: string): string {
  return Object.entries(MODULES)
    .map(([module, names]) => {
      const used = names.split(" ").filter((name) => new RegExp(`\\b${name}\\(`).test(code));
      return used.length === 0 ? "" : `import { ${used.join(", ")} } from "${path}/${module}";\n`;
    })
    .join("");
}

/** A vector in the FXSAVE image: units of 16 bytes. */
export const VECTORS = 'load<usize>(cpu, offsetof<Cpu>("fxsave"))';
const unit = (n: number) => `vectors + (<usize>load<u8>(ip, ${n}) << 4)`;

function codeOf(expression: string): string {
  const uses = (name: string) => new RegExp(`\\b${name}\\b`).test(expression);
  return `const vectors = ${VECTORS};
        ${uses("x") ? `const x = v128.load(${unit(2)});` : ""}
        ${uses("y") ? `const y = v128.load(${unit(3)});` : ""}
        ${uses("n") ? "const n = <u32>load<u8>(ip, 8);" : ""}
        v128.store(${unit(2)}, ${expression});`;
}

/** Rows with the same expression share a micro-op, which has the first one's name. */
const hotNames = new Map<string, string>();
for (const { name, expression } of HOT)
  if (!hotNames.has(expression)) hotNames.set(expression, name);

export const PACKED_MICRO_OPS = [
  ...[...hotNames].map(([expression, name]) => ({ name: `V_${name}`, code: codeOf(expression) })),
  ...BY_IMMEDIATE.map(({ name, expression }) => ({
    name: `V_${name}_I`,
    code: codeOf(expression),
  })),
];

export const PACKED_IMPORTS = importsOf(PACKED_MICRO_OPS.map(({ code }) => code).join(), "../sse");

/** The operations of `packed`, by number; others have something else than a vector as a result. */
export const isPacked = (operation: number) =>
  [...HOT, ...COLD].some((row) => row.operation === operation);

/** For each operation from the first packed one on: its micro-op, or 0. */
function table(name: string, microOf: (operation: number) => string): string {
  const first = O.OP_PACKSSWB;
  const values = Array.from({ length: O.OP_PCLMULQDQ + 1 - first }, (_, n) => microOf(first + n));
  const lines = values.join(", ").replaceAll(/(.{1,100}(?:, |$))/g, "  $1\n");
  return `export const ${name}: StaticArray<u16> = [\n${lines}];\n`;
}

/** @param floats micro-ops of instructions that may have to be called (floats.ts) */
export function packedTables(floats: readonly { readonly name: string }[]): string {
  const used = [...PACKED_MICRO_OPS, ...floats].map(({ name }) => `M_${name}`).join(", ");
  const direct = table("MICRO_OF_VECTORS", (operation) => {
    const row = HOT.find((one) => one.operation === operation);
    return row === undefined ? "0" : `<u16>M_V_${hotNames.get(row.expression)}`;
  });
  const shifts = table("MICRO_OF_SHIFTS", (operation) => {
    const row = BY_IMMEDIATE.find((one) => one.operation === operation);
    return row === undefined ? "0" : `<u16>M_V_${row.name}_I`;
  });
  const names = new Set(floats.map(({ name }) => name));
  const operations = Object.entries(O as Readonly<Record<string, number>>);
  const nameOf = new Map(operations.map(([name, n]) => [n, `V_${name.replace("OP_", "")}`]));
  const calls = table("MICRO_OF_FLOATS", (operation) => {
    const name = nameOf.get(operation) ?? "";
    return names.has(name) ? `<u16>M_${name}` : "0";
  });
  const imports = `import { ${used} } from "../engine/micro.generated";\n`;
  return `${HEADER}${imports}${direct}${shifts}${calls}`;
}

/** The function of all operations, and which they are. */
export function packedFunction(): string {
  const rows = [...HOT, ...COLD];
  const cases = rows.map(
    ({ operation, name, expression }) =>
      `    case ${operation}: // ${name}\n      return ${expression};`,
  );
  const code = `export function packed(operation: u32, x: v128, y: v128, n: u32): v128 {
  switch (operation) {
${cases.join("\n")}
    default:
      return unreachable();
  }
}
`;
  const flags = table("IS_PACKED", (operation) => (isPacked(operation) ? "1" : "0"));
  return `${HEADER}${importsOf(code, ".")}\n${code}\n${flags}`;
}
