/** Turns structure layouts into TypeScript classes that read and write them in place. */
export interface Layout {
  readonly name: string;
  readonly size: number;
  readonly fields: readonly Field[];
}

interface Field {
  readonly name: string;
  /** Resolved AssemblyScript type: u8 … u64, i8 … i64, bool, f64, usize. */
  readonly type: string;
  /** The type as written; `Ptr<T>` says what an address points to. */
  readonly declared: string;
  readonly offset: number;
}

/** DataView accessor and TypeScript type of each field type. */
const ACCESSORS: Readonly<Record<string, readonly [string, string]>> = {
  u8: ["Uint8", "number"],
  bool: ["Uint8", "number"],
  i8: ["Int8", "number"],
  u16: ["Uint16", "number"],
  i16: ["Int16", "number"],
  u32: ["Uint32", "number"],
  usize: ["Uint32", "number"],
  i32: ["Int32", "number"],
  u64: ["BigUint64", "bigint"],
  i64: ["BigInt64", "bigint"],
  f64: ["Float64", "number"],
};

const HEADER = `// Generated from the AssemblyScript classes of the same names. Do not edit.
import { View } from "VIEW";
`;

/** The source text of a module with one view class a layout. */
export function generateViews(layouts: readonly Layout[], view = "../../sim/host/view.ts"): string {
  const names = new Set(layouts.map((layout) => layout.name));
  return [HEADER.replace("VIEW", view), ...layouts.map((layout) => viewClass(layout, names))].join(
    "\n",
  );
}

function viewClass(layout: Layout, names: ReadonlySet<string>): string {
  const lines = [
    `export class ${layout.name} extends View {`,
    `  static readonly size = ${layout.size};`,
  ];
  for (const field of layout.fields) lines.push(...accessors(field), ...follower(field, names));
  return [...lines, "}", ""].join("\n");
}

function accessors(field: Field): string[] {
  const accessor = ACCESSORS[field.type];
  // A field of class type holds the address of the object.
  const [kind, type] = accessor ?? ["Uint32", "number"];
  const order = kind.endsWith("nt8") ? "" : ", true"; // a byte has no order
  return [
    `  get ${field.name}(): ${type} { return this.data.get${kind}(this.address + ${field.offset}${order}); }`,
    `  set ${field.name}(value: ${type}) { this.data.set${kind}(this.address + ${field.offset}, value${order}); }`,
  ];
}

/** For `Ptr<T>`: the `index`-th T behind the address. */
function follower(field: Field, names: ReadonlySet<string>): string[] {
  const target = /^Ptr<(\w+)>$/.exec(field.declared)?.[1];
  if (!target || !names.has(target)) return [];
  return [
    `  ${field.name}At(index: number): ${target} { return new ${target}(this.data, this.${field.name} + index * ${target}.size); }`,
  ];
}
