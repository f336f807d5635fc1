/** Modules for tests, from AssemblyScript: an ordinary compiler that is there anyway. */
import * as asc from "assemblyscript/asc";

const OPTIONS = [
  "--runtime",
  "stub",
  "--use",
  "abort=",
  "-O2",
  "--noAssert",
  "--outFile",
  "out.wasm",
];

/** The module that the compiler makes of `source`. */
export async function compileSource(source: string, ...options: string[]): Promise<Uint8Array> {
  const files = new Map<string, Uint8Array>();
  const { error, stderr } = await asc.main(["in.ts", ...OPTIONS, ...options], {
    readFile: (name) => (name === "in.ts" ? source : null),
    writeFile: (name, contents) => {
      files.set(name, typeof contents === "string" ? new TextEncoder().encode(contents) : contents);
    },
    listFiles: () => [],
  });
  const bytes = files.get("out.wasm");
  if (error || !bytes) throw new Error(`${error?.message}\n${stderr.toString()}`);
  return bytes;
}
