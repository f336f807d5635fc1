/** A module as its sections say (WebAssembly 2.0, 5.5), as far as the runtime looks at it. */

export const VALUE_I32 = 0x7f;
export const VALUE_I64 = 0x7e;
export const VALUE_F32 = 0x7d;
export const VALUE_F64 = 0x7c;
export const VALUE_V128 = 0x7b;

export const KIND_FUNCTION = 0;
export const KIND_TABLE = 1;
export const KIND_MEMORY = 2;
export const KIND_GLOBAL = 3;

export const SECTION_CUSTOM = 0;
export const SECTION_TYPE = 1;
export const SECTION_IMPORT = 2;
export const SECTION_FUNCTION = 3;
export const SECTION_TABLE = 4;
export const SECTION_MEMORY = 5;
export const SECTION_GLOBAL = 6;
export const SECTION_EXPORT = 7;
export const SECTION_START = 8;
export const SECTION_ELEMENT = 9;
export const SECTION_CODE = 10;
export const SECTION_DATA = 11;
export const SECTION_DATA_COUNT = 12;

export interface FunctionType {
  readonly parameters: readonly number[];
  readonly results: readonly number[];
}

/** A part of the module's bytes. */
export interface Span {
  readonly at: number;
  readonly end: number;
}

export interface FunctionImport {
  readonly module: string;
  readonly name: string;
  /** Index into `types`. */
  readonly type: number;
}

export interface Global {
  readonly type: number;
  readonly mutable: boolean;
  /** Its constant expression, with the final `end`. */
  readonly init: Span;
}

export interface Export {
  readonly name: string;
  readonly kind: number;
  readonly index: number;
}

export interface DataSegment {
  /** Where an active one goes; null for a passive one. */
  readonly offset: number | null;
  readonly bytes: Uint8Array;
}

/** Of pages of 64 KiB; no maximum is 65,536. */
export interface MemoryLimits {
  readonly initial: number;
  readonly maximum: number;
}

export interface WasmModule {
  readonly bytes: Uint8Array;
  readonly types: FunctionType[];
  readonly imports: FunctionImport[];
  /** Types of the functions that it defines. */
  readonly functions: number[];
  /** The section's contents, as they are. */
  table: Span | null;
  memory: MemoryLimits | null;
  readonly globals: Global[];
  readonly exports: Export[];
  start: number | null;
  elements: Span | null;
  /** Functions whose address is in a table or can be: what an indirect call may reach. */
  readonly addressed: Set<number>;
  readonly bodies: Span[];
  readonly data: DataSegment[];
  hasDataCount: boolean;
}

export function functionType(module: WasmModule, index: number): FunctionType {
  const { imports, functions, types } = module;
  const type = imports[index]?.type ?? functions[index - imports.length] ?? -1;
  const found = types[type];
  if (!found) throw new RangeError(`function ${index} has no type`);
  return found;
}
