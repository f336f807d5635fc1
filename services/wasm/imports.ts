/**
 * What an agent's module may import: each function that the system answers, with its type. A module that wants
 * another one is refused before anything is started, with the names and both types.
 *
 * Types of WASI preview 1 are those of its witx files as lowered to WebAssembly: pointers, sizes and what has
 * up to 32 bits are i32; file sizes, offsets, rights and times are i64.
 */
import { AIOS_CALLS, AIOS_MODULE, type Parameter } from "./aios_calls.ts";
import type { FunctionType } from "./module/model.ts";
import * as model from "./module/model.ts";
import { WASI_MODULE } from "./wasi_constants.ts";

export interface WantedImport {
  readonly module: string;
  readonly name: string;
  readonly type: FunctionType;
}

/** A letter for each parameter: i for i32, l for i64. All but proc_exit answer with an errno. */
const WASI = `
  args_get ii                 fd_filestat_get ii            path_create_directory iii
  args_sizes_get ii           fd_filestat_set_size il       path_filestat_get iiiii
  environ_get ii              fd_filestat_set_times illi    path_filestat_set_times iiiilli
  environ_sizes_get ii        fd_pread iiili                path_link iiiiiii
  clock_res_get ii            fd_prestat_dir_name iii       path_open iiiiillii
  clock_time_get ili          fd_prestat_get ii             path_readlink iiiiii
  poll_oneoff iiii            fd_pwrite iiili               path_remove_directory iii
  proc_exit i                 fd_read iiii                  path_rename iiiiii
  proc_raise i                fd_readdir iiili              path_symlink iiiii
  random_get ii               fd_renumber ii                path_unlink_file iii
  sched_yield -               fd_seek ilii                  sock_accept iii
  fd_advise illi              fd_sync i                     sock_recv iiiiii
  fd_allocate ill             fd_tell ii                    sock_send iiiii
  fd_close i                  fd_write iiii                 sock_shutdown ii
  fd_datasync i               fd_fdstat_set_flags ii
  fd_fdstat_get ii            fd_fdstat_set_rights ill
`;
const LETTERS: Readonly<Record<string, number>> = { i: model.VALUE_I32, l: model.VALUE_I64 };
const ERRNO = [model.VALUE_I32];

/** Of a call of "aios": an address and a count or a size are two numbers. */
const AIOS_TYPES: Readonly<Record<Parameter["kind"], (bytes: number) => number[]>> = {
  handle: () => [model.VALUE_I64],
  u64: () => [model.VALUE_I64],
  u32: () => [model.VALUE_I32],
  in: () => [model.VALUE_I32, model.VALUE_I32],
  out: (bytes) => (bytes > 0 ? [model.VALUE_I32] : [model.VALUE_I32, model.VALUE_I32]),
};

function wasiFunctions(): Map<string, FunctionType> {
  const words = WASI.trim().split(/\s+/);
  const named = new Map<string, FunctionType>();
  for (let at = 0; at < words.length; at += 2) {
    const [name = "", letters = ""] = words.slice(at, at + 2);
    const parameters = [...letters].flatMap((letter) => LETTERS[letter] ?? []);
    named.set(name, { parameters, results: name === "proc_exit" ? [] : ERRNO });
  }
  return named;
}

function aiosFunctions(): Map<string, FunctionType> {
  return new Map(
    AIOS_CALLS.map(({ name, parameters }) => [
      name,
      {
        parameters: parameters.flatMap(({ kind, bytes }) => AIOS_TYPES[kind](bytes)),
        results: ERRNO,
      },
    ]),
  );
}

/** By module and name. */
export const FUNCTIONS: ReadonlyMap<string, ReadonlyMap<string, FunctionType>> = new Map([
  [WASI_MODULE, wasiFunctions()],
  [AIOS_MODULE, aiosFunctions()],
]);

/** What is wrong with the first import that nothing answers; null when all are answered. */
export function importProblem(imports: readonly WantedImport[]): string | null {
  for (const { module, name, type } of imports) {
    const wanted = `imports "${module}.${name}" as ${textOf(type)}`;
    const functions = FUNCTIONS.get(module);
    if (!functions) return `${wanted}; there are ${[...FUNCTIONS.keys()].join(" and ")}`;
    const found = functions.get(name);
    if (!found) return `${wanted}; "${module}" has no such function`;
    if (textOf(found) !== textOf(type)) return `${wanted}; here it is ${textOf(found)}`;
  }
  return null;
}

const NAMES = new Map([
  [model.VALUE_I32, "i32"],
  [model.VALUE_I64, "i64"],
  [model.VALUE_F32, "f32"],
  [model.VALUE_F64, "f64"],
  [model.VALUE_V128, "v128"],
]);

/** "(i32, i64) -> i32", as WebAssembly's specification writes types. */
function textOf({ parameters, results }: FunctionType): string {
  const list = (types: readonly number[]) =>
    types.map((type) => NAMES.get(type) ?? "ref").join(", ");
  const given = results.length === 1 ? list(results) : `(${list(results)})`;
  return `(${list(parameters)}) -> ${given}`;
}
