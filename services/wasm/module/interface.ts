/** What prepared code has beside its own imports and exports: the names under which the host finds it. */

export const MODULE = "aios";
/** Functions: imports of "aios". `grow` takes pages of 64 KiB and answers as memory.grow. */
export const IMPORT_YIELD = "yield";
export const IMPORT_GROW = "grow";
/** The stack is too deep; doesn't return. */
export const IMPORT_DEEP = "deep";
/** Bytes of stack left: what EXPORT_ROOM has. Any module may import it. */
export const IMPORT_ROOM = "room";
export const IMPORT_MEMORY = "memory";

/** What begins so is exported by prepared code alone. */
export const RESERVED = /^(aios:|asyncify_)/;

/** Globals: exports. Cycles left (i64), pages of 64 KiB that the agent has, bytes of stack left (i32). */
export const EXPORT_FUEL = "aios:fuel";
export const EXPORT_PAGES = "aios:pages";
export const EXPORT_ROOM = "aios:room";
/** An import that the code answers itself. */
export const tellsRoom = (it: { readonly module: string; readonly name: string }): boolean =>
  it.module === MODULE && it.name === IMPORT_ROOM;
/** The start function, which isn't run by instantiation. */
export const EXPORT_START = "aios:start";
/** The module's own mutable globals, by index. */
export const exportOfGlobal = (index: number): string => `aios:global${index}`;

/**
 * How deep an agent's code may call unless its module says otherwise, in bytes of the host's stack as
 * calls.ts estimates them; V8's frames take about half of it. Engines have a mebibyte for all.
 */
export const STACK_BYTES_DEFAULT = 256 * 1024;
