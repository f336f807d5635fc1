/** Writes a module again, metered, with its memory imported and its data segments taken out. */
import { Reader, Writer } from "./bytes.ts";
import { meterings } from "./calls.ts";
import * as aios from "./interface.ts";
import { meterBody } from "./meter.ts";
import {
  KIND_FUNCTION,
  KIND_GLOBAL,
  KIND_MEMORY,
  SECTION_CODE,
  SECTION_DATA,
  SECTION_DATA_COUNT,
  SECTION_ELEMENT,
  SECTION_EXPORT,
  SECTION_FUNCTION,
  SECTION_GLOBAL,
  SECTION_IMPORT,
  SECTION_TABLE,
  SECTION_TYPE,
  type Span,
  VALUE_I32,
  VALUE_I64,
  type WasmModule,
} from "./model.ts";
import {
  OP_END,
  OP_I32_CONST,
  OP_I64_CONST,
  OP_REF_FUNC,
  readOperator,
  skipImmediates,
} from "./operators.ts";
import { movedFunction, type Places } from "./places.ts";
import { SEGMENT_EXPLICIT, SEGMENT_EXPRESSIONS, SEGMENT_PASSIVE } from "./read.ts";

const HEADER = [0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00];
const FUNCTION_FORM = 0x60;
const ADDED_FUNCTIONS = [
  { name: aios.IMPORT_YIELD, parameters: [], results: [] },
  { name: aios.IMPORT_GROW, parameters: [VALUE_I32], results: [VALUE_I32] },
  { name: aios.IMPORT_DEEP, parameters: [], results: [] },
] as const;
const ADDED_GLOBALS = [
  { name: aios.EXPORT_FUEL, type: VALUE_I64, init: OP_I64_CONST },
  { name: aios.EXPORT_PAGES, type: VALUE_I32, init: OP_I32_CONST },
  { name: aios.EXPORT_ROOM, type: VALUE_I32, init: OP_I32_CONST },
] as const;

/** The same functions, counted, behind three more imports. @throws WasmError wasm-feature */
export function writeMetered(module: WasmModule): Uint8Array {
  return new ModuleWriter(module).run();
}

class ModuleWriter {
  private readonly module: WasmModule;
  private readonly out = new Writer();
  private readonly types: { parameters: readonly number[]; results: readonly number[] }[];
  private readonly places: Places;

  constructor(module: WasmModule) {
    this.module = module;
    this.types = [...module.types];
    const first = module.imports.length;
    const global = module.globals.length;
    this.places = {
      defined: first,
      added: ADDED_FUNCTIONS.length,
      yield: first,
      grow: first + 1,
      deep: first + 2,
      fuel: global,
      pages: global + 1,
      room: global + 2,
      tellsRoom: module.imports.findIndex(aios.tellsRoom),
      blockType: (results) => this.typeOf([], results),
    };
  }

  run(): Uint8Array {
    const { module, out } = this;
    const code = this.code();
    const imports = this.imports();
    out.raw(HEADER);
    this.section(SECTION_TYPE, this.typeSection());
    this.section(SECTION_IMPORT, imports);
    this.section(
      SECTION_FUNCTION,
      vectorOf(module.functions, (to, type) => to.u32(type)),
    );
    if (module.table) this.section(SECTION_TABLE, new Writer().raw(bytesOf(module, module.table)));
    this.section(SECTION_GLOBAL, this.globals());
    this.section(SECTION_EXPORT, this.exports());
    if (module.elements) this.section(SECTION_ELEMENT, this.elements(module.elements));
    if (module.hasDataCount) this.section(SECTION_DATA_COUNT, new Writer().u32(module.data.length));
    this.section(SECTION_CODE, code);
    this.section(SECTION_DATA, this.data());
    return out.bytes.slice();
  }

  private section(id: number, contents: Writer): void {
    if (contents.length > 1 || contents.bytes[0] !== 0) this.out.byte(id).vector(contents.bytes);
  }

  private typeOf(parameters: readonly number[], results: readonly number[]): number {
    const same = (a: readonly number[], b: readonly number[]) => a.join() === b.join();
    const known = this.types.findIndex(
      (type) => same(type.parameters, parameters) && same(type.results, results),
    );
    return known >= 0 ? known : this.types.push({ parameters, results }) - 1;
  }

