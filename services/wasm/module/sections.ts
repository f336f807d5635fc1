/** A module as its sections, for those who change functions and leave everything else. */
import { Reader, Writer } from "./bytes.ts";
import {
  type FunctionType,
  KIND_FUNCTION,
  KIND_MEMORY,
  SECTION_CODE,
  SECTION_EXPORT,
  SECTION_FUNCTION,
  SECTION_IMPORT,
  SECTION_TYPE,
} from "./model.ts";

const HEADER_BYTES = 8;

export interface Sections {
  readonly header: Uint8Array;
  readonly contents: readonly {
    readonly id: number;
    readonly bytes: Uint8Array;
  }[];
  readonly types: readonly FunctionType[];
  /** Types of the functions that are imported; they come before the defined ones. */
  readonly imported: readonly number[];
  /** Types of the defined functions, and their bodies. */
  readonly functions: readonly number[];
  readonly bodies: readonly Uint8Array[];
  /** Exported functions, by name. */
  readonly exports: ReadonlyMap<string, number>;
}

/** @param bytes a valid module that imports nothing but functions and a memory without a maximum */
export function readSections(bytes: Uint8Array): Sections {
  const contents: { id: number; bytes: Uint8Array }[] = [];
  for (const reader = new Reader(bytes, HEADER_BYTES); !reader.done; ) {
    const id = reader.byte();
    contents.push({ id, bytes: reader.slice(reader.u32()) });
  }
  const section = (wanted: number) =>
    new Reader(contents.find(({ id }) => id === wanted)?.bytes ?? Uint8Array.of(0));
  const exported = list(section(SECTION_EXPORT), (from) => {
    const [name, kind, index] = [from.text(), from.byte(), from.u32()];
    return { name, kind, index };
  });
  return {
    header: bytes.subarray(0, HEADER_BYTES),
    contents,
    types: list(section(SECTION_TYPE), (from) => {
      from.byte();
      const parameters = list(from, (it) => it.byte());
      return { parameters, results: list(from, (it) => it.byte()) };
    }),
    imported: list(section(SECTION_IMPORT), importedType).filter((type) => type >= 0),
    functions: list(section(SECTION_FUNCTION), (from) => from.u32()),
    bodies: list(section(SECTION_CODE), (from) => from.slice(from.u32())),
    exports: new Map(
      exported.filter(({ kind }) => kind === KIND_FUNCTION).map(({ name, index }) => [name, index]),
    ),
  };
}

function list<T>(from: Reader, one: (from: Reader) => T): T[] {
  return Array.from({ length: from.u32() }, () => one(from));
}

/** Of a function; -1 for a memory. */
function importedType(from: Reader): number {
  from.text();
  from.text();
  const kind = from.byte();
  const type = from.u32();
  if (kind === KIND_MEMORY) from.u32();
  return kind === KIND_FUNCTION ? type : -1;
}

/** The module with other defined functions: their types, and their bodies. */
export function writeSections(
  { header, contents }: Sections,
  types: readonly number[],
  bodies: readonly Uint8Array[],
): Uint8Array {
  const functions = new Writer().u32(types.length);
  for (const type of types) functions.u32(type);
  const code = new Writer().u32(bodies.length);
  for (const body of bodies) code.vector(body);
  const changed = new Map([
    [SECTION_FUNCTION, functions.bytes],
    [SECTION_CODE, code.bytes],
  ]);
  const out = new Writer().raw(header);
  for (const { id, bytes } of contents) out.byte(id).vector(changed.get(id) ?? bytes);
  return out.bytes;
}
