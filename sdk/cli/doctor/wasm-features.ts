/** What a host's engine must have of WebAssembly, each tried with the least module that uses it. */

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const I32 = 0x7f;
const ZERO = [0x41, 0x00];

interface Feature {
  readonly results: readonly number[];
  readonly code: readonly number[];
  readonly memory?: boolean;
}

/** Results and code of one function without parameters (WebAssembly 2.0, 5.4). */
const FEATURES: Readonly<Record<string, Feature>> = {
  SIMD: { results: [0x7b], code: [...ZERO, 0xfd, 0x0f] },
  "bulk memory": { results: [], code: [...ZERO, ...ZERO, ...ZERO, 0xfc, 0x0b, 0x00], memory: true },
  "several results": { results: [I32, I32], code: [...ZERO, ...ZERO] },
  "sign extension": { results: [I32], code: [...ZERO, 0xc0] },
  "saturating conversions": { results: [I32], code: [0x43, 0, 0, 0, 0, 0xfc, 0x00] },
  "reference types": { results: [0x70], code: [0xd0, 0x70] },
};

/** Names of those that the engine doesn't know. */
export function missingFeatures(
  validate = (bytes: Uint8Array) => WebAssembly.validate(bytes as BufferSource),
): string[] {
  return Object.entries(FEATURES).flatMap(([name, it]) => (validate(moduleOf(it)) ? [] : [name]));
}

function moduleOf({ results, code, memory }: Feature): Uint8Array {
  const section = (id: number, content: readonly number[]) => [id, content.length, ...content];
  const body = [0x00, ...code, 0x0b];
  return Uint8Array.from([
    ...HEADER,
    ...section(1, [1, 0x60, 0, results.length, ...results]),
    ...section(3, [1, 0]),
    ...(memory ? section(5, [1, 0x00, 0x01]) : []),
    ...section(10, [1, body.length, ...body]),
  ]);
}