  private typeSection(): Writer {
    return vectorOf(this.types, (to, { parameters, results }) => {
      to.byte(FUNCTION_FORM).vector(Uint8Array.from(parameters)).vector(Uint8Array.from(results));
    });
  }

  private imports(): Writer {
    const functions = [
      ...this.module.imports,
      ...ADDED_FUNCTIONS.map(({ name, parameters, results }) => ({
        module: aios.MODULE,
        name,
        type: this.typeOf(parameters, results),
      })),
    ];
    const to = new Writer().u32(functions.length + 1);
    for (const { module, name, type } of functions)
      to.text(module).text(name).byte(KIND_FUNCTION).u32(type);
    to.text(aios.MODULE).text(aios.IMPORT_MEMORY).byte(KIND_MEMORY).byte(0).u32(0);
    return to;
  }

  private globals(): Writer {
    const { globals } = this.module;
    const to = new Writer().u32(globals.length + ADDED_GLOBALS.length);
    for (const { type, mutable, init } of globals) {
      to.byte(type).byte(mutable ? 1 : 0);
      this.expression(to, new Reader(this.module.bytes, init.at, init.end));
    }
    for (const { type, init } of ADDED_GLOBALS)
      to.byte(type).byte(1).byte(init).signed(0).byte(OP_END);
    return to;
  }

  private exports(): Writer {
    const { exports, globals, start } = this.module;
    const all = exports
      .filter(({ kind }) => kind !== KIND_MEMORY)
      .map(({ name, kind, index }) => ({
        name,
        kind,
        index: kind === KIND_FUNCTION ? movedFunction(this.places, index) : index,
      }));
    globals.forEach(({ mutable }, index) => {
      if (mutable) all.push({ name: aios.exportOfGlobal(index), kind: KIND_GLOBAL, index });
    });
    ADDED_GLOBALS.forEach(({ name }, n) => {
      all.push({ name, kind: KIND_GLOBAL, index: globals.length + n });
    });
    if (start !== null)
      all.push({
        name: aios.EXPORT_START,
        kind: KIND_FUNCTION,
        index: movedFunction(this.places, start),
      });
    return vectorOf(all, (to, { name, kind, index }) => to.text(name).byte(kind).u32(index));
  }

  /** Copies a constant expression; functions have moved. */
  private expression(to: Writer, from: Reader): void {
    for (;;) {
      const at = from.at;
      const opcode = readOperator(from);
      if (opcode === OP_REF_FUNC) to.byte(opcode).u32(movedFunction(this.places, from.u32()));
      else {
        skipImmediates(from, opcode);
        to.raw(from.bytes.subarray(at, from.at));
      }
      if (opcode === OP_END) return;
    }
  }

  private elements({ at, end }: Span): Writer {
    const from = new Reader(this.module.bytes, at, end);
    const to = new Writer();
    const each = (one: () => void) => {
      const count = from.u32();
      to.u32(count);
      for (let n = 0; n < count; n++) one();
    };
    each(() => {
      const flags = from.u32();
      to.u32(flags);
      if (!(flags & SEGMENT_PASSIVE)) {
        if (flags & SEGMENT_EXPLICIT) to.u32(from.u32());
        this.expression(to, from);
      }
      if (flags & (SEGMENT_PASSIVE | SEGMENT_EXPLICIT)) to.byte(from.byte());
      if (flags & SEGMENT_EXPRESSIONS) each(() => this.expression(to, from));
      else each(() => to.u32(movedFunction(this.places, from.u32())));
    });
    return to;
  }

  private code(): Writer {
    const { module, places } = this;
    const first = module.imports.length;
    return vectorOf(meterings(module), (to, metering, n) =>
      to.vector(meterBody(module, places, metering, first + n)),
    );
  }

  /** Active segments are part of the state at birth; of them only their places in the list are left. */
  private data(): Writer {
    return vectorOf(this.module.data, (to, { offset, bytes }) =>
      to.byte(SEGMENT_PASSIVE).vector(offset === null ? bytes : new Uint8Array()),
    );
  }
}

function vectorOf<T>(items: readonly T[], write: (to: Writer, item: T, n: number) => void): Writer {
  const to = new Writer().u32(items.length);
  for (const [n, item] of items.entries()) write(to, item, n);
  return to;
}

const bytesOf = ({ bytes }: WasmModule, { at, end }: Span): Uint8Array => bytes.subarray(at, end);
