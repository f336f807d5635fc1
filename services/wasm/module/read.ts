/**
 * Reads a module. The engine has validated it before, so what is checked here is only what an agent's
 * code may not have though WebAssembly allows it.
 */
import { Reader } from "./bytes.ts";
import { checkValue, checkVariables } from "./check.ts";
import { WasmError } from "./errors.ts";
import * as aios from "./interface.ts";
import {
  type DataSegment,
  type FunctionType,
  KIND_FUNCTION,
  KIND_GLOBAL,
  KIND_MEMORY,
  KIND_TABLE,
  type MemoryLimits,
  SECTION_CODE,
  SECTION_CUSTOM,
  SECTION_DATA,
  SECTION_DATA_COUNT,
  SECTION_ELEMENT,
  SECTION_EXPORT,
  SECTION_FUNCTION,
  SECTION_GLOBAL,
  SECTION_IMPORT,
  SECTION_MEMORY,
  SECTION_START,
  SECTION_TABLE,
  SECTION_TYPE,
  type Span,
  VALUE_F32,
  VALUE_F64,
  VALUE_I32,
  VALUE_I64,
  type WasmModule,
} from "./model.ts";
import { OP_END, OP_I32_CONST, OP_REF_FUNC, readOperator, skipImmediates } from "./operators.ts";

const NUMBERS = new Set([VALUE_I32, VALUE_I64, VALUE_F32, VALUE_F64]);
const HEADER_BYTES = 8;
const MAGIC = 0x6d73_6100;
const VERSION = 1;
const FUNCTION_FORM = 0x60;
const PAGES_MAX = 65_536;
/** What the host spends on preparing a module grows with these. */
export const MODULE_BYTES_MAX = 64 * 1024 * 1024;
export const FUNCTIONS_MAX = 100_000;

/** @throws WasmError */
export function readModule(bytes: Uint8Array): WasmModule {
  checkHeader(bytes);
  checkVariables(bytes, HEADER_BYTES);
  if (!WebAssembly.validate(bytes as BufferSource)) throw invalidity(bytes);
  const module: WasmModule = {
    bytes,
    types: [],
    imports: [],
    functions: [],
    table: null,
    memory: null,
    globals: [],
    exports: [],
    start: null,
    elements: null,
    addressed: new Set(),
    bodies: [],
    data: [],
    hasDataCount: false,
  };
  const reader = new Reader(bytes, HEADER_BYTES);
  while (!reader.done) {
    const id = reader.byte();
    const length = reader.u32();
    const at = reader.at;
    reader.skip(length);
    SECTIONS[id]?.(module, new Reader(bytes, at, at + length));
  }
  return module;
}

function checkHeader(bytes: Uint8Array): void {
  if (bytes.length > MODULE_BYTES_MAX)
    throw new WasmError(
      "wasm-too-large",
      null,
      `${bytes.length} bytes; ${MODULE_BYTES_MAX} at most`,
    );
  if (bytes.length < HEADER_BYTES) throw new WasmError("wasm-truncated", bytes.length, "no module");
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  if (view.getUint32(0, true) !== MAGIC)
    throw new WasmError("wasm-invalid", 0, "this is no WebAssembly module");
  const version = view.getUint32(4, true);
  if (version !== VERSION)
    throw new WasmError(
      "wasm-feature",
      4,
      `version ${version}; a core module has version ${VERSION}`,
    );
}

/** What the engine says about a module that it refuses: its text has the place. */
function invalidity(bytes: Uint8Array): WasmError {
  try {
    new WebAssembly.Module(bytes as BufferSource);
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error);
    const text = said.replace(/^WebAssembly\.Module\(\): /, "");
    const place = /@\+(\d+)/.exec(text)?.[1];
    return new WasmError(
      "wasm-invalid",
      place === undefined ? null : Number(place),
      text.replace(/ ?@\+\d+/, ""),
    );
  }
  return new WasmError("wasm-invalid", null, "the module isn't valid");
}

type SectionReader = (module: WasmModule, reader: Reader) => void;

const SECTIONS: Readonly<Record<number, SectionReader>> = {
  [SECTION_CUSTOM]: () => {},
  [SECTION_TYPE]: (module, reader) => each(reader, () => module.types.push(readType(reader))),
  [SECTION_IMPORT]: (module, reader) => each(reader, () => readImport(module, reader)),
  [SECTION_FUNCTION]: readFunctions,
  [SECTION_TABLE]: (module, reader) => {
    module.table = span(reader);
  },
  [SECTION_MEMORY]: (module, reader) =>
    each(reader, () => {
      module.memory = readLimits(reader);
    }),
  [SECTION_GLOBAL]: (module, reader) =>
    each(reader, () => {
      const at = reader.at;
      const type = reader.byte();
      const mutable = reader.byte() === 1;
      if (mutable && !NUMBERS.has(type))
        throw new WasmError(
          "wasm-feature",
          at,
          "an agent's code can't have globals that change and are no numbers",
        );
      checkValue(type, at);
      module.globals.push({ type, mutable, init: readConstant(module, reader) });
    }),
  [SECTION_EXPORT]: (module, reader) =>
    each(reader, () => {
      const { at } = reader;
      const name = reader.text();
      if (aios.RESERVED.test(name))
        throw new WasmError("wasm-export", at, `exports "${name}", a name of the runtime's own`);
      const kind = reader.byte();
      module.exports.push({ name, kind, index: reader.u32() });
    }),
  [SECTION_START]: (module, reader) => {
    module.start = reader.u32();
  },
  [SECTION_ELEMENT]: readElements,
  [SECTION_CODE]: (module, reader) =>
    each(reader, () => {
      const length = reader.u32();
      module.bodies.push({ at: reader.at, end: reader.at + length });
      reader.skip(length);
    }),
  [SECTION_DATA]: (module, reader) =>
    each(reader, () => module.data.push(readData(module, reader))),
  [SECTION_DATA_COUNT]: (module) => {
    module.hasDataCount = true;
  },
};

function each(reader: Reader, one: () => void): void {
  const count = reader.u32();
  for (let n = 0; n < count; n++) one();
}

const span = (reader: Reader): Span => ({ at: reader.at, end: reader.end });

function readType(reader: Reader): FunctionType {
  const at = reader.at;
  if (reader.byte() !== FUNCTION_FORM)
    throw new WasmError("wasm-feature", at, "an agent's code can't have garbage collection");
  const types = () => {
    const list = [...reader.slice(reader.u32())];
    for (const type of list) checkValue(type, at);
    return list;
  };
  return { parameters: types(), results: types() };
}

const IMPORT_KINDS: Readonly<Record<number, string>> = {
  [KIND_TABLE]: "table",
  [KIND_MEMORY]: "memory",
  [KIND_GLOBAL]: "global",
};

function readImport(module: WasmModule, reader: Reader): void {
  const at = reader.at;
  const from = reader.text();
  const name = reader.text();
  const kind = reader.byte();
  if (kind !== KIND_FUNCTION) {
    const what = IMPORT_KINDS[kind] ?? "tag";
    throw new WasmError("wasm-import", at, `imports the ${what} "${from}.${name}"`);
  }
  module.imports.push({ module: from, name, type: reader.u32() });
}

function readFunctions(module: WasmModule, reader: Reader): void {
  each(reader, () => module.functions.push(reader.u32()));
  if (module.functions.length > FUNCTIONS_MAX)
    throw new WasmError(
      "wasm-too-large",
      null,
      `${module.functions.length} functions; ${FUNCTIONS_MAX} at most`,
    );
}

function readLimits(reader: Reader): MemoryLimits {
  const at = reader.at;
  const flags = reader.byte();
  if (flags > 1)
    throw new WasmError("wasm-feature", at, "an agent's code can't have shared or 64-bit memories");
  const initial = reader.u32();
  return { initial, maximum: flags === 1 ? reader.u32() : PAGES_MAX };
}

/** Skips a constant expression, and notes the functions that it names. */
function readConstant(module: WasmModule, reader: Reader): Span {
  const at = reader.at;
  for (;;) {
    const opcode = readOperator(reader);
    if (opcode === OP_END) return { at, end: reader.at };
    if (opcode === OP_REF_FUNC) module.addressed.add(reader.u32());
    else skipImmediates(reader, opcode);
  }
}

/** Bits of a segment's first number (5.5.12). */
export const SEGMENT_PASSIVE = 1;
export const SEGMENT_EXPLICIT = 2;
export const SEGMENT_EXPRESSIONS = 4;

function readElements(module: WasmModule, reader: Reader): void {
  module.elements = span(reader);
  each(reader, () => {
    const flags = reader.u32();
    if (!(flags & SEGMENT_PASSIVE)) {
      if (flags & SEGMENT_EXPLICIT) reader.u32();
      readConstant(module, reader);
    }
    if (flags & (SEGMENT_PASSIVE | SEGMENT_EXPLICIT)) reader.byte();
    if (flags & SEGMENT_EXPRESSIONS) each(reader, () => readConstant(module, reader));
    else each(reader, () => module.addressed.add(reader.u32()));
  });
}

function readData(module: WasmModule, reader: Reader): DataSegment {
  const flags = reader.u32();
  if (flags & SEGMENT_PASSIVE) return { offset: null, bytes: reader.slice(reader.u32()) };
  if (flags & SEGMENT_EXPLICIT) reader.u32();
  const { at, end } = readConstant(module, reader);
  const expression = new Reader(module.bytes, at, end);
  if (readOperator(expression) !== OP_I32_CONST)
    throw new WasmError("wasm-data", at, "a data segment's place is no constant");
  const offset = expression.s33() >>> 0;
  if (readOperator(expression) !== OP_END)
    throw new WasmError("wasm-data", at, "a data segment's place is no constant");
  return { offset, bytes: reader.slice(reader.u32()) };
}
